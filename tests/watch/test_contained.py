"""A look that fails by a mistake of ours: what it was to see becomes unknown, and all else is watched on."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from commands import answer
from core.fleet import HostLimits, ServerChecks
from core.fleet.target import Target
from core.people import Person

if TYPE_CHECKING:
    import pytest
    from watch.conftest import SetStage, Stage

SHELL = Person("root", "terminal", frozenset())


async def state_of_site(stage: Stage, site: str) -> str:
    reply = await answer(["status", site, "--json"], SHELL, "terminal", stage.ports)
    return str(reply.facts["sites"][0]["state"])


async def test_an_odd_site_becomes_unknown_and_a_drop_is_told_all_the_same(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    stage.world.odd.add("site1")
    await stage.play(60)
    assert await state_of_site(stage, "site1") == "unknown"
    assert await state_of_site(stage, "site3") == "up"
    assert "of=site:site1 failed inside" in caplog.text
    assert "an answer as nobody foresaw it" in caplog.text
    stage.world.dead.add("one")
    await stage.play(20)
    assert len(await stage.titles()) == 1
    stage.world.odd.clear()
    await stage.play(20)
    assert await state_of_site(stage, "site1") == "up"


async def test_an_odd_check_says_nothing_and_the_server_is_watched_on(
    set_stage: SetStage, caplog: pytest.LogCaptureFixture
) -> None:
    stage = await set_stage()
    one = replace(stage.fleet.servers["one"], checks=ServerChecks(host=HostLimits(every=timedelta(seconds=10))))
    stage.change(servers={**stage.fleet.servers, "one": one})
    stage.world.odd.add("one")
    stage.start()
    await stage.play(60)
    assert "of=host server:one failed inside" in caplog.text
    assert await stage.state(Target.server("one")) == "up"
    stage.world.dead.add("one")
    await stage.play(20)
    assert await stage.state(Target.server("one")) == "down"


async def test_a_second_place_that_fails_inside_keeps_no_drop_from_being_told(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    stage.world.odd.add("two")
    stage.world.dead.add("one")
    await stage.play(20)
    (title,) = await stage.titles()
    assert title.startswith("one is down since")
    assert "seen from 2 places" in title
    assert "of=server:one from=two failed inside" in caplog.text

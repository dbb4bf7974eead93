"""`status` from what the watch stored, and by looking itself where nobody watches."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from commands import answer
from core.errors import UsageError
from core.people import Person
from core.reply import Text
from ops.store.copies.served import SyncRun

if TYPE_CHECKING:
    from core.reply import Reply
    from tests.watch.conftest import SetStage, Stage

CHAT = Person("UEVE", "slack", frozenset())
SHELL = Person("root", "terminal", frozenset())


async def status(stage: Stage, *words: str, person: Person = CHAT) -> Reply:
    return await answer(["status", *words], person, person.via, stage.ports)


async def facts(stage: Stage, *words: str, person: Person = SHELL) -> Any:  # noqa: ANN401 - JSON
    return (await status(stage, *words, "--json", person=person)).facts


async def copied(stage: Stage, site: str, mirror: str, age: timedelta) -> None:
    at = stage.clock.now() - age
    run = SyncRun(f"{site}-{mirror}-{age}", site, "one", mirror, at, None, None, {})
    await stage.store.copies.begin_sync(run, "bot")
    await stage.store.copies.end_sync(run.id, "good", {}, at + timedelta(seconds=9), "bot")


async def test_the_title_says_the_whole_fleet(stage: Stage) -> None:
    reply = await status(stage)
    assert reply.title == "test: one up, two up, three up; 12 of 12 sites served, 3 of 3 name servers in step"
    assert reply.exit_code == 0


async def test_no_look_is_taken_while_a_bot_watches(stage: Stage) -> None:
    stage.world.looks.clear()
    await status(stage)
    await status(stage, "one", person=SHELL)
    assert stage.world.looks == []


async def test_a_drop_is_in_the_title_and_the_exit_code(stage: Stage) -> None:
    stage.world.dead.add("one")
    await stage.play(30)
    reply = await status(stage)
    assert reply.title == "test: one down, two up, three up; 6 of 12 sites served, 3 of 3 name servers in step"
    assert reply.exit_code == 1
    texts = [part.text for part in reply.parts if isinstance(part, Text)]
    assert any(text.startswith("Outage 1: one, since 14:00:") for text in texts)


async def test_what_the_bot_saw_too_long_ago_is_unknown(stage: Stage) -> None:
    await stage.stop()
    await stage.play(60)
    reply = await status(stage)
    assert reply.title == (
        "test: one unknown, two unknown, three unknown; 0 of 12 sites served, 0 of 3 name servers in step"
    )
    assert reply.exit_code == 1


async def test_without_a_bot_the_terminal_looks_itself_and_stores_nothing(set_stage: SetStage) -> None:
    stage = await set_stage()
    stage.world.dead.add("two")
    stage.world.points_to["site0"] = "three"
    asking = asyncio.create_task(status(stage, person=SHELL))
    await stage.play(5)
    reply = await asking
    assert reply.title == "test: one up, two down, three up; 6 of 12 sites served, 3 of 3 name servers in step"
    assert any("No bot is watching" in part.text for part in reply.parts if isinstance(part, Text))
    assert await stage.store.states.states() == {}
    assert ("here", "three") in {(place, name) for _, place, name in stage.world.looks}


async def test_json_lists_everything_with_name_and_state(stage: Stage) -> None:
    await copied(stage, "site0", "two", timedelta(hours=2))
    stage.world.dead.add("ns3")
    await stage.play(30)
    found = await facts(stage)
    assert [(one["name"], one["state"]) for one in found["servers"]] == [("one", "up"), ("two", "up"), ("three", "up")]
    assert len(found["sites"]) == 12
    assert found["sites"][0]["copies"][0]["age_s"] == pytest.approx(7200, abs=60)
    assert [one["state"] for one in found["nameservers"]] == ["up", "up", "down"]
    assert [one["in_step"] for one in found["nameservers"]] == [True, True, None]
    assert [one["target"] for one in found["outages"]] == ["nameserver:ns3"]
    assert found["watched"] is True


async def test_a_server_a_site_and_a_name_server_can_be_asked_for(stage: Stage) -> None:
    assert (await status(stage, "one")).title.startswith("one (One) is up since")
    assert (await status(stage, "one")).title.endswith("; 6 sites served from it: 6 up")
    assert (await status(stage, "site3")).title.startswith("site3 is up since")
    assert (await status(stage, "SITE3.test.")).title.startswith("site3 is up since")
    assert (await status(stage, "ns1")).title.startswith("Name server ns1 (Oslo) is up since")
    assert [one["name"] for one in (await facts(stage, "two"))["sites"]] == [f"site{n}" for n in range(1, 12, 2)]


async def test_a_typing_error_gets_the_nearest_name(stage: Stage) -> None:
    with pytest.raises(UsageError) as refused:
        await status(stage, "thre")
    assert refused.value.hint == "Did you mean three?"
    with pytest.raises(UsageError) as refused:
        await status(stage, "qqqqqqqqqqqq")
    assert refused.value.hint == "There are one, two, three, ns1, ns2 and 25 more."


async def test_it_says_how_old_the_oldest_copy_is(stage: Stage) -> None:
    for site in stage.fleet.sites.values():
        for mirror in site.mirrors:
            overdue = (site.name, mirror) == ("site4", "two")
            await copied(stage, site.name, mirror, timedelta(hours=30 if overdue else 3))
    texts = [part.text for part in (await status(stage)).parts if isinstance(part, Text)]
    oldest = "the oldest was made 1 d 6 h ago (site4 on two)"
    assert f"Copies: {oldest}; 1 older than allowed; 1 site without a mirror." in texts


async def test_a_site_served_from_its_mirror_is_counted_there(stage: Stage) -> None:
    await stage.store.copies.set_active({"site0": "three"}, stage.clock.now())
    served = {one["name"]: one["sites"] for one in (await facts(stage))["servers"]}
    assert served == {"one": 5, "two": 6, "three": 1}
    assert (await status(stage, "site0")).title.endswith("served from three, its home is one")

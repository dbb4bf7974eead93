"""A name server that answers, but has lost a zone: one message, apart from its being down, until it has it again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from core.fleet.target import Target
from core.reply import Tone

if TYPE_CHECKING:
    from tests.watch.conftest import Stage

LOST = "it does not answer for test"


@pytest.fixture
async def lame(stage: Stage) -> Stage:
    """Give a stage on which ns1 has lost its zone, and that is told."""
    stage.world.lame.add("ns1")
    await stage.play(20)
    (card,) = await stage.cards()
    assert card.reply.title.startswith("Name server ns1 (Oslo) is lame since 14:00:")
    assert card.reply.title.endswith(LOST)
    assert card.reply.tone is Tone.WARN
    return stage


async def test_it_is_degraded_and_not_down_and_one_message(lame: Stage) -> None:
    await lame.play(120)
    seen = (await lame.store.states.states())[Target.nameserver("ns1")]
    assert (seen.state, seen.why) == ("degraded", LOST)
    assert await lame.state(Target.nameserver("ns2")) == "up"
    assert len(await lame.titles()) == 1


async def test_the_message_closes_when_it_answers_for_all_zones(lame: Stage) -> None:
    lame.world.lame.clear()
    await lame.play(30)
    (title,) = await lame.titles()
    assert title.startswith("Name server ns1 answers for all zones again after ")
    assert await lame.store.outages.all_open() == ()


async def test_one_that_dies_then_is_down_in_the_same_message(lame: Stage) -> None:
    lame.world.dead.add("ns1")
    await lame.play(40)
    (title,) = await lame.titles()
    assert title.startswith("Name server ns1 (Oslo) is down since")


async def test_a_bot_that_is_started_again_goes_on_with_the_same_message_at_every_moment(lame: Stage) -> None:
    await lame.stop()
    lame.start()
    for _ in range(30):
        await lame.play(1)
        (title,) = await lame.titles()
        assert title.endswith(LOST)
    lame.world.lame.clear()
    await lame.play(30)
    (title,) = await lame.titles()
    assert title.startswith("Name server ns1 answers for all zones again")

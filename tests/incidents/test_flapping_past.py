"""What people did about the first drops of something that flaps goes on with its next ones."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from incidents.conftest import ALICE, BOB, card_title, on_record, play, thread, type_in

from core.fleet import Alerts
from core.reply import Text

if TYPE_CHECKING:
    from watch.conftest import SetStage, Stage

    from core.incident.outage import Outage


@pytest.fixture
async def stage(set_stage: SetStage) -> Stage:
    """Give a small fleet, reminded every minute, since much time passes here."""
    stage = await set_stage(servers=2, sites=1, nameservers=1)
    stage.change(alerts=Alerts(remind=timedelta(seconds=60)))
    stage.start()
    await stage.play(15)
    return stage


async def drop(stage: Stage, down_s: float = 10) -> None:
    stage.world.dead.add("one")
    await stage.play(down_s)


async def back(stage: Stage, up_s: float = 10) -> None:
    stage.world.dead.clear()
    await stage.play(up_s)


async def flapping(stage: Stage) -> Outage:
    """Return the outage that is open, which flaps."""
    (outage,) = await stage.store.outages.all_open()
    assert "is flapping" in await card_title(stage, outage.card)
    return outage


async def lines(stage: Stage, card: str) -> list[str]:
    found = await stage.store.cards.get(card)
    assert found is not None
    return [part.text for part in found.reply.parts if isinstance(part, Text)]


async def test_notes_and_the_cause_of_earlier_drops_stay_on_the_message(stage: Stage) -> None:
    await drop(stage)
    await type_in(stage, 'note 1 "called the data centre"', ALICE)
    await back(stage)
    await type_in(stage, 'cause 1 "a loose cable"', BOB)
    await drop(stage)
    outage = await flapping(stage)
    assert outage.id == 2
    assert [text.partition(": ")[2] for text in await lines(stage, outage.card) if "UALICE" in text] == [
        "called the data centre"
    ]
    assert outage.cause == "a loose cable"
    assert any(text.startswith("Cause: a loose cable (slack:UBOB") for text in await lines(stage, outage.card))
    await back(stage, 400)
    title = await card_title(stage, outage.card)
    assert title.startswith("one flapped (")
    assert title.endswith("; cause: a loose cable")
    assert await on_record(stage, "outage.goes-on") == ["server:one by bot:watch"]


async def test_what_is_noted_of_the_first_drop_later_is_on_the_message_too(stage: Stage) -> None:
    await drop(stage)
    await back(stage)
    await drop(stage)
    outage = await flapping(stage)
    await type_in(stage, 'note 2 "they look at it"', BOB)
    await stage.play(2)
    await type_in(stage, 'note 1 "it began with a beep"', ALICE)
    assert [text.partition(": ")[2] for text in await lines(stage, outage.card) if "slack:U" in text] == [
        "they look at it",
        "it began with a beep",
    ]


async def test_drops_that_had_a_message_of_their_own_are_carried_over_once(stage: Stage) -> None:
    # Slow enough for two messages before the rule is met: five changes within five minutes.
    await drop(stage, 30)
    await type_in(stage, 'note "first"', ALICE)
    await back(stage, 40)
    await drop(stage, 30)
    await type_in(stage, 'note "second"', ALICE)
    await back(stage, 40)
    await drop(stage, 20)
    outage = await flapping(stage)
    assert (outage.id, outage.card) == (3, "outage:2")
    assert [text.partition(": ")[2] for text in await lines(stage, outage.card) if "UALICE" in text] == [
        "first",
        "second",
    ]
    assert [said.text for said in outage.annotations] == ["first", "second"]


async def test_who_looked_after_a_drop_looks_after_the_flapping_and_nobody_is_reminded(stage: Stage) -> None:
    await drop(stage)
    await type_in(stage, "ack 1", ALICE)
    await back(stage)
    await drop(stage)
    outage = await flapping(stage)
    assert outage.acked_by == "slack:UALICE"
    assert (await lines(stage, outage.card))[-1].startswith("Acknowledged by slack:UALICE, ")
    await play(stage, 40)
    await back(stage, 0)
    await play(stage, 120)
    assert [line for line in await thread(stage, outage.card) if line.startswith("Nobody")] == []


async def test_a_drop_long_after_begins_without_the_past(stage: Stage) -> None:
    await drop(stage, 30)
    await type_in(stage, 'cause "a loose cable"', ALICE)
    await type_in(stage, "ack 1", ALICE)
    await back(stage, 400)
    await drop(stage, 30)
    (outage,) = await stage.store.outages.all_open()
    assert (outage.annotations, outage.acked_by) == ((), None)

"""Who did what about an outage, and why it happened: on its message, in its thread, on record."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from incidents.conftest import ALICE, BOB, EVE, card_title, on_record, play, thread, type_in

from core.audit import first_broken
from core.errors import NotAllowedError, UsageError
from core.reply import Table, Text, Typed

if TYPE_CHECKING:
    from watch.conftest import Stage

    from core.reply import Reply

CARD = "outage:1"


@pytest.fixture
async def down(stage: Stage) -> Stage:
    """One server is down."""
    stage.world.dead.add("one")
    await play(stage, 30)
    return stage


async def shown(stage: Stage, key: str = CARD) -> list[str]:
    card = await stage.store.cards.get(key)
    assert card is not None
    return [
        part.text if isinstance(part, Text) else part.line
        for part in card.reply.parts
        if isinstance(part, Text | Typed)
    ]


def cells(reply: Reply) -> list[tuple[str, ...]]:
    return [row.cells for part in reply.parts if isinstance(part, Table) for row in part.rows]


async def test_a_cause_is_on_the_message_in_its_thread_and_on_record(down: Stage) -> None:
    reply = await type_in(down, 'cause 1 "the host rebooted it"')
    assert (reply.title, reply.card) == ("Outage 1 of one: the cause is kept", CARD)
    assert any(
        text.startswith("Cause: the host rebooted it (slack:UALICE, 14:00:45 BST)") for text in await shown(down)
    )
    assert await thread(down, CARD) == ["Cause, says slack:UALICE: the host rebooted it"]
    assert await on_record(down, "incident.cause") == ["server:one by slack:UALICE"]
    assert first_broken(await down.store.record.entries()) is None


async def test_without_a_number_the_only_open_one_is_meant_also_without_quotes(down: Stage) -> None:
    await type_in(down, "cause a disk died")
    (outage,) = await down.store.outages.all_open()
    assert outage.cause == "a disk died"


async def test_with_several_open_ones_none_is_guessed(down: Stage) -> None:
    down.world.dead.add("ns1")
    await play(down, 30)
    with pytest.raises(UsageError, match="2 incidents are open") as caught:
        await type_in(down, 'cause "a disk died"')
    assert "1 (one), 2 (name server ns1)" in caught.value.hint


async def test_with_none_open_it_says_so(stage: Stage) -> None:
    with pytest.raises(UsageError, match="No incident is open"):
        await type_in(stage, 'note "hello"')


@pytest.mark.parametrize(("line", "message"), [("cause 9 x", "no outage 9"), ("note M9 x", "no maintenance M9")])
async def test_one_that_is_not_there_is_named(down: Stage, line: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        await type_in(down, line)


async def test_the_message_closes_with_how_long_and_why(down: Stage) -> None:
    await type_in(down, 'cause "the host rebooted it"')
    down.world.dead.clear()
    await play(down, 30)
    title = await card_title(down, CARD)
    assert title.startswith("one is back after ")
    assert title.endswith("; cause: the host rebooted it")


async def test_a_cause_that_is_found_later_is_on_the_closed_message(down: Stage) -> None:
    down.world.dead.clear()
    await play(down, 30)
    await type_in(down, 'cause 1 "the host rebooted it"')
    assert (await card_title(down, CARD)).endswith("; cause: the host rebooted it")


async def test_a_better_cause_takes_the_place_of_the_first_which_stays_on_record(down: Stage) -> None:
    await type_in(down, 'cause 1 "no idea"')
    await type_in(down, 'cause 1 "the host rebooted it"', BOB)
    assert [text for text in await shown(down) if text.startswith("Cause")] == [
        "Cause: the host rebooted it (slack:UBOB, 14:00:45 BST)"
    ]
    assert await on_record(down, "incident.cause") == ["server:one by slack:UALICE", "server:one by slack:UBOB"]


async def test_a_cause_survives_what_the_watch_goes_on_to_find(down: Stage) -> None:
    await type_in(down, 'cause 1 "the host rebooted it"')
    down.world.frozen.add("one")
    down.world.dead.add("two")
    await play(down, 60)
    await down.stop()
    down.start()
    await play(down, 60)
    assert (await down.store.outages.all_open())[0].cause == "the host rebooted it"
    assert any(text.startswith("Cause: the host rebooted it") for text in await shown(down))


async def test_after_somebody_looks_after_it_the_message_shows_how_to_say_why_until_it_is_said(down: Stage) -> None:
    line = 'sharpnet cause 1 "…"'
    assert line not in await shown(down)
    await type_in(down, "ack 1", BOB)
    assert line in await shown(down)
    await type_in(down, 'cause "a disk died"')
    assert line not in await shown(down)


async def test_notes_are_on_the_message_in_order_and_in_the_thread(down: Stage) -> None:
    await type_in(down, 'note "called the data centre"')
    await play(down, 60)
    await type_in(down, 'note 1 "they look at it"', BOB)
    assert await thread(down, CARD) == ["slack:UALICE: called the data centre", "slack:UBOB: they look at it"]
    assert [text for text in await shown(down) if "slack:U" in text] == [
        "14:00:45 BST, slack:UALICE: called the data centre",
        "14:01:45 BST, slack:UBOB: they look at it",
    ]


async def test_what_died_together_has_one_cause_and_notes_of_its_own(stage: Stage) -> None:
    stage.world.dead |= {"one", "two", "three", "ns1", "ns2"}
    stage.world.no_login.clear()
    stage.world.dead -= {"three"}
    await play(stage, 60)
    outages = await stage.store.outages.all_open()
    assert [outage.card for outage in outages] == ["outage:1", "outage:2", "outage:3", "outage:3"]
    reply = await type_in(stage, 'cause 3 "a power cut"')
    assert reply.title.endswith("also for 1 other on the same message")
    assert [outage.cause for outage in await stage.store.outages.all_open()] == [None, None] + ["a power cut"] * 2
    assert len([text for text in await shown(stage, "outage:3") if text.startswith("Cause")]) == 1


async def test_nobody_else_may_say_why(down: Stage) -> None:
    for line in ('cause 1 "x"', 'note 1 "x"'):
        with pytest.raises(NotAllowedError):
            await type_in(down, line, EVE)
    assert await on_record(down, "incident.cause") == []


async def test_anyone_may_read_what_happened_and_who_did_what_when(down: Stage) -> None:
    await type_in(down, "ack 1", BOB)
    await play(down, 60)
    await type_in(down, 'cause 1 "a disk died"')
    down.world.dead.clear()
    await play(down, 30)
    listed = await type_in(down, "incidents", EVE)
    assert listed.title == "1 incident in the last 7 days, 0 of them open"
    assert [(row[0], row[1], row[4]) for row in cells(listed)] == [("1", "one", "a disk died")]
    one = await type_in(down, "incidents 1", EVE)
    what = [(row[1].split(",")[0], row[2]) for row in cells(one)]
    assert what == [
        ("it began", ""),
        ("acknowledged", "slack:UBOB"),
        ("cause: a disk died", "slack:UALICE"),
        ("over", ""),
    ]


async def test_old_incidents_are_listed_only_with_all(down: Stage) -> None:
    down.world.dead.clear()
    await play(down, 30)
    await down.stop()
    await down.play(8 * 86400)
    assert (await type_in(down, "incidents", ALICE)).title == "No incident in the last 7 days"
    assert (await type_in(down, "incidents --all", ALICE)).title == "1 incident, 0 of them open"


async def test_scripts_read_incidents_as_json(down: Stage) -> None:
    await type_in(down, 'cause 1 "a disk died"')
    facts = (await type_in(down, "incidents --json")).facts
    assert facts is not None
    (one,) = facts["incidents"]  # type: ignore[misc, attr-defined]
    assert (one["id"], one["kind"], one["cause"], one["until"]) == ("1", "outage", "a disk died", None)

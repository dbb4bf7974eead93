"""Outages, what people do about them, and reminders: each of its own outage and card, beside others that are open."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from store.others import LIMA, ROUTE, SKI, THEN

from core.fleet.target import Target
from core.incident.facts import OutageFacts
from core.incident.notes import Annotation, ThreadMessage
from core.reply import Reply, Tone
from ops.store.incident.outages import OutageClosing, OutageOpening

if TYPE_CHECKING:
    from collections.abc import Sequence

    from core.incident.outage import Outage
    from ops.store import Store

NOW = datetime(2026, 6, 14, 13, 2, 7, tzinfo=UTC)
HOUR = timedelta(hours=1)
NORTH, SOUTH, EAST = Target.server("north"), Target.server("south"), Target.server("east")
# Of others: one that is open and one that is over.
OTHERS = [1]


def draw(outages: Sequence[Outage]) -> Reply:
    said = [f"{one.target.name} {one.acked_by} {one.cause} {'over' if one.closed_at else 'open'}" for one in outages]
    return Reply("; ".join(said), tone=Tone.BAD)


async def opened(
    store: Store, *targets: Target, at: datetime = NOW, together: bool = False, flaps_since: datetime | None = None
) -> tuple[Outage, ...]:
    openings = [OutageOpening(target, at, OutageFacts(why="silent"), flaps_since) for target in targets]
    return await store.outages.open_many(openings, "bot", lambda made: made[0] if made and together else None, draw, at)


async def closed(store: Store, outage: Outage, at: datetime) -> None:
    await store.outages.close_many([OutageClosing(outage, at, OutageFacts(why="back"))], "bot", draw, at)


async def get(store: Store, outage: Outage) -> Outage:
    found = await store.outages.get(outage.id)
    assert found is not None
    return found


async def shown(store: Store, outage: Outage) -> str:
    card = await store.cards.get(outage.card)
    assert card is not None
    return card.reply.title


async def lines(store: Store, card: str) -> list[str]:
    await store.cards.posted(card, 0, "C1", card)
    return [note.text for note in await store.cards.waiting_notes() if note.card == card]


async def test_an_outage_is_open_until_it_is_closed_and_others_stay_open(store: Store) -> None:
    north, south = await opened(store, NORTH, SOUTH)
    await closed(store, north, NOW + HOUR)
    after = await get(store, north)
    assert (after.closed_at, after.facts.why, (await get(store, south)).closed_at) == (NOW + HOUR, "back", None)
    assert [one.id for one in await store.outages.all_open()] == [*OTHERS, south.id]
    assert await store.outages.get(99) is None


async def test_one_that_is_open_is_opened_once_and_again_only_after_it_is_over(store: Store) -> None:
    (first,) = await opened(store, NORTH)
    assert await opened(store, NORTH, at=NOW + HOUR) == (first,)
    await closed(store, first, NOW + HOUR)
    await closed(store, first, NOW + 2 * HOUR)
    assert (await get(store, first)).closed_at == NOW + HOUR
    (again,) = await opened(store, NORTH, at=NOW + 2 * HOUR)
    assert again.id != first.id
    kinds = [entry.kind for entry in await store.record.entries(subject="server:north")]
    assert kinds == ["outage.opened", "outage.closed", "outage.opened"]


async def test_outages_on_one_card_come_oldest_first_and_without_those_on_others(store: Store) -> None:
    south, north = await opened(store, SOUTH, NORTH, together=True)
    (east,) = await opened(store, EAST)
    assert south.card == north.card != east.card
    assert [one.target for one in await store.outages.on_card(south.card)] == [SOUTH, NORTH]
    assert await shown(store, south) == "south None None open; north None None open"
    await closed(store, north, NOW + HOUR)
    assert await shown(store, south) == "south None None open; north None None over"
    assert await shown(store, east) == "east None None open"
    assert await lines(store, south.card) == ["south None None open; north None None over"]


async def test_facts_are_kept_of_that_outage_alone(store: Store) -> None:
    north, south = await opened(store, NORTH, SOUTH)
    (before,) = [one for one in await store.outages.all_open() if one.id == south.id]
    changed = type(north)(north.id, NORTH, NOW, None, OutageFacts(why="worse"), north.card)
    await store.outages.change_many([changed], draw, NOW + HOUR)
    assert (await get(store, north)).facts == OutageFacts(why="worse")
    assert await get(store, south) == before


async def test_who_looks_after_one_looks_after_what_is_open_on_its_card_and_nothing_else(store: Store) -> None:
    south, north = await opened(store, SOUTH, NORTH, together=True)
    (east,) = await opened(store, EAST)
    taken = await store.outages.acknowledge(south, "slack:U2", NOW + HOUR, draw)
    assert [one.id for one in taken] == [south.id, north.id]
    assert await store.outages.acknowledge(north, "slack:U3", NOW + 2 * HOUR, draw) == ()
    for one in (south, north):
        assert ((await get(store, one)).acked_by, (await get(store, one)).acked_at) == ("slack:U2", NOW + HOUR)
    assert (await get(store, east)).acked_by is None
    assert await shown(store, south) == "south slack:U2 None open; north slack:U2 None open"


async def test_a_cause_is_that_of_all_on_its_card_and_a_note_of_its_own_outage(store: Store) -> None:
    south, north = await opened(store, SOUTH, NORTH, together=True)
    (east,) = await opened(store, EAST)
    cause, note = (
        Annotation("cause", "a fire", "slack:U2", NOW),
        Annotation("note", "called them", "slack:U3", NOW + HOUR),
    )
    assert len(await store.outages.annotate(south, cause, draw)) == 2
    assert [one.id for one in await store.outages.annotate(south, note, draw)] == [south.id]
    assert (await get(store, south)).annotations == (cause, note)
    assert (await get(store, north)).annotations == (cause,)
    assert (await get(store, east)).annotations == ()
    asked = "SELECT id, cause FROM outages WHERE id > 2 ORDER BY id"
    rows = await store._db.read(lambda transaction: transaction.query(asked))
    assert [row["cause"] for row in rows] == ["a fire", "a fire", None]
    second = Annotation("cause", "a flood", "slack:U2", NOW + HOUR)
    assert [one.id for one in await store.outages.annotate(north, second, draw)] == [north.id]
    assert [(await get(store, one)).cause for one in (south, north)] == ["a fire", "a flood"]


async def test_one_message_says_something_once_and_not_again_where_it_stands(store: Store) -> None:
    (north,) = await opened(store, NORTH)
    message = ThreadMessage("C1/17.1", north.card, NOW)
    note = Annotation("note", "called them", "slack:U2", NOW)
    for _ in range(2):
        await store.outages.annotate(north, note, draw, message)
    await store.outages.annotate(north, note, draw, ThreadMessage("C1/17.2", "other:card", NOW))
    assert (await get(store, north)).annotations == (note, note)
    assert len(await lines(store, north.card)) == 1


async def test_outages_that_were_not_over_by_then_come_newest_first(store: Store) -> None:
    made = [(await opened(store, Target.server(name), at=NOW + n * HOUR))[0] for n, name in enumerate("abc")]
    same = await opened(store, Target.server("d"), Target.server("e"), at=NOW + 2 * HOUR)
    await closed(store, made[0], NOW + 3 * HOUR)
    await closed(store, made[1], NOW + 4 * HOUR)
    expected = [same[1].id, same[0].id, made[2].id, made[1].id]
    found = [one.id for one in await store.outages.since(NOW + 4 * HOUR) if one.id > 2]
    assert found == expected
    assert [one.id for one in await store.outages.since(NOW + 3 * HOUR) if one.id > 2] == [*expected, made[0].id]
    assert [one.id for one in await store.outages.since(NOW, 3)] == [2, 1, same[1].id]


async def test_one_more_drop_of_what_flaps_has_what_people_did_about_its_own_drops_since_then(store: Store) -> None:
    async def drop(target: Target, at: datetime, who: str, cause: str) -> None:
        (one,) = await opened(store, target, at=at)
        await store.outages.acknowledge(one, who, at, draw)
        await store.outages.annotate(one, Annotation("cause", cause, who, at), draw)
        await closed(store, one, at)

    await drop(NORTH, NOW, "slack:U1", "too long ago")
    await drop(SOUTH, NOW + HOUR, "slack:U4", "another server")
    await drop(NORTH, NOW + HOUR, "slack:U2", "a cable")
    await drop(NORTH, NOW + 2 * HOUR, "slack:U3", "a switch")
    (again,) = await opened(store, NORTH, at=NOW + 3 * HOUR, flaps_since=NOW + HOUR)
    goes_on = await get(store, again)
    assert (goes_on.acked_by, goes_on.acked_at, goes_on.cause) == ("slack:U3", NOW + 2 * HOUR, "a switch")
    assert [one.text for one in goes_on.annotations] == ["a cable", "a switch"]
    asked = f"SELECT cause FROM outages WHERE id = {again.id}"  # noqa: S608 - a number
    assert await store._db.read(lambda transaction: transaction.query(asked)) == [{"cause": "a switch"}]
    (fresh,) = await opened(store, EAST, at=NOW + 3 * HOUR, flaps_since=NOW)
    assert ((await get(store, fresh)).acked_by, (await get(store, fresh)).annotations) == (None, ())


async def remind(store: Store, at: datetime, quiet: tuple[Target, ...] = (LIMA, SKI)) -> int:
    return await store.reminders.remind(HOUR, quiet, lambda outages: Reply(f"still {len(outages)} at {at}"), at)


async def test_a_reminder_comes_when_its_time_has_passed_since_the_card_and_then_since_the_last_one(
    store: Store,
) -> None:
    (north,) = await opened(store, NORTH)
    assert await remind(store, NOW + HOUR - timedelta(seconds=1)) == 0
    assert await remind(store, NOW + HOUR) == 1
    # Others' outages, on other cards, were reminded of at other times.
    (south,) = await opened(store, SOUTH, at=NOW + HOUR)
    assert await remind(store, NOW + 2 * HOUR - timedelta(seconds=1)) == 0
    assert await remind(store, NOW + 2 * HOUR) == 2
    assert await lines(store, north.card) == [f"still 1 at {NOW + 2 * HOUR}"]
    assert await lines(store, south.card) == [f"still 1 at {NOW + 2 * HOUR}"]
    kinds = [entry.kind for entry in await store.record.entries(subject=north.card)]
    assert kinds == ["outage.reminded", "outage.reminded"]


async def test_a_reminder_is_of_what_nobody_looks_after_and_of_nothing_that_is_to_be_quiet(store: Store) -> None:
    north, south, east = [(await opened(store, target))[0] for target in (NORTH, SOUTH, EAST)]
    await store.outages.acknowledge(north, "slack:U2", NOW, draw)
    await closed(store, south, NOW)
    assert await remind(store, NOW + HOUR, (EAST, LIMA, SKI)) == 0
    assert await remind(store, NOW + HOUR) == 1
    asked = "SELECT id, reminded_at FROM outages WHERE reminded_at IS NOT NULL"
    rows = await store._db.read(lambda transaction: transaction.query(asked))
    assert rows == [{"id": east.id, "reminded_at": "2026-06-14T14:02:07.000000Z"}]


async def test_while_nobody_gets_reminders_one_waits_and_only_the_first_is_on_record(empty_store: Store) -> None:
    (north,) = await opened(empty_store, NORTH)
    assert await remind(empty_store, NOW + HOUR) == 1
    assert await remind(empty_store, NOW + 2 * HOUR) == 0
    assert await lines(empty_store, north.card) == [f"still 1 at {NOW + 2 * HOUR}"]


@pytest.mark.parametrize("back", [HOUR, THEN - NOW])
async def test_a_clock_that_was_set_back_holds_no_reminder_up(store: Store, back: timedelta) -> None:
    await opened(store, NORTH, at=NOW + back)
    assert await remind(store, NOW) == 1
    assert ROUTE in await store.notifications.waiting()

"""Planned work and what it keeps quiet: each by its own number and target."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from store.others import LIMA, SKI, THEN

from core.fleet.target import Target
from core.incident.maintenance import Maintenance
from core.incident.notes import Annotation, ThreadMessage
from core.reply import Reply
from ops.store.incident.maintenance import NewMaintenance, Suppressed

if TYPE_CHECKING:
    from ops.store import Store

NOW = datetime(2026, 6, 14, 13, 2, 7, tzinfo=UTC)
HOUR = timedelta(hours=1)
NORTH, SOUTH, SHOP = Target.server("north"), Target.server("south"), Target.site("shop")


def draw(one: Maintenance) -> Reply:
    return Reply(f"{one.label} {one.scope} until {one.ends_at:%H:%M}, ended by {one.ended_by}")


async def planned(
    store: Store, scope: Target = NORTH, *, starts_at: datetime = NOW, began_at: datetime | None = None
) -> Maintenance:
    wanted = NewMaintenance(scope, "disks", "slack:U1", starts_at, starts_at + HOUR, began_at)
    made = await store.maintenance.plan(wanted, NOW, draw, lambda _open: None)
    assert isinstance(made, Maintenance)
    return made


async def ended(store: Store, one: Maintenance, at: datetime) -> None:
    await store.maintenance.change(
        one.id, lambda it: replace(it, ended_at=at, ended_by="slack:U2"), "ended", "slack:U2", at, draw
    )


async def cancelled(store: Store, one: Maintenance) -> None:
    await store.maintenance.change(one.id, lambda it: replace(it, cancelled_at=NOW), "cancelled", "slack:U2", NOW, draw)


async def lines(store: Store, card: str) -> list[str]:
    await store.cards.posted(card, 0, "C1", card)
    return [note.text for note in await store.cards.waiting_notes() if note.card == card]


async def test_what_was_planned_is_read_by_its_own_number(store: Store) -> None:
    one, other = await planned(store), await planned(store, SOUTH, began_at=NOW)
    assert one == Maintenance(2, NORTH, "disks", "slack:U1", NOW, NOW, NOW + HOUR)
    assert other == Maintenance(3, SOUTH, "disks", "slack:U1", NOW, NOW, NOW + HOUR, began_at=NOW)
    assert [await store.maintenance.get(number) for number in (2, 3, 99)] == [one, other, None]
    assert [e.kind for e in await store.record.entries(subject="M2")] == ["maintenance.planned"]
    assert [e.kind for e in await store.record.entries(subject="M3")] == ["maintenance.begun"]


async def test_it_is_asked_for_beside_those_that_are_open_and_one_that_may_not_be_is_not_kept(store: Store) -> None:
    over, off, goes_on = await planned(store), await planned(store, SOUTH), await planned(store, SHOP)
    await ended(store, over, NOW)
    await cancelled(store, off)
    seen: list[str] = []

    def why_not(already: object) -> str:
        seen.extend(one.label for one in already)
        return "not now"

    wanted = NewMaintenance(NORTH, "disks", "slack:U1", NOW, NOW + HOUR)
    assert await store.maintenance.plan(wanted, NOW, draw, why_not) == "not now"
    assert sorted(seen) == ["M1", goes_on.label]
    assert await store.maintenance.get(goes_on.id + 1) is None


async def test_a_change_is_kept_whole_and_of_that_one_alone(store: Store) -> None:
    one, other = await planned(store), await planned(store, SOUTH)
    after = replace(
        one,
        ends_at=NOW + 2 * HOUR,
        began_at=NOW + HOUR,
        ended_at=NOW + 3 * HOUR,
        ended_by="slack:U2",
        cancelled_at=NOW + 4 * HOUR,
        overrun_at=NOW + 5 * HOUR,
    )
    assert await store.maintenance.change(one.id, lambda _one: after, "changed", "slack:U2", NOW, draw) == after
    assert [await store.maintenance.get(it.id) for it in (one, other)] == [after, other]
    assert await store.maintenance.change(99, lambda it: it, "changed", "slack:U2", NOW, draw) is None
    card = await store.cards.get(one.card)
    assert card is not None
    assert card.reply.title == "M2 server:north until 15:02, ended by slack:U2"
    assert await lines(store, one.card) == [card.reply.title]


async def test_what_goes_on_or_is_planned_comes_by_its_planned_start(store: Store) -> None:
    late, early = await planned(store, starts_at=NOW + HOUR), await planned(store, SOUTH)
    same = await planned(store, SHOP)
    over, off = await planned(store, Target.site("a")), await planned(store, Target.site("b"))
    await ended(store, over, NOW)
    await cancelled(store, off)
    assert [one.id for one in await store.maintenance.now_and_planned()] == [early.id, same.id, late.id, 1]


async def test_what_took_place_and_was_not_over_by_then_comes_newest_first(store: Store) -> None:
    starts = [NOW, NOW + HOUR, NOW + 2 * HOUR, NOW + 2 * HOUR, NOW + HOUR / 2]
    made = [
        await planned(store, Target.site(f"s{number}"), began_at=began_at) for number, began_at in enumerate(starts)
    ]
    planned_only, off = await planned(store, NORTH), await planned(store, SOUTH, began_at=NOW)
    await cancelled(store, off)
    await ended(store, made[0], NOW + 3 * HOUR)
    await ended(store, made[1], NOW + 4 * HOUR)
    await ended(store, made[4], NOW + 4 * HOUR)
    assert planned_only.began_at is None
    expected = [made[3].id, made[2].id, made[1].id, made[4].id]
    assert [one.id for one in await store.maintenance.since(NOW + 4 * HOUR)] == expected
    assert [one.id for one in await store.maintenance.since(NOW + 3 * HOUR)] == [*expected, made[0].id]
    assert [one.id for one in await store.maintenance.since(NOW + 3 * HOUR, 2)] == expected[:2]


async def test_what_is_said_of_one_is_not_said_of_another_and_once_by_a_message(store: Store) -> None:
    one, other = await planned(store), await planned(store, SOUTH)
    first, second = (Annotation("note", text, "slack:U2", NOW) for text in ("first", "second"))
    await store.maintenance.annotate(one.id, first, draw)
    message = ThreadMessage("C1/17.1", one.card, NOW)
    for _ in range(2):
        found = await store.maintenance.annotate(one.id, second, draw, message)
        assert found is not None
        assert found.annotations == (first, second)
    beside = await store.maintenance.get(other.id)
    assert beside is not None
    assert beside.annotations == ()
    assert await lines(store, one.card) == ["slack:U2: first"]
    assert await store.maintenance.annotate(99, first, draw) is None


async def test_an_alert_is_suppressed_once_until_it_is_over_and_then_anew(store: Store) -> None:
    one = await planned(store)
    quiet = Suppressed(one.id, SHOP, NOW, None, "silent")
    for _ in range(2):
        await store.maintenance.suppress([quiet], one.card, "shop is down", NOW)
    beside = Suppressed(one.id, NORTH, NOW, None, "silent")
    await store.maintenance.suppress([beside], one.card, "north is down", NOW)
    others = Suppressed(1, SKI, THEN, None, "silent")
    assert await store.maintenance.suppressed() == (others, quiet, beside)
    for until in (NOW + HOUR, NOW + 2 * HOUR):
        await store.maintenance.end_suppression([(quiet, until)], one.card, "shop is up", until)
    assert await store.maintenance.suppressed() == (others, beside)
    again = replace(quiet, from_at=NOW + 3 * HOUR)
    await store.maintenance.suppress([again], one.card, "shop is down again", NOW)
    over = replace(quiet, until_at=NOW + HOUR)
    assert await store.maintenance.suppressed(one.id) == (over, beside, again)
    assert await store.maintenance.suppressed(1) == (others,)
    assert await lines(store, one.card) == ["shop is down", "north is down", "shop is up", "shop is down again"]
    kinds = [entry.kind for entry in await store.record.entries(subject="site:shop")]
    assert kinds == ["maintenance.silenced", "maintenance.back", "maintenance.silenced"]
    assert LIMA not in {it.target for it in await store.maintenance.suppressed()}

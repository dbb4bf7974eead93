"""What is told by other ways, and how far each route is: never of another route or card."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from store.others import ROUTE, rows_of

from core.fleet.target import Target
from core.reply import Reply, Tone
from ops.store.monitor.external_alerts import Report
from ops.store.notifications import AT_ONCE, Alert, RouteProgress

if TYPE_CHECKING:
    from ops.contracts import Db
    from ops.store import Store

NOW = datetime(2026, 6, 14, 13, 2, 7, tzinfo=UTC)
LATER = NOW + timedelta(minutes=1)
NORTH, SOUTH = Target.server("north"), Target.server("south")


async def routed(store: Store, *routes: str) -> None:
    await store.notifications.take_up([ROUTE, *routes])


async def titles(store: Store, route: str) -> list[str]:
    return [alert.reply.title for alert in await store.notifications.after(route)]


async def put(store: Store, key: str, title: str, tone: Tone = Tone.BAD, at: datetime = NOW) -> None:
    await store.cards.put(key, Reply(title, tone=tone), at)


async def test_a_new_card_and_one_whose_tone_changes_are_told_and_no_other_change_is(store: Store) -> None:
    await routed(store, "env:A")
    await put(store, "a", "down")
    await put(store, "a", "still down", at=LATER)
    await put(store, "a", "up", Tone.GOOD, LATER)
    alerts = await store.notifications.after("env:A")
    down, up = Reply("down", tone=Tone.BAD), Reply("up", tone=Tone.GOOD)
    assert alerts == (
        Alert(alerts[0].number, "a", NOW, None, down),
        Alert(alerts[1].number, "a", LATER, Tone.BAD, up),
    )
    assert alerts[0].number < alerts[1].number


async def test_a_route_begins_where_it_was_taken_up_and_is_no_further_for_being_taken_up_again(store: Store) -> None:
    await put(store, "a", "before")
    await routed(store, "env:A")
    await put(store, "b", "after")
    await routed(store, "env:A", "env:B")
    assert (await titles(store, "env:A"), await titles(store, "env:B")) == (["after"], [])
    assert await store.notifications.waiting() == {"env:A": 1, "env:B": 0, ROUTE: 3}
    await routed(store, "env:A")
    assert list(await store.notifications.routes()) == ["env:A", ROUTE]


async def test_the_first_route_of_an_empty_store_is_told_everything_from_then_on(empty_store: Store) -> None:
    await empty_store.notifications.take_up(["env:A"])
    await put(empty_store, "a", "first")
    assert await titles(empty_store, "env:A") == ["first"]


async def test_alerts_come_in_order_and_so_many_at_once(store: Store) -> None:
    await routed(store, "env:A", "env:B")
    wanted = [f"card {number:02d}" for number in range(AT_ONCE + 2)]
    for key in reversed(wanted):
        await put(store, key, key)
    found = await store.notifications.after("env:A")
    assert [alert.card for alert in found] == wanted[::-1][:AT_ONCE]
    await store.notifications.pass_over("env:A", found[-1].number)
    assert await titles(store, "env:A") == ["card 01", "card 00"]
    assert len(await titles(store, "env:B")) == AT_ONCE


async def test_how_a_try_went_is_that_routes_alone(store: Store) -> None:
    await routed(store, "env:A", "env:B")
    await put(store, "a", "down")
    (alert,) = await store.notifications.after("env:A")
    new = {name: RouteProgress(name, alert.number - 1, 0, False, None, "") for name in ("env:A", "env:B")}  # noqa: FBT003
    for _ in range(2):
        await store.notifications.trying("env:A")
    tried = RouteProgress("env:A", alert.number - 1, 2, True, None, "")  # noqa: FBT003 - as a row has them
    routes = await store.notifications.routes()
    assert (routes["env:A"], routes["env:B"]) == (tried, new["env:B"])
    await store.notifications.did_not("env:A", alert, "refused", NOW, in_doubt=False)
    await store.notifications.did_not("env:A", alert, "no answer", LATER, in_doubt=True)
    failing = RouteProgress("env:A", alert.number - 1, 2, True, NOW, "no answer")  # noqa: FBT003
    routes = await store.notifications.routes()
    assert (routes["env:A"], routes["env:B"]) == (failing, new["env:B"])
    await store.notifications.did_not("env:B", alert, "refused", NOW, in_doubt=False)
    await store.notifications.got_through("env:A", alert, LATER)
    routes = await store.notifications.routes()
    assert routes["env:A"] == RouteProgress("env:A", alert.number, 0, False, None, "")  # noqa: FBT003
    assert routes["env:B"] == replace(new["env:B"], failing_since_at=NOW, why="refused")
    entry = (await store.record.entries(last=1))[0]
    assert (entry.kind, entry.subject, entry.body["route"], entry.body["tries"]) == ("alert.sent", "a", "env:A", 2)


async def test_what_did_not_get_through_is_on_record_the_first_time_and_when_its_reason_is_another(
    store: Store,
) -> None:
    await routed(store, "env:A", "env:B")
    await put(store, "a", "down")
    (alert,) = await store.notifications.after("env:A")
    for why in ("refused", "refused", "no answer"):
        await store.notifications.trying("env:A")
        await store.notifications.did_not("env:A", alert, why, NOW, in_doubt=False)
    await store.notifications.trying("env:B")
    assert (await store.notifications.routes())["env:B"].in_doubt
    await store.notifications.did_not("env:B", alert, "no answer", NOW, in_doubt=False)
    assert not (await store.notifications.routes())["env:B"].in_doubt
    await store.notifications.did_not("env:GONE", alert, "refused", NOW, in_doubt=False)
    await store.notifications.give_up("env:A", alert, LATER)
    entries = [(e.kind, e.body["route"], e.body.get("why")) for e in await store.record.entries(subject="a")]
    assert entries == [
        ("alert.not-sent", "env:A", "refused"),
        ("alert.not-sent", "env:A", "no answer"),
        ("alert.not-sent", "env:B", "no answer"),
        ("alert.given-up", "env:A", None),
    ]


@pytest.mark.parametrize(("tone", "told"), [(Tone.BAD, ["now", "now"]), (Tone.GOOD, ["now"])])
async def test_a_card_is_told_again_as_it_is_now_unless_all_is_well(store: Store, tone: Tone, told: list[str]) -> None:
    await routed(store, "env:A")
    await put(store, "beside", "beside")
    await store.notifications.pass_over("env:A", (await store.notifications.after("env:A"))[-1].number)
    await put(store, "a", "now", tone)
    for card in ("a", "none"):
        await store.notifications.tell_again(card, LATER)
    assert await titles(store, "env:A") == told


async def test_where_nobody_is_told_by_other_ways_nothing_is_kept_to_be_told_again(
    empty_store: Store, empty_db: Db
) -> None:
    await put(empty_store, "a", "now")
    await empty_store.notifications.tell_again("a", LATER)
    assert len((await rows_of(empty_db))["alerts"]) == 1


async def test_the_newest_ten_thousand_alerts_are_kept(empty_db: Db, empty_store: Store) -> None:
    add = "INSERT INTO alerts (card, at, body) VALUES ('old', '', '{}')"
    await empty_db.write(lambda transaction: transaction.execute_many(add, [()] * 10_001))
    asked = "SELECT count(*) AS n, min(number) AS oldest, max(number) AS newest FROM alerts"
    for tone in (Tone.BAD, Tone.GOOD):
        await put(empty_store, "a", "news", tone)
        (row,) = await empty_db.read(lambda transaction: transaction.query(asked))
        assert row["n"] == 10_000
        assert row["newest"] - row["oldest"] == 9_999


async def test_a_beat_leaves_the_time_of_the_last_one(store: Store, db: Db) -> None:
    for at in (NOW, LATER):
        await store.notifications.beat(at)
    assert list((await rows_of(db))["pulse"]) == [(1, "2026-06-14T13:03:07.000000Z")]


async def test_the_newest_word_of_each_source_on_each_target_is_kept_until_it_says_that_it_is_over(
    store: Store,
) -> None:
    await store.external_alerts.take_in(
        [Report(source, target, NOW, NOW) for source in ("b", "a") for target in (NORTH, SOUTH)], []
    )
    await store.external_alerts.take_in([Report("a", NORTH, LATER, LATER)], [("a", SOUTH)])
    found = await store.external_alerts.since(NOW - timedelta(microseconds=1))
    assert found[NORTH] == (Report("a", NORTH, LATER, LATER), Report("b", NORTH, NOW, NOW))
    assert found[SOUTH] == (Report("b", SOUTH, NOW, NOW),)
    await store.external_alerts.take_in([], [("b", SOUTH)])
    found = await store.external_alerts.since(NOW - timedelta(microseconds=1))
    assert found[NORTH] == (Report("a", NORTH, LATER, LATER), Report("b", NORTH, NOW, NOW))
    assert SOUTH not in found
    assert {target: len(reports) for target, reports in (await store.external_alerts.since(NOW)).items()} == {
        NORTH: 1,
        Target.server("lima"): 1,
    }


async def test_what_nobody_has_said_for_long_is_forgotten_with_the_next_word(empty_store: Store) -> None:
    taken = empty_store.external_alerts
    await taken.take_in([Report("a", NORTH, NOW, NOW), Report("b", NORTH, NOW, LATER)], [])
    await taken.take_in([Report("c", SOUTH, NOW, LATER)], [], forget_before=NOW)
    assert len((await taken.since(NOW - timedelta(microseconds=1)))[NORTH]) == 2
    await taken.take_in([], [], forget_before=LATER)
    found = await taken.since(NOW - timedelta(microseconds=1))
    assert [report.source for reports in found.values() for report in reports] == ["b", "c"]

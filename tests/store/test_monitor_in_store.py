"""States, stretches, answer times and figures: of each target by itself, and at their limits."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from store.harness import CARD, a_plan
from store.others import LIMA, SKI, THEN, rows_of

from core.fleet.target import Target
from core.incident.facts import OutageFacts
from core.plan.plan import PlanState
from core.reply import Reply
from core.status.plot import SLOTS
from ops.store.copies.backups import SAVE, BackupRun
from ops.store.copies.proofs import ProofRun
from ops.store.copies.served import SyncRun
from ops.store.incident.outages import OutageOpening
from ops.store.monitor.states import ObservedState

if TYPE_CHECKING:
    from ops.contracts import Db
    from ops.store import Store

NOW = datetime(2026, 6, 14, 13, 2, 7, tzinfo=UTC)
SECOND = timedelta(seconds=1)
GAP = timedelta(seconds=10)
NORTH, SOUTH, SHOP = Target.server("north"), Target.server("south"), Target.site("shop")


async def saw(
    store: Store, target: Target, state: str, at: datetime, since_at: datetime | None = None, why: str = ""
) -> None:
    await store.states.saw([ObservedState(target, state, since_at or at, at, why)], gap=GAP)


async def test_the_last_look_at_a_target_is_kept_whole_and_of_it_alone(store: Store) -> None:
    await saw(store, NORTH, "up", NOW)
    await saw(store, SOUTH, "up", NOW)
    await saw(store, NORTH, "down", NOW + 2 * SECOND, NOW + SECOND, "silent")
    states = await store.states.states()
    assert states[NORTH] == ObservedState(NORTH, "down", NOW + SECOND, NOW + 2 * SECOND, "silent")
    assert states[SOUTH] == ObservedState(SOUTH, "up", NOW, NOW, "")
    asked = [SOUTH, Target.server("none"), LIMA]
    assert await store.states.states_of(asked) == {SOUTH: states[SOUTH], LIMA: states[LIMA]}


async def test_a_stretch_goes_on_over_a_gap_and_not_over_a_longer_one(store: Store) -> None:
    last = NOW + 2 * GAP + SECOND
    for at in (NOW, NOW + GAP, last):
        await saw(store, NORTH, "up", at)
    await saw(store, SOUTH, "up", NOW + GAP)
    found = await store.history.stretches([NORTH, SOUTH], NOW - SECOND)
    assert found == {
        NORTH: (("up", NOW, NOW + GAP), ("up", last, last)),
        SOUTH: (("up", NOW + GAP, NOW + GAP),),
    }


async def test_another_state_is_another_stretch_and_only_the_newest_one_goes_on(store: Store) -> None:
    for second, state in enumerate(["up", "down", "up", "up"]):
        await saw(store, NORTH, state, NOW + second * SECOND)
    found = await store.history.stretches([NORTH], NOW - SECOND)
    assert found[NORTH] == (
        ("up", NOW, NOW),
        ("down", NOW + SECOND, NOW + SECOND),
        ("up", NOW + 2 * SECOND, NOW + 3 * SECOND),
    )


async def test_two_looks_at_one_moment_are_one_stretch_of_what_was_seen_last(store: Store) -> None:
    for state in ("up", "down"):
        await saw(store, NORTH, state, NOW)
    assert await store.history.stretches([NORTH], NOW - SECOND) == {NORTH: (("down", NOW, NOW),)}


async def test_a_clock_that_was_set_back_shortens_no_stretch(store: Store) -> None:
    for at in (NOW, NOW + 5 * SECOND, NOW + SECOND):
        await saw(store, NORTH, "up", at)
    assert await store.history.stretches([NORTH], NOW - SECOND) == {NORTH: (("up", NOW, NOW + 5 * SECOND),)}


async def test_stretches_are_of_the_targets_asked_for_and_end_after_that_moment(store: Store) -> None:
    for second, state in enumerate(["up", "down", "up"]):
        for target in (SOUTH, NORTH, SHOP):
            await saw(store, target, state, NOW + second * SECOND)
    found = await store.history.stretches([NORTH, SOUTH, Target.site("none")], NOW)
    wanted = (("down", NOW + SECOND, NOW + SECOND), ("up", NOW + 2 * SECOND, NOW + 2 * SECOND))
    assert found == {NORTH: wanted, SOUTH: wanted}
    assert await store.history.forget(NOW + SECOND) == 3
    assert (await store.history.stretches([SHOP], NOW - SECOND))[SHOP] == wanted


async def test_states_are_counted_by_kind_and_what_was_not_looked_at_of_late_is_unknown(store: Store) -> None:
    await saw(store, NORTH, "up", NOW)
    await saw(store, SOUTH, "down", NOW)
    await saw(store, Target.server("late"), "up", NOW - SECOND)
    await saw(store, SHOP, "up", NOW)
    assert await store.states.counts(NOW) == {
        ("server", "up"): 1,
        ("server", "down"): 2,
        ("server", "unknown"): 1,
        ("site", "up"): 1,
        ("site", "down"): 1,
    }


async def test_what_is_not_up_comes_worst_first_of_one_kind_and_no_more_than_asked_for(store: Store) -> None:
    named = {"e": "down", "a": "unknown", "b": "degraded", "d": "up", "c": "degraded", "f": "unknown"}
    for name, state in named.items():
        await saw(store, Target.server(name), state, NOW)
    await saw(store, SHOP, "down", NOW)
    assert [one.target.name for one in await store.states.not_up("server", 9)] == ["e", "lima", "b", "c", "a", "f"]
    assert [one.target.name for one in await store.states.not_up("server", 3)] == ["e", "lima", "b"]
    assert [one.target.name for one in await store.states.not_up("site", 9)] == ["shop", "ski"]


async def test_the_last_look_is_that_at_a_server(empty_store: Store) -> None:
    assert await empty_store.states.last_look_at() is None
    await saw(empty_store, SHOP, "up", NOW + 3 * SECOND)
    await saw(empty_store, Target.nameserver("ns1"), "up", NOW + 3 * SECOND)
    assert await empty_store.states.last_look_at() is None
    await saw(empty_store, NORTH, "up", NOW + SECOND)
    await saw(empty_store, SOUTH, "up", NOW)
    assert await empty_store.states.last_look_at() == NOW + SECOND


async def test_targets_that_are_gone_are_forgotten_and_what_was_observed_of_them_is_not(store: Store) -> None:
    for target in (NORTH, SOUTH):
        await saw(store, target, "up", NOW)
    await store.states.keep_only([NORTH, LIMA, SKI])
    assert set(await store.states.states()) == {NORTH, LIMA, SKI}
    assert SOUTH in await store.history.stretches([SOUTH], NOW - SECOND)


async def test_answer_times_are_replaced_by_slot_and_forgotten_of_that_target_alone(store: Store, db: Db) -> None:
    first = 1_000_000
    await store.latencies.keep([(NORTH, first, 0.1), (NORTH, first + 1, 0.2), (SOUTH, first, 0.3)])
    await store.latencies.keep([(NORTH, first + 1, 0.4)])
    assert await store.latencies.of(NORTH, first) == {first: 0.1, first + 1: 0.4}
    assert await store.latencies.of(NORTH, first + 1) == {first + 1: 0.4}
    await store.latencies.keep([(NORTH, first + SLOTS, 0.5)])
    assert await store.latencies.of(NORTH, 0) == {first + 1: 0.4, first + SLOTS: 0.5}
    assert await store.latencies.of(SOUTH, 0) == {first: 0.3}
    assert await store.latencies.forget(first + 1) == 1
    assert {row[0] for row in (await rows_of(db))["latencies"]} == {"server:north", "site:ski"}


async def test_figures_of_states_say_unknown_of_what_was_looked_at_too_long_ago_or_in_the_future(store: Store) -> None:
    stale = 2 * SECOND
    looks = {"edge": NOW - stale, "late": NOW - stale - SECOND, "soon": NOW + stale, "ahead": NOW + stale + SECOND}
    for name, at in looks.items():
        await saw(store, Target.server(name), "up", at)
    states = await store.metrics.states(NOW, stale)
    assert {target.name: state for target, state in states.items()} == {
        "edge": "up",
        "late": "unknown",
        "soon": "up",
        "ahead": "unknown",
        "lima": "unknown",
        "ski": "unknown",
    }


async def test_figures_of_copies_are_the_ages_of_the_newest_good_ones(store: Store) -> None:
    ages = [("r1", "good", 30), ("r2", "good", 20), ("r3", "failed", 10)]
    for name, outcome, age_s in ages:
        at = NOW - age_s * SECOND
        await store.copies.begin_sync(SyncRun(name, "shop", "north", "south", at, None, None, {}), "bot")
        await store.copies.end_sync(name, outcome, {}, at, "bot")
        await store.proofs.add(ProofRun(name, "shop", "north", "south", at, outcome, {}), at, "bot")
        run = BackupRun(name, SAVE, "shop", "north", at)
        await store.backups.begin(run, "bot")
        await store.backups.end(run, outcome, None, {}, at, "bot")
    pairs = [("shop", "south"), ("shop", "east"), ("skate", "lima")]
    assert await store.metrics.copies(pairs, NOW) == [("shop", "south", 20.0), ("skate", "lima", 0.0)]
    assert await store.metrics.backups(["shop", "blog", "skate"], NOW) == [("shop", 20.0), ("skate", 0.0)]
    assert set(await store.metrics.proofs(NOW)) == {
        ("shop", "south", 20.0, True),
        ("skate", "lima", 0.0, True),
        ("ski", "lima", 0.0, False),
    }


async def test_figures_of_what_goes_on_count_what_is_open(store: Store) -> None:
    before = await store.metrics.going(NOW)
    assert (before.outages, before.syncs, before.cards_waiting) == (1, 1, 1)
    assert (before.plans, before.quarantined) == ({"approved": 1, "planned": 1}, {"alps": 1})
    assert (before.alerts_waiting, before.last_look_s) == ({"env:OTHER": 1}, 0.0)
    states = (PlanState.UNFINISHED, PlanState.UNFINISHED, PlanState.CONFIRMED, PlanState.EXPIRED, PlanState.PLANNED)
    for number, state in enumerate(states):
        await store.plans.add(a_plan(f"AAA{number}", f"site{number}"), CARD)
        await store.plans.move(f"AAA{number}", {PlanState.PLANNED}, state, NOW, "bot", "so", CARD)
        await store.cards.posted(f"plan:AAA{number}", 9, "C1", f"1.{number}")
    await store.copies.quarantine([("a", "alps"), ("b", "north")], "left", NOW, "bot")
    await store.cards.put("a", Reply("a"), NOW)
    openings = [OutageOpening(target, NOW, OutageFacts()) for target in (NORTH, SOUTH)]
    await store.outages.open_many(openings, "bot", lambda _made: "a", lambda _outages: Reply("a"), NOW)
    for name in ("a", "b"):
        await store.copies.begin_sync(SyncRun(name, name, "north", "south", NOW, None, None, {}), "bot")
    after = await store.metrics.going(NOW)
    assert (after.outages, after.syncs) == (3, 3)
    assert after.plans == {"approved": 1, "planned": 2, "unfinished": 2}
    assert after.quarantined == {"alps": 2, "north": 1}
    assert after.cards_waiting == 2
    assert after.alerts_waiting == {"env:OTHER": 7}


async def test_figures_of_an_empty_store_say_that_nothing_was_ever_looked_at(empty_store: Store) -> None:
    assert (await empty_store.metrics.going(NOW)).last_look_s is None
    for target, at in ((NORTH, NOW - 2 * SECOND), (SOUTH, NOW - SECOND)):
        await saw(empty_store, target, "up", at)
    assert (await empty_store.metrics.going(NOW)).last_look_s == 1.0
    assert THEN > NOW

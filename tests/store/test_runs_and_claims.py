"""Runs, claims and fires at the limits of their leases, and what one owner may not do to another's."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from store.others import BOT, CLAIMED, PLAN, THEN, rows_of

from ops.store.claims import Claim
from ops.store.fence import RunFence

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from store.conftest import LeaseClock

    from ops.contracts import Db
    from ops.store import Store

NOW = datetime(2026, 6, 14, 13, 2, 7, tzinfo=UTC)
LEASE = timedelta(seconds=15)
MOMENT = timedelta(microseconds=1)


async def row_of(db: Db, kind: str, subject: str) -> dict[str, object]:
    asked = "SELECT * FROM runs WHERE kind = ? AND subject = ?"
    (row,) = await db.read(lambda transaction: transaction.query(asked, [kind, subject]))
    return row


async def taken(store: Store, kind: str = "cutover", subject: str = "K7Q2") -> RunFence:
    fence = await store.runs.take(kind, subject, "one", LEASE)
    assert fence is not None
    return fence


async def test_a_lease_holds_to_its_last_moment_and_no_longer(
    store: Store, second: Store, lease_clock: LeaseClock
) -> None:
    await store.runs.submit("cutover", "K7Q2", NOW)
    fence = await taken(store)
    lease_clock.passes(LEASE)
    assert await second.runs.take("cutover", "K7Q2", "two", LEASE) is None
    assert await second.runs.free() == ()
    lease_clock.passes(MOMENT)
    assert await second.runs.free() == (("cutover", "K7Q2"),)
    assert not await store.runs.renew(fence, LEASE)
    assert await second.runs.take("cutover", "K7Q2", "two", LEASE) == RunFence("cutover", "K7Q2", 2)


async def test_runs_of_one_subject_and_of_one_kind_are_taken_one_by_one(store: Store) -> None:
    names = [("cutover", "K7Q2"), ("drill", "K7Q2"), ("cutover", "AAAA")]
    for number, (kind, subject) in enumerate(names):
        await store.runs.submit(kind, subject, NOW + number * LEASE)
    assert await store.runs.free() == tuple(names)
    assert await store.runs.take("cutover", "K7Q2", "one", LEASE)
    assert await store.runs.free() == tuple(names[1:])


async def test_free_runs_come_in_the_order_in_which_they_were_submitted(store: Store) -> None:
    for number, subject in enumerate(["CCCC", "AAAA", "BBBB"]):
        await store.runs.submit("cutover", subject, NOW + number * LEASE)
    assert [subject for _, subject in await store.runs.free()] == ["CCCC", "AAAA", "BBBB"]


NOT_THEIRS: dict[str, Callable[[Store, RunFence], Awaitable[object]]] = {
    "it is let go by who had it before": lambda store, fence: store.runs.let_go(replace(fence, token=fence.token - 1)),
    "it is ended by who had it before": lambda store, fence: store.runs.end(replace(fence, token=fence.token - 1), NOW),
    "it is renewed by who had it before": lambda store, fence: store.runs.renew(
        replace(fence, token=fence.token - 1), 9 * LEASE
    ),
    "another subject is let go": lambda store, fence: store.runs.let_go(replace(fence, subject="AAAA")),
    "another subject ends": lambda store, fence: store.runs.end(replace(fence, subject="AAAA"), NOW),
    "another subject is renewed": lambda store, fence: store.runs.renew(replace(fence, subject="AAAA"), 9 * LEASE),
    "another kind is let go": lambda store, fence: store.runs.let_go(replace(fence, kind="drill")),
    "another kind ends": lambda store, fence: store.runs.end(replace(fence, kind="drill"), NOW),
    "another kind is renewed": lambda store, fence: store.runs.renew(replace(fence, kind="drill"), 9 * LEASE),
}


@pytest.mark.parametrize("what", NOT_THEIRS)
async def test_a_run_is_let_go_ended_and_renewed_by_its_own_owner_under_its_own_name_alone(
    store: Store, db: Db, what: str
) -> None:
    for kind, subject in (("cutover", "K7Q2"), ("drill", "K7Q2"), ("cutover", "AAAA")):
        await store.runs.submit(kind, subject, NOW)
        await taken(store, kind, subject)
    before = await row_of(db, "cutover", "K7Q2")
    await NOT_THEIRS[what](store, RunFence("cutover", "K7Q2", 1))
    assert await row_of(db, "cutover", "K7Q2") == before


async def test_a_run_that_is_let_go_has_neither_owner_nor_lease(store: Store, db: Db) -> None:
    await store.runs.submit("cutover", "K7Q2", NOW)
    await store.runs.let_go(await taken(store))
    row = await row_of(db, "cutover", "K7Q2")
    let_go = (row["state"], row["owner"], row["epoch"], row["until_s"], row["ended_at"])
    assert let_go == ("open", None, None, None, None)


async def test_a_run_that_ended_says_when_and_belongs_to_nobody(store: Store, db: Db) -> None:
    await store.runs.submit("cutover", "K7Q2", NOW)
    await store.runs.end(await taken(store), NOW + LEASE)
    row = await row_of(db, "cutover", "K7Q2")
    ended = (row["state"], row["owner"], row["epoch"], row["until_s"], row["ended_at"])
    assert ended == ("ended", None, None, None, "2026-06-14T13:02:22.000000Z")
    assert await store.runs.take("cutover", "K7Q2", "two", LEASE) is None


async def test_a_run_that_is_opened_again_begins_anew(store: Store, db: Db) -> None:
    await store.runs.submit("cutover", "K7Q2", NOW)
    await store.runs.end(await taken(store), NOW + LEASE)
    await store.runs.submit("cutover", "K7Q2", NOW + 2 * LEASE)
    row = await row_of(db, "cutover", "K7Q2")
    assert (row["state"], row["ended_at"], row["token"]) == ("open", None, 2)
    assert (row["owner"], row["epoch"], row["until_s"]) == (None, None, None)
    assert row["begun_at"] == "2026-06-14T13:02:37.000000Z"
    assert await store.runs.free() == (("cutover", "K7Q2"),)


async def test_submitting_one_under_way_leaves_it_as_it_is(store: Store, db: Db) -> None:
    await store.runs.submit("cutover", "K7Q2", NOW)
    await store.runs.take("cutover", "K7Q2", "one", LEASE)
    before = await row_of(db, "cutover", "K7Q2")
    await store.runs.submit("cutover", "K7Q2", NOW + LEASE)
    assert await row_of(db, "cutover", "K7Q2") == before


async def test_whether_a_run_ended_is_asked_by_both_its_names(store: Store) -> None:
    for kind, subject in (("cutover", "K7Q2"), ("drill", "AAAA"), ("drill", "K7Q2")):
        await store.runs.submit(kind, subject, NOW)
    await store.runs.end(await taken(store), NOW)
    names = [("cutover", "K7Q2"), ("drill", "AAAA"), ("drill", "K7Q2"), ("drill", "none"), ("cutover", PLAN)]
    assert [await store.runs.ended(*name) for name in names] == [True, False, False, True, False]


async def test_who_gives_claims_back_leaves_everybody_elses(store: Store) -> None:
    await store.claims.take(["site:a", "site:b"], "one", "a sync", NOW, None)
    await store.claims.take(["site:c"], "two", "a sync", NOW, None)
    await store.claims.release("one")
    assert {claim.name for claim in await store.claims.held()} == {"site:c", *CLAIMED}


async def test_a_claim_says_whose_it_is_for_what_and_since_when_and_taking_again_says_so_anew(store: Store) -> None:
    await store.claims.take(["site:a"], "one", "a sync", NOW, LEASE)
    await store.claims.take(["site:a"], "one", "a drill", NOW + LEASE, None)
    assert await store.claims.held() == (
        Claim("site:a", "one", "a drill", NOW + LEASE),
        Claim("site:skate", BOT, "a sync", THEN),
        Claim("site:ski", PLAN, "a cutover", THEN),
    )


async def test_taking_again_says_anew_until_when_it_holds(store: Store, lease_clock: LeaseClock) -> None:
    await store.claims.take(["site:a", "site:b"], "one", "a sync", NOW, LEASE)
    await store.claims.take(["site:a"], "one", "a sync", NOW, None)
    lease_clock.passes(LEASE + MOMENT)
    assert {claim.name for claim in await store.claims.held()} == {"site:a", *CLAIMED}
    await store.claims.take(["site:a"], "one", "a sync", NOW, LEASE)
    assert {claim.name for claim in await store.claims.held()} == {"site:a", *CLAIMED}
    lease_clock.passes(LEASE + MOMENT)
    assert {claim.name for claim in await store.claims.held()} == CLAIMED


async def test_claims_that_stand_in_the_way_come_by_name(store: Store) -> None:
    for name, owner in (("site:b", "two"), ("site:a", "three"), ("site:c", "four")):
        await store.claims.take([name], owner, "a sync", NOW, None)
    in_the_way = await store.claims.take(["site:c", "site:a", "site:b", "site:d"], "one", "a drill", NOW, None)
    assert [(claim.name, claim.owner) for claim in in_the_way] == [
        ("site:a", "three"),
        ("site:b", "two"),
        ("site:c", "four"),
    ]


async def test_a_claim_holds_to_the_last_moment_of_its_lease_and_goes_to_another_after_it(
    store: Store, lease_clock: LeaseClock
) -> None:
    await store.claims.take(["site:a"], "one", "a sync", NOW, LEASE)
    lease_clock.passes(LEASE)
    assert [claim.owner for claim in await store.claims.take(["site:a"], "two", "a drill", NOW, LEASE)] == ["one"]
    assert {claim.name for claim in await store.claims.held()} == {"site:a", *CLAIMED}
    lease_clock.passes(MOMENT)
    assert {claim.name for claim in await store.claims.held()} == CLAIMED
    assert await store.claims.take(["site:a"], "two", "a drill", NOW + LEASE, LEASE) == ()
    assert (await store.claims.held())[0] == Claim("site:a", "two", "a drill", NOW + LEASE)


async def test_fires_are_by_job_and_moment_and_kept_for_sixty_days(store: Store, db: Db) -> None:
    assert await store.claims.fire("sync:daily", NOW)
    assert await store.claims.fire("backup:daily", NOW)
    later = NOW + timedelta(days=60)
    assert await store.claims.fire("sync:daily", later)
    assert [await store.claims.fire(job, NOW) for job in ("sync:daily", "backup:daily")] == [False, False]
    assert await store.claims.fire("sync:daily", later + MOMENT)
    assert {job for job, _ in (await rows_of(db))["fires"]} == {"sync:daily", "other:job"}


async def test_claims_are_all_or_nothing(store: Store, second: Store) -> None:
    assert await store.claims.take(["site:a", "site:b"], "one", "a sync", NOW, None) == ()
    (in_the_way,) = await second.claims.take(["site:b", "site:c"], "two", "a cutover", NOW, None)
    assert (in_the_way.name, in_the_way.owner, in_the_way.purpose) == ("site:b", "one", "a sync")
    assert {claim.name for claim in await second.claims.held()} == {"site:a", "site:b", *CLAIMED}
    await store.claims.release("one")
    assert await second.claims.take(["site:b", "site:c"], "two", "a cutover", NOW, None) == ()


async def test_the_clock_on_the_wall_moves_no_lease(store: Store, second: Store) -> None:
    await store.claims.take(["a"], "one", "work", NOW, LEASE)
    for step in (timedelta(days=-1), timedelta(days=1)):
        assert await second.claims.take(["a"], "two", "work", NOW + step, LEASE)


async def test_leases_end_with_the_boot_of_the_machine_and_what_is_claimed_for_good_does_not(
    empty_store: Store, lease_clock: LeaseClock
) -> None:
    await empty_store.claims.take(["a"], "one", "a sync", NOW, timedelta(days=1))
    await empty_store.claims.take(["b"], "K7Q2", "a cutover", NOW, None)
    await empty_store.runs.submit("cutover", "K7Q2", NOW)
    fence = await empty_store.runs.take("cutover", "K7Q2", "one", timedelta(days=1))
    assert fence is not None
    assert await empty_store.runs.free() == ()
    lease_clock.is_another_boot()
    assert not await empty_store.runs.renew(fence, LEASE)
    assert [claim.name for claim in await empty_store.claims.held()] == ["b"]
    assert await empty_store.claims.take(["a"], "two", "a sync", NOW, LEASE) == ()
    assert await empty_store.claims.take(["b"], "two", "a sync", NOW, LEASE)
    assert await empty_store.runs.free() == (("cutover", "K7Q2"),)
    assert await empty_store.runs.take("cutover", "K7Q2", "two", LEASE)


async def test_what_was_claimed_for_good_may_be_claimed_for_a_time_and_the_other_way_round(
    empty_store: Store, lease_clock: LeaseClock
) -> None:
    claims = empty_store.claims
    for name, first, then in (("a", None, LEASE), ("b", LEASE, None)):
        assert await claims.take([name], "one", "a sync", NOW, first) == ()
        assert await claims.take([name], "one", "a cutover", NOW, then) == ()
    lease_clock.passes(LEASE)
    assert [claim.name for claim in await claims.held()] == ["a", "b"]
    lease_clock.passes(MOMENT)
    assert [claim.name for claim in await claims.held()] == ["b"]
    lease_clock.is_another_boot()
    assert [claim.name for claim in await claims.held()] == ["b"]


async def test_runs_that_are_free_come_as_they_were_begun(empty_store: Store) -> None:
    begun = {"B": timedelta(2), "A": timedelta(1), "D": timedelta(3), "C": timedelta(0)}
    for subject, after in begun.items():
        await empty_store.runs.submit("cutover", subject, NOW + after)
    assert [subject for _, subject in await empty_store.runs.free()] == ["C", "A", "B", "D"]


async def test_a_run_is_renewed_by_who_has_it_while_they_have_it(store: Store, lease_clock: LeaseClock) -> None:
    for subject in ("K7Q2", "OTHER"):
        await store.runs.submit("cutover", subject, NOW)
    first, other = await taken(store), await taken(store, subject="OTHER")
    lease_clock.passes(LEASE)
    assert await store.runs.renew(first, LEASE)
    lease_clock.passes(LEASE)
    assert await store.runs.free() == (("cutover", "OTHER"),)
    assert not await store.runs.renew(other, LEASE)
    lease_clock.passes(MOMENT)
    assert not await store.runs.renew(first, LEASE)
    newer = await taken(store)
    assert not await store.runs.renew(first, LEASE)
    assert await store.runs.renew(newer, LEASE)
    await store.runs.end(newer, NOW)
    assert not await store.runs.renew(newer, LEASE)


async def test_who_has_lost_a_run_neither_ends_it_nor_gives_it_back(store: Store, lease_clock: LeaseClock) -> None:
    await store.runs.submit("cutover", "K7Q2", NOW)
    lost = await taken(store)
    lease_clock.passes(LEASE + MOMENT)
    now_of = await taken(store)
    await store.runs.end(lost, NOW)
    await store.runs.let_go(lost)
    assert not await store.runs.ended("cutover", "K7Q2")
    assert await store.runs.free() == ()
    assert await store.runs.renew(now_of, LEASE)


async def test_a_scheduled_moment_fires_once_however_many_ask(store: Store, second: Store) -> None:
    claimed = await asyncio.gather(*(one.claims.fire("sync:daily", NOW) for one in (store, second) * 5))
    assert claimed.count(True) == 1
    assert await store.claims.fire("sync:daily", NOW + timedelta(days=1))

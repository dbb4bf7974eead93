"""Runs, claims and fires at the limits of their leases, and what one owner may not do to another's."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from store.others import BOT, CLAIMED, PLAN, THEN, rows_of

from ops.store.claims import Claim
from ops.store.fence import RunFence

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from ops.contracts import Db
    from ops.store import Store

NOW = datetime(2026, 6, 14, 13, 2, 7, tzinfo=UTC)
LEASE = timedelta(seconds=15)
MOMENT = timedelta(microseconds=1)


async def row_of(db: Db, kind: str, subject: str) -> dict[str, object]:
    asked = "SELECT * FROM runs WHERE kind = ? AND subject = ?"
    (row,) = await db.read(lambda transaction: transaction.query(asked, [kind, subject]))
    return row


async def test_a_lease_holds_to_its_last_moment_and_no_longer(store: Store, second: Store) -> None:
    await store.runs.submit("cutover", "K7Q2", NOW)
    await store.runs.take("cutover", "K7Q2", "one", NOW, LEASE)
    assert await second.runs.take("cutover", "K7Q2", "two", NOW + LEASE, LEASE) is None
    assert await second.runs.free(NOW + LEASE) == ()
    assert await second.runs.free(NOW + LEASE + MOMENT) == (("cutover", "K7Q2"),)
    assert await second.runs.take("cutover", "K7Q2", "two", NOW + LEASE + MOMENT, LEASE) == RunFence(
        "cutover", "K7Q2", 2
    )


async def test_the_owner_renews_its_lease_before_and_after_it_has_passed(store: Store) -> None:
    await store.runs.submit("cutover", "K7Q2", NOW)
    for at in (NOW, NOW + LEASE, NOW + 9 * LEASE):
        assert await store.runs.take("cutover", "K7Q2", "one", at, LEASE) == RunFence("cutover", "K7Q2", 1)
        assert await store.runs.free(at + LEASE) == ()


async def test_runs_of_one_subject_and_of_one_kind_are_taken_one_by_one(store: Store) -> None:
    names = [("cutover", "K7Q2"), ("drill", "K7Q2"), ("cutover", "AAAA")]
    for number, (kind, subject) in enumerate(names):
        await store.runs.submit(kind, subject, NOW + number * LEASE)
    assert await store.runs.free(NOW) == tuple(names)
    assert await store.runs.take("cutover", "K7Q2", "one", NOW, LEASE)
    assert await store.runs.free(NOW) == tuple(names[1:])


async def test_free_runs_come_in_the_order_in_which_they_were_submitted(store: Store) -> None:
    for number, subject in enumerate(["CCCC", "AAAA", "BBBB"]):
        await store.runs.submit("cutover", subject, NOW + number * LEASE)
    assert [subject for _, subject in await store.runs.free(NOW)] == ["CCCC", "AAAA", "BBBB"]


NOT_THEIRS: dict[str, Callable[[Store], Awaitable[object]]] = {
    "a run of theirs is let go by another": lambda store: store.runs.let_go("cutover", "K7Q2", "two"),
    "a run of theirs is ended by another": lambda store: store.runs.end("cutover", "K7Q2", "two", NOW),
    "another subject of theirs is let go": lambda store: store.runs.let_go("cutover", "AAAA", "one"),
    "another subject of theirs ends": lambda store: store.runs.end("cutover", "AAAA", "one", NOW),
    "another kind of theirs is let go": lambda store: store.runs.let_go("drill", "K7Q2", "one"),
    "another kind of theirs ends": lambda store: store.runs.end("drill", "K7Q2", "one", NOW),
}


@pytest.mark.parametrize("what", NOT_THEIRS)
async def test_a_run_is_let_go_and_ended_by_its_own_owner_under_its_own_name_alone(
    store: Store, db: Db, what: str
) -> None:
    for kind, subject in (("cutover", "K7Q2"), ("drill", "K7Q2"), ("cutover", "AAAA")):
        await store.runs.submit(kind, subject, NOW)
        await store.runs.take(kind, subject, "one", NOW, LEASE)
    before = await row_of(db, "cutover", "K7Q2")
    await NOT_THEIRS[what](store)
    assert await row_of(db, "cutover", "K7Q2") == before


async def test_a_run_that_is_let_go_has_neither_owner_nor_lease(store: Store, db: Db) -> None:
    await store.runs.submit("cutover", "K7Q2", NOW)
    await store.runs.take("cutover", "K7Q2", "one", NOW, LEASE)
    await store.runs.let_go("cutover", "K7Q2", "one")
    row = await row_of(db, "cutover", "K7Q2")
    assert (row["state"], row["owner"], row["lease_until"], row["ended_at"]) == ("open", None, None, None)


async def test_a_run_that_ended_says_when_and_belongs_to_nobody(store: Store, db: Db) -> None:
    await store.runs.submit("cutover", "K7Q2", NOW)
    await store.runs.take("cutover", "K7Q2", "one", NOW, LEASE)
    await store.runs.end("cutover", "K7Q2", "one", NOW + LEASE)
    row = await row_of(db, "cutover", "K7Q2")
    ended = (row["state"], row["owner"], row["lease_until"], row["ended_at"])
    assert ended == ("ended", None, None, "2026-06-14T13:02:22.000000Z")
    assert await store.runs.take("cutover", "K7Q2", "two", NOW + 9 * LEASE, LEASE) is None


async def test_a_run_that_is_opened_again_begins_anew(store: Store, db: Db) -> None:
    await store.runs.submit("cutover", "K7Q2", NOW)
    await store.runs.take("cutover", "K7Q2", "one", NOW, LEASE)
    await store.runs.end("cutover", "K7Q2", "one", NOW + LEASE)
    await store.runs.submit("cutover", "K7Q2", NOW + 2 * LEASE)
    row = await row_of(db, "cutover", "K7Q2")
    assert (row["state"], row["ended_at"], row["token"]) == ("open", None, 2)
    assert row["begun_at"] == "2026-06-14T13:02:37.000000Z"
    assert await store.runs.free(NOW) == (("cutover", "K7Q2"),)


async def test_submitting_one_under_way_leaves_it_as_it_is(store: Store, db: Db) -> None:
    await store.runs.submit("cutover", "K7Q2", NOW)
    await store.runs.take("cutover", "K7Q2", "one", NOW, LEASE)
    before = await row_of(db, "cutover", "K7Q2")
    await store.runs.submit("cutover", "K7Q2", NOW + LEASE)
    assert await row_of(db, "cutover", "K7Q2") == before


async def test_whether_a_run_ended_is_asked_by_both_its_names(store: Store) -> None:
    for kind, subject in (("cutover", "K7Q2"), ("drill", "AAAA"), ("drill", "K7Q2")):
        await store.runs.submit(kind, subject, NOW)
    await store.runs.take("cutover", "K7Q2", "one", NOW, LEASE)
    await store.runs.end("cutover", "K7Q2", "one", NOW)
    names = [("cutover", "K7Q2"), ("drill", "AAAA"), ("drill", "K7Q2"), ("drill", "none"), ("cutover", PLAN)]
    assert [await store.runs.ended(*name) for name in names] == [True, False, False, True, False]


async def test_who_gives_claims_back_leaves_everybody_elses(store: Store) -> None:
    await store.claims.take(["site:a", "site:b"], "one", "a sync", NOW, None)
    await store.claims.take(["site:c"], "two", "a sync", NOW, None)
    await store.claims.release("one")
    assert {claim.name for claim in await store.claims.held(NOW)} == {"site:c", *CLAIMED}


async def test_a_claim_says_whose_it_is_for_what_since_and_until_when_and_taking_again_says_so_anew(
    store: Store,
) -> None:
    await store.claims.take(["site:a"], "one", "a sync", NOW, LEASE)
    await store.claims.take(["site:a"], "one", "a drill", NOW + LEASE, None)
    assert (await store.claims.held(NOW))[0] == Claim("site:a", "one", "a drill", NOW + LEASE, None)
    await store.claims.take(["site:a"], "one", "a drill", NOW + LEASE, LEASE)
    claims = await store.claims.held(NOW + 2 * LEASE)
    assert claims[0] == Claim("site:a", "one", "a drill", NOW + LEASE, NOW + 2 * LEASE)
    assert claims[1:] == (
        Claim("site:skate", BOT, "a sync", THEN, THEN + timedelta(days=365)),
        Claim("site:ski", PLAN, "a cutover", THEN, None),
    )


async def test_a_claim_holds_to_the_last_moment_of_its_lease_and_goes_to_another_after_it(store: Store) -> None:
    await store.claims.take(["site:a"], "one", "a sync", NOW, LEASE)
    assert [claim.owner for claim in await store.claims.take(["site:a"], "two", "a drill", NOW + LEASE, LEASE)] == [
        "one"
    ]
    assert {claim.name for claim in await store.claims.held(NOW + LEASE)} == {"site:a", *CLAIMED}
    assert {claim.name for claim in await store.claims.held(NOW + LEASE + MOMENT)} == CLAIMED
    assert await store.claims.take(["site:a"], "two", "a drill", NOW + LEASE + MOMENT, LEASE) == ()
    claims = {claim.name: claim for claim in await store.claims.held(NOW + LEASE + MOMENT)}
    assert claims["site:a"] == Claim("site:a", "two", "a drill", NOW + LEASE + MOMENT, NOW + 2 * LEASE + MOMENT)


async def test_fires_are_by_job_and_moment_and_kept_for_sixty_days(store: Store, db: Db) -> None:
    assert await store.claims.fire("sync:daily", NOW)
    assert await store.claims.fire("backup:daily", NOW)
    later = NOW + timedelta(days=60)
    assert await store.claims.fire("sync:daily", later)
    assert [await store.claims.fire(job, NOW) for job in ("sync:daily", "backup:daily")] == [False, False]
    assert await store.claims.fire("sync:daily", later + MOMENT)
    assert {job for job, _ in (await rows_of(db))["fires"]} == {"sync:daily", "other:job"}

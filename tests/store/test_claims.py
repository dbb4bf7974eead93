"""Claims and runs: whose work is whose, for how long, beside those of others that stay as they are."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from store.conftest import LeaseClock

    from ops.store import Store
    from ops.store.fence import RunFence

NOW = datetime(2026, 6, 14, 13, 2, 7, tzinfo=UTC)
LEASE = timedelta(seconds=15)
JUST = timedelta(seconds=1)


async def test_claims_are_all_or_nothing(store: Store, second: Store) -> None:
    assert await store.claims.take(["site:a", "site:b"], "one", "a sync", NOW, None) == ()
    (in_the_way,) = await second.claims.take(["site:b", "site:c"], "two", "a cutover", NOW, None)
    assert (in_the_way.name, in_the_way.owner, in_the_way.purpose) == ("site:b", "one", "a sync")
    assert {claim.name for claim in await second.claims.held()} == {"site:a", "site:b"}
    await store.claims.release("one")
    assert await second.claims.take(["site:b", "site:c"], "two", "a cutover", NOW, None) == ()


async def test_a_claim_whose_lease_has_passed_does_not_count_and_taking_again_renews(
    store: Store, lease_clock: LeaseClock
) -> None:
    await store.claims.take(["other"], "other", "work", NOW, None)
    await store.claims.take(["a"], "one", "work", NOW, LEASE)
    lease_clock.passes(LEASE)
    await store.claims.take(["a"], "one", "work", NOW, LEASE)
    lease_clock.passes(LEASE)
    assert await store.claims.take(["a"], "two", "work", NOW, LEASE)
    lease_clock.passes(JUST)
    assert [claim.name for claim in await store.claims.held()] == ["other"]
    assert await store.claims.take(["a"], "two", "work", NOW, LEASE) == ()
    assert [(claim.name, claim.owner) for claim in await store.claims.held()] == [("a", "two"), ("other", "other")]


async def test_the_clock_on_the_wall_moves_no_lease(store: Store, second: Store) -> None:
    await store.claims.take(["a"], "one", "work", NOW, LEASE)
    for step in (timedelta(days=-1), timedelta(days=1)):
        assert await second.claims.take(["a"], "two", "work", NOW + step, LEASE)


async def test_leases_end_with_the_boot_of_the_machine_and_what_is_claimed_for_good_does_not(
    store: Store, lease_clock: LeaseClock
) -> None:
    await store.claims.take(["a"], "one", "a sync", NOW, timedelta(days=1))
    await store.claims.take(["b"], "K7Q2", "a cutover", NOW, None)
    await store.runs.submit("cutover", "K7Q2", NOW)
    assert await store.runs.take("cutover", "K7Q2", "one", timedelta(days=1))
    assert await store.runs.free() == ()
    lease_clock.is_another_boot()
    assert [claim.name for claim in await store.claims.held()] == ["b"]
    assert await store.claims.take(["a"], "two", "a sync", NOW, LEASE) == ()
    assert await store.claims.take(["b"], "two", "a sync", NOW, LEASE)
    assert await store.runs.free() == (("cutover", "K7Q2"),)
    assert await store.runs.take("cutover", "K7Q2", "two", LEASE)


async def test_a_scheduled_moment_fires_once_however_many_ask(store: Store, second: Store) -> None:
    claimed = await asyncio.gather(*(one.claims.fire("sync:daily", NOW) for one in (store, second) * 5))
    assert claimed.count(True) == 1
    assert await store.claims.fire("sync:daily", NOW + timedelta(days=1))


async def taken(store: Store, owner: str, subject: str = "K7Q2") -> RunFence:
    fence = await store.runs.take("cutover", subject, owner, LEASE)
    assert fence is not None
    return fence


async def test_a_run_has_one_owner_until_its_lease_passes(store: Store, second: Store, lease_clock: LeaseClock) -> None:
    for subject in ("K7Q2", "OTHER"):
        await store.runs.submit("cutover", subject, NOW)
    await taken(store, "one")
    assert not await store.runs.take("cutover", "K7Q2", "one", LEASE)
    lease_clock.passes(LEASE)
    assert not await second.runs.take("cutover", "K7Q2", "two", LEASE)
    await taken(second, "two", "OTHER")
    assert await second.runs.free() == ()
    lease_clock.passes(JUST)
    assert await second.runs.free() == (("cutover", "K7Q2"),)
    await taken(second, "two")
    assert not await store.runs.take("cutover", "K7Q2", "one", LEASE)


async def test_a_run_is_renewed_by_who_has_it_while_they_have_it(store: Store, lease_clock: LeaseClock) -> None:
    for subject in ("K7Q2", "OTHER"):
        await store.runs.submit("cutover", subject, NOW)
    first, other = await taken(store, "one"), await taken(store, "one", "OTHER")
    lease_clock.passes(LEASE)
    assert await store.runs.renew(first, LEASE)
    lease_clock.passes(LEASE)
    assert await store.runs.free() == (("cutover", "OTHER"),)
    assert not await store.runs.renew(other, LEASE)
    lease_clock.passes(JUST)
    assert not await store.runs.renew(first, LEASE)
    newer = await taken(store, "two")
    assert not await store.runs.renew(first, LEASE)
    assert await store.runs.renew(newer, LEASE)
    await store.runs.end(newer, NOW)
    assert not await store.runs.renew(newer, LEASE)


async def test_a_run_that_was_let_go_is_free_at_once_and_ends_once(store: Store) -> None:
    for subject in ("K7Q2", "OTHER"):
        await store.runs.submit("cutover", subject, NOW)
    other = await taken(store, "one", "OTHER")
    await store.runs.let_go(await taken(store, "one"))
    assert await store.runs.free() == (("cutover", "K7Q2"),)
    await store.runs.end(await taken(store, "two"), NOW)
    assert await store.runs.ended("cutover", "K7Q2")
    assert not await store.runs.ended("cutover", "OTHER")
    assert await store.runs.free() == ()
    assert await store.runs.renew(other, LEASE)


async def test_who_has_lost_a_run_neither_ends_it_nor_gives_it_back(store: Store, lease_clock: LeaseClock) -> None:
    await store.runs.submit("cutover", "K7Q2", NOW)
    lost = await taken(store, "one")
    lease_clock.passes(LEASE + JUST)
    now_of = await taken(store, "one")
    await store.runs.end(lost, NOW)
    await store.runs.let_go(lost)
    assert not await store.runs.ended("cutover", "K7Q2")
    assert await store.runs.free() == ()
    assert await store.runs.renew(now_of, LEASE)


async def test_submitting_a_run_that_is_under_way_changes_nothing(store: Store) -> None:
    await store.runs.submit("cutover", "K7Q2", NOW)
    fence = await taken(store, "one")
    await store.runs.submit("cutover", "K7Q2", NOW)
    assert await store.runs.free() == ()
    assert await store.runs.renew(fence, LEASE)

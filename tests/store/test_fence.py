"""What a run writes counts only while it is its own: asked in the transaction, beside runs of others."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from core.errors import FencedError
from ops.durable.fenced import ask_fences
from ops.store.fence import ClaimFence, RunFence, fenced

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from store.conftest import LeaseClock

    from ops.store import Store
    from ops.store.fence import Fence

NOW = datetime(2026, 6, 14, tzinfo=UTC)
LEASE = timedelta(seconds=15)
TOO_LONG = LEASE + timedelta(seconds=1)


async def taken(store: Store, owner: str, subject: str = "K7Q2") -> RunFence:
    fence = await store.runs.take("cutover", subject, owner, LEASE)
    assert fence is not None
    return fence


async def test_each_new_owner_has_a_greater_token(store: Store, second: Store, lease_clock: LeaseClock) -> None:
    for subject in ("K7Q2", "OTHER"):
        await store.runs.submit("cutover", subject, NOW)
    first, other = await taken(store, "one"), await taken(store, "one", "OTHER")
    lease_clock.passes(TOO_LONG)
    assert (await taken(second, "two")).token == first.token + 1
    # Who was away for too long has lost its own run as well: somebody may have looked at it meanwhile.
    assert (await taken(store, "one", "OTHER")).token == other.token + 1


async def test_a_run_that_is_given_back_and_taken_again_is_another_one(store: Store) -> None:
    await store.runs.submit("cutover", "K7Q2", NOW)
    first = await taken(store, "one")
    await store.runs.let_go(first)
    assert (await taken(store, "one")).token > first.token


async def test_a_run_that_ended_and_is_opened_again_leaves_nothing_to_who_had_it_before(store: Store) -> None:
    await store.runs.submit("cutover", "K7Q2", NOW)
    fence = await taken(store, "one")
    await store.runs.end(fence, NOW)
    with fenced(fence):
        await store.record.add(NOW, "last word", "K7Q2", "one")
    await store.runs.submit("cutover", "K7Q2", NOW)
    with fenced(fence), pytest.raises(FencedError):
        await store.record.add(NOW, "too late", "K7Q2", "one")


WRITES: dict[str, Callable[[Store], Awaitable[object]]] = {
    "the record": lambda store: store.record.add(NOW, "kind", "subject", "who"),
    "a claim": lambda store: store.claims.take(["site:shop"], "K7Q2", "a cutover", NOW, None),
    "letting go": lambda store: store.claims.release("someone"),
    "where sites are served from": lambda store: store.copies.set_active({"shop": "lima"}, NOW),
    "a run": lambda store: store.runs.submit("cutover", "NEXT", NOW),
}


async def claimed(store: Store, owner: str) -> ClaimFence:
    assert await store.claims.take(["site:shop"], owner, "a sync", NOW, LEASE) == ()
    return ClaimFence("site:shop", owner)


async def a_run(store: Store, owner: str) -> RunFence:
    await store.runs.submit("cutover", "K7Q2", NOW)
    return await taken(store, owner)


FENCES: dict[str, Callable[[Store, str], Awaitable[Fence]]] = {"a run": a_run, "a claim": claimed}


@pytest.mark.parametrize("fence", FENCES)
@pytest.mark.parametrize("write", WRITES)
async def test_who_was_overtaken_writes_nothing_and_the_new_owner_does(
    store: Store, second: Store, lease_clock: LeaseClock, write: str, fence: str
) -> None:
    await store.claims.take(["site:other"], "other", "a cutover", NOW, None)
    old = await FENCES[fence](store, "one")
    lease_clock.passes(TOO_LONG)
    new = await FENCES[fence](second, "two")
    before = (await store.record.entries(), await store.claims.held(), await store.copies.active())
    with fenced(old), pytest.raises(FencedError) as refused:
        await WRITES[write](store)
    assert refused.value.fence is old
    assert (await store.record.entries(), await store.claims.held(), await store.copies.active()) == before
    with fenced(new):
        await WRITES[write](second)


@pytest.mark.parametrize("fence", FENCES)
async def test_who_was_away_for_too_long_writes_nothing_though_nobody_came(
    store: Store, lease_clock: LeaseClock, fence: str
) -> None:
    old = await FENCES[fence](store, "one")
    lease_clock.passes(LEASE)
    with fenced(old):
        await store.record.add(NOW, "in time", "K7Q2", "one")
    lease_clock.passes(TOO_LONG - LEASE)
    for ask in (ask_fences(store), store.record.add(NOW, "too late", "K7Q2", "one"), claimed(store, "one")):
        with fenced(old), pytest.raises(FencedError):
            await ask
    assert [entry.kind for entry in await store.record.entries(subject="K7Q2")] == ["in time"]


@pytest.mark.parametrize("fence", FENCES)
async def test_no_lease_outlives_the_boot_of_the_machine(
    empty_store: Store, lease_clock: LeaseClock, fence: str
) -> None:
    store = empty_store
    old = await FENCES[fence](store, "one")
    lease_clock.is_another_boot()
    with fenced(old), pytest.raises(FencedError):
        await ask_fences(store)


async def test_what_is_claimed_until_it_is_given_back_has_no_end_but_that(
    store: Store, lease_clock: LeaseClock
) -> None:
    await store.claims.take(["site:shop"], "K7Q2", "a cutover", NOW, None)
    lease_clock.is_another_boot()
    with fenced(ClaimFence("site:shop", "K7Q2")):
        await ask_fences(store)
        await store.claims.release("K7Q2")
        with pytest.raises(FencedError):
            await ask_fences(store)


async def test_who_has_lost_one_of_two_is_kept_from_what_that_one_was_for(
    store: Store, second: Store, lease_clock: LeaseClock
) -> None:
    await store.claims.take(["site:shop"], "one", "a sync", NOW, LEASE)
    await store.claims.take(["site:blog"], "one", "a sync", NOW, None)
    for kind in ("cutover", "drill"):
        await store.runs.submit(kind, "K7Q2", NOW)
        assert await store.runs.take(kind, "K7Q2", "one", LEASE if kind == "cutover" else 9 * LEASE)
    lease_clock.passes(TOO_LONG)
    await taken(second, "two")
    for lost, held in (
        (ClaimFence("site:shop", "one"), ClaimFence("site:blog", "one")),
        (RunFence("cutover", "K7Q2", 1), RunFence("drill", "K7Q2", 1)),
    ):
        with fenced(held):
            await ask_fences(store)
        with fenced(lost), pytest.raises(FencedError):
            await ask_fences(store)


async def test_reading_and_writing_outside_of_the_work_go_on(
    store: Store, second: Store, lease_clock: LeaseClock
) -> None:
    old = await a_run(store, "one")
    lease_clock.passes(TOO_LONG)
    await taken(second, "two")
    with fenced(old):
        assert await store.record.entries(subject="subject") == ()
    await store.record.add(NOW, "kind", "subject", "who")
    assert len(await store.record.entries(subject="subject")) == 1


async def test_an_effect_is_asked_for_by_the_same_fence(store: Store, second: Store, lease_clock: LeaseClock) -> None:
    old = await a_run(store, "one")
    with fenced(old):
        await ask_fences(store)
    lease_clock.passes(TOO_LONG)
    await taken(second, "two")
    await ask_fences(store)
    with fenced(old), pytest.raises(FencedError):
        await ask_fences(store)


async def test_a_fence_within_another_asks_both(store: Store, lease_clock: LeaseClock) -> None:
    run = await a_run(store, "one")
    inner = await claimed(store, "run")
    with fenced(run), fenced(inner):
        await store.record.add(NOW, "kind", "subject", "who")
        lease_clock.passes(LEASE)
        assert await store.runs.renew(run, LEASE)
        lease_clock.passes(TOO_LONG - LEASE)
        with pytest.raises(FencedError) as refused:
            await store.record.add(NOW, "kind", "subject", "who")
        assert refused.value.fence is inner
        lease_clock.passes(LEASE)
        with pytest.raises(FencedError) as refused:
            await store.record.add(NOW, "kind", "subject", "who")
        assert refused.value.fence is run

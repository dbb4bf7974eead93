"""What a run writes counts only while it is its own: asked in the transaction, beside runs of others."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from store.others import ACTIVE, CLAIMED

from core.errors import FencedError
from ops.durable.fenced import ask_fences
from ops.store.fence import RunFence, fenced

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from ops.store import Store

NOW = datetime(2026, 6, 14, tzinfo=UTC)
LEASE = timedelta(seconds=15)
LATER = NOW + LEASE + timedelta(seconds=1)


async def taken(store: Store, owner: str, at: datetime, subject: str = "K7Q2") -> RunFence:
    fence = await store.runs.take("cutover", subject, owner, at, LEASE)
    assert fence is not None
    return fence


async def test_each_new_owner_has_a_greater_token_and_who_renews_keeps_theirs(store: Store, second: Store) -> None:
    for subject in ("K7Q2", "OTHER"):
        await store.runs.submit("cutover", subject, NOW)
    first = await taken(store, "one", NOW)
    other = await taken(store, "one", NOW, "OTHER")
    assert await taken(store, "one", NOW) == first
    assert await second.runs.take("cutover", "K7Q2", "two", NOW, LEASE) is None
    assert (await taken(second, "two", LATER)).token == first.token + 1
    assert await taken(store, "one", NOW, "OTHER") == other


async def test_a_run_that_is_given_back_and_taken_again_is_another_one(store: Store) -> None:
    await store.runs.submit("cutover", "K7Q2", NOW)
    first = await taken(store, "one", NOW)
    await store.runs.let_go("cutover", "K7Q2", "one")
    assert (await taken(store, "one", NOW)).token > first.token


async def test_a_run_that_ended_and_is_opened_again_leaves_nothing_to_who_had_it_before(store: Store) -> None:
    await store.runs.submit("cutover", "K7Q2", NOW)
    fence = await taken(store, "one", NOW)
    await store.runs.end("cutover", "K7Q2", "one", NOW)
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


@pytest.mark.parametrize("write", WRITES)
async def test_who_was_overtaken_writes_nothing_and_the_new_owner_does(store: Store, second: Store, write: str) -> None:
    await store.runs.submit("cutover", "K7Q2", NOW)
    old = await taken(store, "one", NOW)
    new = await taken(second, "two", LATER)
    before = await store.record.entries()
    with fenced(old), pytest.raises(FencedError):
        await WRITES[write](store)
    assert await store.record.entries() == before
    assert {claim.name for claim in await store.claims.held(NOW)} == CLAIMED
    assert await store.copies.active() == ACTIVE
    with fenced(new):
        await WRITES[write](second)


async def test_reading_and_writing_outside_of_the_work_go_on(store: Store, second: Store) -> None:
    await store.runs.submit("cutover", "K7Q2", NOW)
    old = await taken(store, "one", NOW)
    await taken(second, "two", LATER)
    with fenced(old):
        assert await store.record.entries(subject="subject") == ()
    await store.record.add(NOW, "kind", "subject", "who")
    assert len(await store.record.entries(subject="subject")) == 1


async def test_an_effect_is_asked_for_by_the_same_fence(store: Store, second: Store) -> None:
    await store.runs.submit("cutover", "K7Q2", NOW)
    old = await taken(store, "one", NOW)
    with fenced(old):
        await ask_fences(store)
    await taken(second, "two", LATER)
    await ask_fences(store)
    with fenced(old), pytest.raises(FencedError):
        await ask_fences(store)


async def test_a_fence_within_another_asks_both(store: Store, second: Store) -> None:
    await store.runs.submit("cutover", "K7Q2", NOW)
    await store.runs.submit("drill", "K7Q2", NOW)
    run = await taken(store, "one", NOW)
    inner = await store.runs.take("drill", "K7Q2", "one", NOW, LEASE)
    assert inner is not None
    with fenced(run), fenced(inner):
        await store.record.add(NOW, "kind", "subject", "who")
        await taken(second, "two", LATER)
        with pytest.raises(FencedError):
            await store.record.add(NOW, "kind", "subject", "who")

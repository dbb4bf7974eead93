"""Mailboxes are made alike by the clock: at its moments, at once when a server returns, and not while one is down."""

from __future__ import annotations

import asyncio
import contextlib
from datetime import timedelta
from typing import TYPE_CHECKING

from mail.harness import ANN, BOB

from core.fleet.target import Target
from jobs.mailboxes import keep_mailboxes_alike
from ops.store.monitor.states import ObservedState

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from mail.mirrored import Post


@contextlib.asynccontextmanager
async def kept_alike(post: Post) -> AsyncIterator[None]:
    """Have mailboxes made alike by the clock while the block runs."""
    keeping = asyncio.create_task(keep_mailboxes_alike(post.ports))
    try:
        yield
    finally:
        keeping.cancel()
        await asyncio.wait([keeping])


async def seen(post: Post, state: str) -> None:
    """Have the watch see Lima become so just now."""
    now = post.ports.clock.now()
    lima = ObservedState(Target.server("lima"), state, now, now)
    await post.ports.store.states.saw([lima], gap=timedelta(hours=1))


async def three_ended(post: Post) -> None:
    """Wait until the mail of all users is known to be alike or not."""
    while sum(run.ended_at is not None for run in await post.ports.store.mailboxes.all()) < 3:  # noqa: ASYNC110 - the store sets no event
        await asyncio.sleep(0.2)


async def test_a_new_bot_begins_at_once_and_a_server_that_returns_is_not_waited_for(post: Post) -> None:
    post.put("oslo", ANN, "first")
    async with kept_alike(post), asyncio.timeout(120):
        await three_ended(post)
        assert post.both(ANN) == ["first"]
        post.put("lima", ANN, "second")
        await seen(post, "down")
        await asyncio.sleep(6)
        assert post.subjects("oslo", ANN) == ["first"]
        await seen(post, "up")
        while await asyncio.to_thread(post.subjects, "oslo", ANN) != ["first", "second"]:  # noqa: ASYNC110 - likewise
            await asyncio.sleep(0.2)


async def test_two_bots_begin_one_round(post: Post) -> None:
    post.put("oslo", BOB, "first")
    async with kept_alike(post), kept_alike(post), asyncio.timeout(120):
        await three_ended(post)
    assert post.both(BOB) == ["first"]
    runs = await post.ports.store.mailboxes.all()
    assert [(run.outcome, run.failures) for run in runs] == [("alike", 0)] * 3

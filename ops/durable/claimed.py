"""A claim that is taken for some work, kept alive while that goes on, and given back."""

from __future__ import annotations

import asyncio
import contextlib
from datetime import timedelta
from typing import TYPE_CHECKING

from core.errors import FencedError, OvertakenError, StoreError
from ops.store.fence import ClaimFence, fenced

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from ops.contracts import Clock
    from ops.store.claims import Claim, Claims

# Short, since others have to wait for it when a bot has died; renewed often, since a busy machine may be late.
LEASE = timedelta(seconds=30)
RENEW_S = 8.0


async def take_claim(claims: Claims, clock: Clock, name: str, owner: str, purpose: str) -> tuple[Claim, ...]:
    """Claim `name`, or claim it for longer; return who else holds it, empty where it is the owner's now."""
    return await claims.take([name], owner, purpose, clock.now(), LEASE)


@contextlib.asynccontextmanager
async def kept_claim(claims: Claims, clock: Clock, name: str, owner: str, purpose: str) -> AsyncIterator[None]:
    """Keep a claim that was taken while the block runs, and give back all that `owner` has claimed.

    All that the block does is fenced by it. Raises OvertakenError where the claim was lost: then it did nothing more,
    and what others do beside it goes on.
    """
    fence = ClaimFence(name, owner)
    try:
        with fenced(fence):
            renewing = asyncio.create_task(_renew(claims, clock, name, owner, purpose))
            try:
                yield
            finally:
                renewing.cancel()
                await asyncio.wait([renewing])
    except FencedError as error:
        if error.fence is not fence:
            raise
        message = f"It was given up: {purpose} stood still for longer than {LEASE.total_seconds():.0f} seconds."
        raise OvertakenError(message, hint="Ask for it again.") from error
    finally:
        await claims.release(owner)


async def _renew(claims: Claims, clock: Clock, name: str, owner: str, purpose: str) -> None:
    while True:
        await clock.sleep(RENEW_S)
        # A store that fails now may work the next time. What was lost is not taken again: the fence is asked first.
        with contextlib.suppress(StoreError):
            await take_claim(claims, clock, name, owner, purpose)

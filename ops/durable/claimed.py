"""A claim that is taken for some work, kept alive while that goes on, and given back."""

from __future__ import annotations

import asyncio
import contextlib
from datetime import timedelta
from typing import TYPE_CHECKING

from core.errors import FencedError, OvertakenError, StoreError, WorkCancelledError
from ops.store.fence import ClaimFence, fenced, unfenced

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from ops.contracts import Clock
    from ops.store import Store
    from ops.store.claims import Claim, Claims

# Short, since others have to wait for it when a bot has died; renewed often, since a busy machine may be late.
LEASE = timedelta(seconds=30)
RENEW_S = 8.0
# So soon work stops once somebody has cancelled it, whatever it waits for.
LOOK_S = 0.5


async def take_claim(claims: Claims, clock: Clock, name: str, owner: str, purpose: str) -> tuple[Claim, ...]:
    """Claim `name`, or claim it for longer; return who else holds it, empty where it is the owner's now."""
    return await claims.take([name], owner, purpose, clock.now(), LEASE)


@contextlib.asynccontextmanager
async def kept_claim(store: Store, clock: Clock, name: str, owner: str, purpose: str) -> AsyncIterator[None]:
    """Keep a claim that was taken while the block runs, and give back all that `owner` has claimed.

    All that the block does is fenced by it, and the block is cancelled soon after the claim was lost. Raises then
    WorkCancelledError where somebody took it away, else OvertakenError: it did nothing more, and what others do beside
    it goes on.
    """
    fence = ClaimFence(name, owner)
    try:
        async with asyncio.timeout(None) as block:
            with fenced(fence):
                keeping = asyncio.create_task(_keep(store.claims, clock, fence, purpose, block))
                try:
                    yield
                finally:
                    keeping.cancel()
                    await asyncio.wait([keeping])
    except (FencedError, TimeoutError) as error:
        if not (error.fence is fence if isinstance(error, FencedError) else block.expired()):
            raise
        cancelled = await store.cancellations.of_claim(name, owner)
        if cancelled is not None:
            hint = "`sites` says what is served from where." if cancelled.by_plan else "Ask for it again to go on."
            raise WorkCancelledError(f"{cancelled.words}.", hint=hint) from error
        message = f"It was given up: {purpose} stood still for longer than {LEASE.total_seconds():.0f} seconds."
        raise OvertakenError(message, hint="Ask for it again.") from error
    finally:
        with unfenced():
            await store.claims.release(owner)


async def _keep(claims: Claims, clock: Clock, fence: ClaimFence, purpose: str, block: asyncio.Timeout) -> None:
    """Renew the claim now and then; once it is lost, end `block`."""
    renewed_s = clock.monotonic()
    while True:
        await clock.sleep(min(LOOK_S, RENEW_S))
        # A store that fails now may work the next time. What was lost is not taken again: the fence is asked first.
        with contextlib.suppress(StoreError):
            if not await claims.holds(fence):
                block.reschedule(asyncio.get_running_loop().time())
                return
            if clock.monotonic() - renewed_s >= RENEW_S:
                await take_claim(claims, clock, fence.name, fence.owner, purpose)
                renewed_s = clock.monotonic()

"""A claim that is taken for some work, kept alive while that goes on, and given back."""

from __future__ import annotations

import asyncio
import contextlib
from datetime import timedelta
from typing import TYPE_CHECKING

from core.errors import RefusedError, StoreError
from core.wording import clock_time

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from ops.ports import Ports
    from ops.store.claims import Claim

# Short, since others have to wait for it when a bot has died; renewed often, since a busy machine may be late.
LEASE = timedelta(seconds=30)
RENEW_S = 8.0


async def take_claim(ports: Ports, name: str, owner: str, purpose: str) -> tuple[Claim, ...]:
    """Claim `name`, or claim it for longer; return who else holds it, empty where it is the owner's now."""
    return await ports.store.claims.take([name], owner, purpose, ports.clock.now(), LEASE)


@contextlib.asynccontextmanager
async def kept_claim(ports: Ports, name: str, owner: str, purpose: str) -> AsyncIterator[None]:
    """Keep a claim that was taken while the block runs, and give back all that `owner` has claimed."""
    renewing = asyncio.create_task(_renew(ports, name, owner, purpose))
    try:
        yield
    finally:
        renewing.cancel()
        await asyncio.wait([renewing])
        await ports.store.claims.release(owner)


@contextlib.asynccontextmanager
async def holding(
    ports: Ports, name: str, owner: str, purpose: str, hint: str = "Try again when that has ended."
) -> AsyncIterator[None]:
    """Hold the claim on `name`, such as `site:shop`, while the block runs. Raises RefusedError where another has it."""
    in_the_way = await take_claim(ports, name, owner, purpose)
    if in_the_way:
        claim, what = in_the_way[0], name.partition(":")[2] or "it"
        since = clock_time(claim.taken_at, ports.fleet.timezone, ports.clock.now())
        raise RefusedError(
            f"Not now: {claim.purpose} ({claim.owner}) works on {what} since {since}. Nothing was changed.", hint=hint
        )
    async with kept_claim(ports, name, owner, purpose):
        yield


async def _renew(ports: Ports, name: str, owner: str, purpose: str) -> None:
    while True:
        await ports.clock.sleep(RENEW_S)
        # A store that fails now may work the next time.
        with contextlib.suppress(StoreError):
            await take_claim(ports, name, owner, purpose)

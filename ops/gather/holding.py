"""Holding a claim while something runs, or saying whose it is."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from core.errors import RefusedError
from core.plan.cancelling import or_cancel
from core.wording import clock_time
from ops.durable.claimed import kept_claim, take_claim

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from ops.ports import Ports


@contextlib.asynccontextmanager
async def holding(ports: Ports, name: str, owner: str, purpose: str, hint: str = "Try again") -> AsyncIterator[None]:
    """Hold the claim on `name`, such as `site:shop`, while the block runs. Raises RefusedError where another has it.

    hint: what to do when that has ended, as the beginning of a sentence.
    """
    claims, clock = ports.store.claims, ports.clock
    in_the_way = await take_claim(claims, clock, name, owner, purpose)
    if in_the_way:
        claim, what = in_the_way[0], name.partition(":")[2]
        since = clock_time(claim.taken_at, ports.fleet.timezone, clock.now())
        raise RefusedError(
            f"Not now: {claim.purpose} ({claim.owner}) is under way{what and f' on {what}'} since {since}. "
            "Nothing changed.",
            hint=f"{hint} {or_cancel(name, claim.owner)}",
        )
    async with kept_claim(ports.store, clock, name, owner, purpose):
        yield

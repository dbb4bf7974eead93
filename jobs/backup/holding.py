"""Claims that are renewed while a block runs, and the off-site repository that a fleet has or has not."""

from __future__ import annotations

import asyncio
import contextlib
from datetime import timedelta
from typing import TYPE_CHECKING

from core.errors import RefusedError, StoreError
from core.words import clock_time

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from ops.databases import Databases
    from ops.ports import Ports
    from ops.restic import Restic
    from ops.store.claims import Claim

# Everything that changes the repository, one at a time a fleet; a site that is being backed up has a claim of its own,
# which is none on the site: a backup never stands in the way of a failover.
REPOSITORY = "backup"
LEASE = timedelta(seconds=30)
RENEW_S = 8.0


def site_claim(site: str) -> str:
    """Return the name of the claim on the backup of a site."""
    return f"backup:{site}"


def offsite_of(ports: Ports) -> Restic:
    """Return the fleet's off-site backups. Raises RefusedError where it has none."""
    if ports.restic is None:
        raise RefusedError(
            "This fleet has no off-site host to back up to.",
            hint="Write the section offsite into app.yaml; docs/backup.md says how.",
        )
    return ports.restic


def databases_of(ports: Ports) -> Databases:
    """Return what asks databases."""
    if ports.databases is None:
        raise ValueError(ports)
    return ports.databases


@contextlib.asynccontextmanager
async def holding(ports: Ports, name: str, owner: str, purpose: str) -> AsyncIterator[None]:
    """Hold one claim while the block runs. Raises RefusedError where somebody else has it."""
    in_the_way = await _take(ports, name, owner, purpose)
    if in_the_way:
        claim = in_the_way[0]
        since = clock_time(claim.taken_at, ports.fleet.timezone, ports.clock.now())
        raise RefusedError(
            f"Not now: {claim.purpose} is under way since {since}.",
            hint="Try again when it has ended.",
        )
    renewing = asyncio.create_task(_renew(ports, name, owner, purpose))
    try:
        yield
    finally:
        renewing.cancel()
        await asyncio.wait([renewing])
        await ports.store.claims.release(owner)


async def _take(ports: Ports, name: str, owner: str, purpose: str) -> tuple[Claim, ...]:
    return await ports.store.claims.take([name], owner, purpose, ports.clock.now(), LEASE)


async def _renew(ports: Ports, name: str, owner: str, purpose: str) -> None:
    while True:
        await ports.clock.sleep(RENEW_S)
        # A store that fails now may work the next time.
        with contextlib.suppress(StoreError):
            await _take(ports, name, owner, purpose)

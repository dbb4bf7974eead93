"""The claim on a site while one sync of it runs: taken, kept alive, and given back."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from core.errors import StoreError
from core.sync_trouble import Trouble

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from ops.ports import Ports
    from ops.store.claims import Claim

# Short, since a cutover has to wait for it when a bot has died; renewed often, since a busy machine may be late.
LEASE = timedelta(seconds=30)
RENEW_S = 8.0


@dataclass(frozen=True, slots=True)
class SiteClaim:
    """The claim of `owner` on `site`. others: it is somebody else's, who asked for this sync and goes on holding it."""

    ports: Ports
    site: str
    mirror: str
    owner: str
    others: bool

    async def take(self) -> tuple[Claim, ...]:
        """Claim the site, or claim it for longer; return who else holds it."""
        now, name = self.ports.clock.now(), f"site:{self.site}"
        if self.others:
            held = await self.ports.store.claims.held(now)
            return tuple(claim for claim in held if claim.name == name and claim.owner != self.owner)
        return await self.ports.store.claims.take([name], self.owner, f"a sync to {self.mirror}", now, LEASE)

    @contextlib.asynccontextmanager
    async def kept(self) -> AsyncIterator[None]:
        """Keep the claim while the block runs, and give it back; leave alone what somebody else had claimed."""
        if self.others:
            yield
            return
        renewing = asyncio.create_task(self._renew())
        try:
            yield
        finally:
            renewing.cancel()
            await asyncio.wait([renewing])
            await self.ports.store.claims.release(self.owner)

    async def _renew(self) -> None:
        while True:
            await self.ports.clock.sleep(RENEW_S)
            # Losing it is noticed before anything is put in place; a store that fails now may work then.
            with contextlib.suppress(StoreError):
                await self.take()


def held_by(claim: Claim) -> Trouble:
    """Return why a sync has to wait for the one who holds `claim`."""
    return Trouble(
        "held", f"{claim.purpose} ({claim.owner}) works on it", "Sync again when that has ended.", refused=True
    )

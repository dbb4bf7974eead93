"""The claim on a site while one sync of it runs: taken, kept alive, and given back."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.failure import Failure, FailureCode
from core.fleet.target import Target
from core.plan.cancelling import or_cancel
from ops.durable.claimed import kept_claim, take_claim

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from ops.ports import Ports
    from ops.store.claims import Claim


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
        if self.others:
            held = await self.ports.store.claims.held()
            return tuple(claim for claim in held if claim.name == self._name and claim.owner != self.owner)
        return await take_claim(self.ports.store.claims, self.ports.clock, self._name, self.owner, self._purpose)

    @contextlib.asynccontextmanager
    async def kept(self) -> AsyncIterator[None]:
        """Keep the claim while the block runs, and give it back; leave alone what somebody else had claimed.

        Losing it meanwhile is noticed before anything is put in place: whoever does that takes it once more.
        """
        if self.others:
            yield
            return
        async with kept_claim(self.ports.store, self.ports.clock, self._name, self.owner, self._purpose):
            yield

    @property
    def _name(self) -> str:
        return str(Target.site(self.site))

    @property
    def _purpose(self) -> str:
        return f"a sync to {self.mirror}"


def held_by(claim: Claim) -> Failure:
    """Return why a sync has to wait for the one who holds `claim`."""
    return Failure(
        FailureCode.HELD,
        f"{claim.purpose} ({claim.owner}) works on it",
        f"Sync again {or_cancel(claim.name, claim.owner)}",
        refused=True,
    )

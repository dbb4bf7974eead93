"""Which way each site is to be copied right now, with DNS asked first: content flows from where DNS points (law 4)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.fleet.target import Target
from core.sync.direction import Direction, which_way
from ops.gather.pointing import ActiveServerReader

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from core.fleet import Site
    from ops.ports import Ports
    from ops.store.copies.served import QuarantinedCopy


@dataclass(frozen=True, slots=True)
class Serving:
    """Where sites are served from, and which copies are quarantined, at one moment."""

    active: Mapping[str, str]
    quarantined: Mapping[tuple[str, str], QuarantinedCopy]

    def direction(self, site: Site, chosen: str | None = None) -> Direction:
        """Return which way `site` flows. `chosen`: a server whose quarantined copy someone has chosen to overwrite."""
        held = {server for server in site.servers if server != chosen and self.is_quarantined(site.name, server)}
        return which_way(site, self.active.get(site.name), held)

    def is_quarantined(self, site: str, server: str) -> bool:
        """Return whether nobody may touch that copy yet."""
        return (site, server) in self.quarantined


async def serving_now(ports: Ports, sites: Iterable[Site], who: str) -> Serving:
    """Ask DNS where `sites` are served from, keep what it says, and return everything known.

    Where nobody answers, what was last seen holds.
    """
    await keep_where_served(ports, await ActiveServerReader(ports.fleet, ports.dns).of(sites), who)
    return await serving_known(ports)


async def keep_where_served(ports: Ports, seen: Mapping[str, str], who: str) -> int:
    """Keep where DNS points, `seen` by site, and return how many sites were moved since they were last seen.

    A site that DNS has taken elsewhere without a cutover was moved by hand: the copy that it left may hold what no
    other copy has, so it is quarantined. A site never seen before is taken to have been at home.
    """
    copies, now = ports.store.copies, ports.clock.now()
    known = await copies.active()
    moved = {site: server for site, server in seen.items() if known.get(site) != server}
    if not moved:
        return 0
    held = {claim.name for claim in await ports.store.claims.held()}
    # Of a site that is being cut over, the cutover itself says where it is served from.
    moved = {site: server for site, server in moved.items() if str(Target.site(site)) not in held}
    left = {site: known.get(site, ports.fleet.sites[site].home) for site in moved}
    by_hand = [(site, server) for site, server in left.items() if server != moved[site]]
    await copies.quarantine(by_hand, "DNS was pointed elsewhere by hand", now, who)
    await copies.set_active(moved, now)
    return len(by_hand)


async def serving_known(ports: Ports) -> Serving:
    """Return what is on record, without asking DNS."""
    copies = ports.store.copies
    return Serving(await copies.active(), await copies.quarantined())

"""Which way each site is to be copied right now, with DNS asked first: content flows from where DNS points (law 4)."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

from core.failure import Failure, FailureCode
from core.sync.direction import Direction, which_way
from core.sync.moved_by_hand import card_of
from core.sync.served import why_not_by_belief
from ops.gather.pointing import ActiveServerReader

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from core.fleet import Site
    from core.sync.served import Doubt
    from jobs.sync.request import SyncRequest
    from ops.ports import Ports
    from ops.store.copies.served import QuarantinedCopy


@dataclass(frozen=True, slots=True)
class Serving:
    """Where sites are served from, and which copies are quarantined, at one moment.

    doubts: by site, why DNS does not tell where it is served; `active` then says what was last seen, which may be old.
    That is good enough to look and to read, never to put anything in place.
    """

    active: Mapping[str, str]
    quarantined: Mapping[tuple[str, str], QuarantinedCopy]
    doubts: Mapping[str, Doubt] = field(default_factory=dict)

    def direction(self, site: Site, chosen: str | None = None) -> Direction:
        """Return which way `site` flows. `chosen`: a server whose quarantined copy someone has chosen to overwrite."""
        held = {server for server in site.servers if server != chosen and self.is_quarantined(site.name, server)}
        return which_way(site, self.active.get(site.name), held)

    def may_serve(self, site: Site, server: str) -> bool:
        """Return whether visitors may be seeing that copy: they do, or nobody knows."""
        return site.name in self.doubts or self.active.get(site.name, site.home) == server

    def is_unheard(self, site: Site) -> bool:
        """Return whether what was last seen of `site` may be old: who would know did not answer."""
        doubt = self.doubts.get(site.name)
        return doubt is not None and doubt.unheard

    def is_quarantined(self, site: str, server: str) -> bool:
        """Return whether nobody may touch that copy yet."""
        return (site, server) in self.quarantined


async def serving_now(ports: Ports, sites: Iterable[Site], who: str) -> Serving:
    """Ask DNS where `sites` are served from, keep what it says, and return everything known.

    Where DNS does not tell, what was last seen is returned, with the doubt.
    """
    reader = ActiveServerReader(ports.fleet, ports.dns)
    asked_at = ports.clock.now()
    await keep_where_served(ports, await reader.of(sites), asked_at, who)
    return replace(await serving_known(ports), doubts=dict(reader.doubts))


async def serving_said(ports: Ports, sites: Iterable[Site], request: SyncRequest) -> Serving:
    """Return the same, with the word of a person for those sites of which DNS does not tell.

    That word is kept as an answer of DNS would be, and is on record: a site that it takes elsewhere leaves a copy that
    is quarantined. A dry run keeps nothing.
    """
    serving, said, now = await serving_now(ports, sites, request.who), request.served_from, ports.clock.now()
    if said is None or not serving.doubts:
        return serving
    word = dict.fromkeys(serving.doubts, said)
    if request.dry_run:
        return replace(serving, active={**serving.active, **word})
    for site, doubt in serving.doubts.items():
        body = {"server": said, "why": doubt.why}
        await ports.store.record.add(now, "served.said", site, request.who, body)
    await keep_where_served(ports, word, now, request.who)
    return replace(await serving_known(ports), doubts=serving.doubts)


async def why_not_served_from(ports: Ports, site: Site, source: str, request: SyncRequest) -> Failure | None:
    """Ask DNS once more, keep nothing, and return why `site` may be served from elsewhere than `source`, or None."""
    reader = ActiveServerReader(ports.fleet, ports.dns)
    told = (await reader.of([site])).get(site.name, source)
    if told != source:
        return Failure(FailureCode.DIRECTION, f"DNS points to {told} now", "Nothing was put in place.", refused=True)
    doubt = standing_doubt(reader.doubts.get(site.name), request)
    if doubt is None:
        return None
    return Failure(FailureCode.SERVED_UNKNOWN, doubt.why, "Nothing was put in place. Sync again.", refused=True)


def standing_doubt(doubt: Doubt | None, request: SyncRequest) -> Doubt | None:
    """Return the doubt that keeps a sync from going by what was last seen, or None."""
    return why_not_by_belief(doubt, said=request.served_from is not None, planned=request.claimed_by is not None)


async def keep_where_served(ports: Ports, seen: Mapping[str, str], asked_at: datetime, who: str) -> int:
    """Keep where DNS said at `asked_at` that sites are served, by site; return how many were moved by hand since.

    A site that DNS has taken elsewhere without a cutover was moved by hand: the copy that it left may hold what no
    other copy has, so it is quarantined, and people are told.
    """
    fleet, copies = ports.fleet, ports.store.copies
    known = await copies.active()
    if all(known.get(site) == server for site, server in seen.items()):
        return 0
    homes = {site: fleet.sites[site].home for site in seen}
    card = partial(card_of, servers=fleet.servers)
    return len(await copies.follow_dns(seen, homes, asked_at, ports.clock.now(), who, card))


async def serving_known(ports: Ports) -> Serving:
    """Return what is on record, without asking DNS."""
    copies = ports.store.copies
    return Serving(await copies.active(), await copies.quarantined())

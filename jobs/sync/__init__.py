"""Keeping copies fresh: one site or many, when somebody asks and when the clock does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jobs import Job
from jobs.sync.cards import tell
from jobs.sync.many import mirrors_to_fill, refused_before, sites_of_job, sync_many
from jobs.sync.one import sync_one
from jobs.sync.request import SyncRequest
from jobs.sync.serving import serving_now, serving_said
from jobs.sync.unknown import AGAIN, served_where, tell_still_unknown, tell_unknown, waiting_sites

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import datetime

    from core.fleet import Fleet, Site
    from core.sync.result import SyncProgress, SyncResult
    from jobs.sync.serving import Serving
    from ops.ports import Ports

__all__ = ["JOB", "SyncRequest", "sync_site", "sync_sites"]

DAILY = "daily"
OWN_CRON = "cron:"
BY_CLOCK = "bot:sync"


async def sync_site(
    ports: Ports,
    site_name: str,
    mirror: str,
    who: str,
    *,
    dry_run: bool = False,
    allow_delete: bool = False,
    claimed_by: str | None = None,
) -> SyncResult:
    """Copy one site to one mirror, and return how that ended; what goes wrong is in the result.

    claimed_by: the owner of a claim on the site that goes on holding it, such as a cutover's plan. Raises
    NotInFleetError for a site that the fleet file does not have, StoreError.
    """
    site = ports.fleet.site(site_name)
    request = SyncRequest(who=who, dry_run=dry_run, allow_delete=allow_delete, claimed_by=claimed_by)
    serving = await serving_now(ports, [site], who)
    trouble = (await served_where(ports, serving, request)).why_not(site)
    if trouble is not None:
        result = await refused_before(ports, site, mirror, request, serving, trouble)
    else:
        result = await sync_one(ports, site, mirror, request, serving, lambda _progress: None)
    await tell(ports, [result], scheduled=False)
    return result


async def sync_sites(
    ports: Ports,
    sites: Sequence[Site],
    request: SyncRequest,
    *,
    to: str | None = None,
    on_progress: Callable[[SyncProgress], None] = lambda _progress: None,
) -> tuple[SyncResult, ...]:
    """Copy each site to each of its mirrors (only to the server `to` if given), and return the results in order.

    Sites that have no such mirror have no result. Raises StoreError.
    """
    serving = await serving_said(ports, sites, request)
    pairs = [(site, mirror) for site in sites for mirror in mirrors_to_fill(site, serving, to)]
    results = await sync_many(ports, pairs, request, serving, on_progress)
    await tell(ports, results, scheduled=False)
    return results


async def sync_by_clock(ports: Ports, key: str, _at: datetime) -> None:
    """Copy the sites of one schedule; without a key, those that wait for DNS to say where they are served.

    Quarantined copies are left alone until someone has chosen.
    """
    if not key:
        await _again(ports)
        return
    sites = sites_of_job(ports.fleet, key.removeprefix(OWN_CRON) if key.startswith(OWN_CRON) else None)
    results = await _copied(ports, sites, await serving_now(ports, sites, BY_CLOCK))
    await tell(ports, results, scheduled=True)
    await tell_unknown(ports, results)


async def _again(ports: Ports) -> None:
    """Copy what waited, as soon as DNS tells of some of it; what it does not tell of yet is not on record again."""
    sites = await waiting_sites(ports)
    if not sites:
        return
    serving, request = await serving_now(ports, sites, BY_CLOCK), SyncRequest(BY_CLOCK)
    where = await served_where(ports, serving, request)
    told = [site for site in sites if where.why_not(site) is None]
    results = await _copied(ports, told, serving)
    await tell(ports, results, scheduled=True)
    await tell_still_unknown(ports, results, {site.name: where.why_not(site) for site in sites})


async def _copied(ports: Ports, sites: Sequence[Site], serving: Serving) -> tuple[SyncResult, ...]:
    pairs = [
        (site, mirror)
        for site in sites
        for mirror in mirrors_to_fill(site, serving)
        if not serving.is_quarantined(site.name, mirror)
    ]
    return await sync_many(ports, pairs, SyncRequest(BY_CLOCK), serving, lambda _progress: None)


def _triggers(fleet: Fleet) -> Iterable[tuple[str, str]]:
    if fleet.schedule.sync is not None and sites_of_job(fleet, None):
        yield DAILY, fleet.schedule.sync
    own = dict.fromkeys(site.sync for site in fleet.sites.values() if site.sync not in (DAILY, "off"))
    yield from ((OWN_CRON + cron, cron) for cron in own)


JOB = Job(name="sync", run=sync_by_clock, triggers=_triggers, every=AGAIN, acts=True)

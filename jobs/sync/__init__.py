"""Keeping copies fresh: one site or many, when somebody asks and when the clock does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jobs import Job
from jobs.sync.cards import tell
from jobs.sync.many import mirrors_to_fill, sites_of_job, sync_many
from jobs.sync.one import sync_one
from jobs.sync.request import SyncRequest
from jobs.sync.serving import serving_now

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import datetime

    from core.fleet import Fleet, Site
    from core.sync.result import SyncProgress, SyncResult
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
    serving = await serving_now(ports, sites, request.who)
    pairs = [(site, mirror) for site in sites for mirror in mirrors_to_fill(site, serving, to)]
    results = await sync_many(ports, pairs, request, serving, on_progress)
    await tell(ports, results, scheduled=False)
    return results


async def sync_by_clock(ports: Ports, key: str, _at: datetime) -> None:
    """Copy the sites of one schedule. Quarantined copies are left alone until someone has chosen."""
    sites = sites_of_job(ports.fleet, key.removeprefix(OWN_CRON) if key.startswith(OWN_CRON) else None)
    serving = await serving_now(ports, sites, BY_CLOCK)
    pairs = [
        (site, mirror)
        for site in sites
        for mirror in mirrors_to_fill(site, serving)
        if not serving.is_quarantined(site.name, mirror)
    ]
    await tell(
        ports, await sync_many(ports, pairs, SyncRequest(BY_CLOCK), serving, lambda _progress: None), scheduled=True
    )


def _triggers(fleet: Fleet) -> Iterable[tuple[str, str]]:
    if fleet.schedule.sync is not None and sites_of_job(fleet, None):
        yield DAILY, fleet.schedule.sync
    own = dict.fromkeys(site.sync for site in fleet.sites.values() if site.sync not in (DAILY, "off"))
    yield from ((OWN_CRON + cron, cron) for cron in own)


JOB = Job(name="sync", run=sync_by_clock, triggers=_triggers, acts=True)

"""Many syncs: some at a time, each with its own result, and without waiting for one dead server again and again."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from core.sync_result import SyncProgress, SyncResult
from jobs.sync.site import Wish, not_begun, sync_one

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from core.fleet import Fleet, Site
    from core.sync_trouble import Trouble
    from jobs.sync.serving import Serving
    from ops.ports import Ports

# What stands between two servers, not in one site; found out in less than a minute, and believed for as long.
BETWEEN_SERVERS = frozenset({"unreachable", "timed-out", "host-key", "login-refused", "peer-key", "no-rsync"})
BELIEVED_S = 60.0


def mirrors_to_fill(site: Site, serving: Serving, to: str | None = None) -> tuple[str, ...]:
    """Return the servers that hold `site` and do not serve it, quarantined ones included; only `to` if given."""
    source = serving.active.get(site.name) or site.home
    return tuple(server for server in site.servers if server != source and to in (None, server))


def sites_of_job(fleet: Fleet, cron: str | None) -> tuple[Site, ...]:
    """Return the sites that a schedule copies: those of their own `cron`, or the daily ones (None)."""
    return tuple(site for site in fleet.sites.values() if site.sync == (cron or "daily"))


@dataclass(slots=True)
class _Batch:
    ports: Ports
    wish: Wish
    serving: Serving
    on_progress: Callable[[SyncProgress], None]
    broken: dict[tuple[str, str], tuple[float, Trouble]] = field(default_factory=dict)

    async def one(self, site: Site, mirror: str) -> SyncResult:
        """Copy one site, unless the way there was just found broken."""
        way = (self.serving.active.get(site.name) or site.home, mirror)
        found_s, trouble = self.broken.get(way, (0.0, None))
        if trouble is not None and self.ports.clock.monotonic() - found_s < BELIEVED_S:
            blank = SyncResult(site.name, *way, outcome="failed", took_s=0, dry_run=self.wish.dry_run)
            result = await not_begun(self.ports, blank, trouble, self.wish)
        else:
            result = await sync_one(self.ports, site, mirror, self.wish, self.serving, self.on_progress)
            trouble = result.trouble
            if trouble is not None and trouble.code in BETWEEN_SERVERS and result.took_s < BELIEVED_S:
                self.broken[way] = (self.ports.clock.monotonic(), trouble)
        self.on_progress(SyncProgress(site.name, mirror, "done"))
        return result


async def sync_many(
    ports: Ports,
    pairs: Iterable[tuple[Site, str]],
    wish: Wish,
    serving: Serving,
    on_progress: Callable[[SyncProgress], None],
) -> tuple[SyncResult, ...]:
    """Copy each (site, mirror), `sync.parallel` at a time, a site to one mirror after the other; results in order.

    Raises StoreError: what cannot be put on record is not done.
    """
    batch = _Batch(ports, wish, serving, on_progress)
    gate = asyncio.Semaphore(ports.fleet.sync.parallel)
    by_site: dict[str, list[tuple[Site, str]]] = {}
    for site, mirror in pairs:
        by_site.setdefault(site.name, []).append((site, mirror))

    async def one_site(pairs_of_site: list[tuple[Site, str]]) -> list[SyncResult]:
        async with gate:
            return [await batch.one(*pair) for pair in pairs_of_site]

    for pairs_of_site in by_site.values():
        for site, mirror in pairs_of_site:
            on_progress(SyncProgress(site.name, mirror, "waiting"))
    try:
        async with asyncio.TaskGroup() as group:
            working = [group.create_task(one_site(pairs_of_site)) for pairs_of_site in by_site.values()]
    except ExceptionGroup as errors:
        raise errors.exceptions[0] from None
    return tuple(result for task in working for result in task.result())

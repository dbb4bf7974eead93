"""Many syncs: some at a time, each with its own result, and without waiting for one dead server again and again."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from core.failure import BETWEEN_SERVERS, Failure
from core.sync.result import SyncProgress, SyncResult
from jobs.sync.batch import batches_of, find_unchanged
from jobs.sync.one import not_begun, sync_one
from jobs.sync.unknown import served_where
from ops.first_error import first_error
from ops.rsync.shared_connection import close_shared, open_shared

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from core.fleet import Fleet, Site
    from jobs.sync.batch import Batch, Pair
    from jobs.sync.request import SyncRequest
    from jobs.sync.serving import Serving
    from ops.ports import Ports

# What stands between two servers is found out in less than this, and believed for as long.
BELIEVED_S = 60.0


def mirrors_to_fill(site: Site, serving: Serving, to: str | None = None) -> tuple[str, ...]:
    """Return the servers that hold `site` and do not serve it, quarantined ones included; only `to` if given."""
    source = serving.active.get(site.name) or site.home
    return tuple(server for server in site.servers if server != source and to in (None, server))


def sites_of_job(fleet: Fleet, cron: str | None) -> tuple[Site, ...]:
    """Return the sites that a schedule copies: those of their own `cron`, or the daily ones (None)."""
    return tuple(site for site in fleet.sites.values() if site.sync == (cron or "daily"))


@dataclass(slots=True)
class _RunningSyncs:
    """Many syncs under way. broken: the routes that were found broken, when, and how."""

    ports: Ports
    request: SyncRequest
    serving: Serving
    on_progress: Callable[[SyncProgress], None]
    shared: _Shared
    gate: asyncio.Semaphore
    broken: dict[tuple[str, str], tuple[float, Failure]] = field(default_factory=dict)

    async def find_unchanged(self, batch: Batch) -> Mapping[Pair, SyncResult]:
        """Return the results of those copies that one dry run over all of `batch` settles."""
        async with self.gate:
            began_s = self.ports.clock.monotonic()
            found = await find_unchanged(self.ports, batch, self.request, self.on_progress)
        if not isinstance(found, Failure):
            return found
        self._note_broken((batch.route.source, batch.route.mirror), found, self.ports.clock.monotonic() - began_s)
        return {}

    async def one_site(
        self, pairs: Sequence[tuple[Site, str]], dry_runs: Mapping[Pair, asyncio.Task[Mapping[Pair, SyncResult]]]
    ) -> list[SyncResult]:
        """Copy a site to one mirror after the other, where no dry run over many has settled it."""
        results = []
        for site, mirror in pairs:
            pair = site.name, mirror
            settled = (await dry_runs[pair]).get(pair) if pair in dry_runs else None
            if settled is None:
                async with self.gate:
                    settled = await self._one(site, mirror)
            results.append(settled)
            copied = settled.copied_bytes if settled.outcome == "good" else 0
            self.on_progress(SyncProgress(site.name, mirror, "done", copied, copied))
        return results

    async def _one(self, site: Site, mirror: str) -> SyncResult:
        """Copy one site, unless its route was just found broken."""
        route = (self.serving.active.get(site.name) or site.home, mirror)
        found_s, trouble = self.broken.get(route, (0.0, None))
        if trouble is not None and self.ports.clock.monotonic() - found_s < BELIEVED_S:
            base_result = SyncResult(site.name, *route, outcome="failed", took_s=0, dry_run=self.request.dry_run)
            return await not_begun(self.ports, base_result, trouble, self.request)
        control_socket = await self.shared.of(route)
        result = await sync_one(self.ports, site, mirror, self.request, self.serving, self.on_progress, control_socket)
        if result.trouble is not None:
            self._note_broken(route, result.trouble, result.took_s)
        return result

    def _note_broken(self, route: tuple[str, str], trouble: Failure, took_s: float) -> None:
        if trouble.code in BETWEEN_SERVERS and took_s < BELIEVED_S:
            self.broken[route] = (self.ports.clock.monotonic(), trouble)


@dataclass(slots=True)
class _Shared:
    """Connections between servers that many syncs share: opened when the first wants one, closed at the end.

    often: the routes on which there is more than one sync.
    """

    ports: Ports
    often: frozenset[tuple[str, str]]
    opening: dict[tuple[str, str], asyncio.Task[str | None]] = field(default_factory=dict)

    async def of(self, route: tuple[str, str]) -> str | None:
        """Return the socket of the connection on `route`; None: there is none to share, or no such server any more."""
        if route not in self.often or not {*route} <= self.ports.fleet.servers.keys():
            return None
        if route not in self.opening:
            source, mirror = (self.ports.fleet.servers[name] for name in route)
            self.opening[route] = asyncio.create_task(open_shared(self.ports.ssh, source, mirror))
        return await asyncio.shield(self.opening[route])

    async def close(self) -> None:
        """Close them all."""
        for (source, mirror), opening in self.opening.items():
            control_socket = await opening
            if control_socket is not None:
                servers = self.ports.fleet.servers
                await close_shared(self.ports.ssh, servers[source], servers[mirror], control_socket)


async def sync_many(
    ports: Ports,
    pairs: Iterable[tuple[Site, str]],
    request: SyncRequest,
    serving: Serving,
    on_progress: Callable[[SyncProgress], None],
) -> tuple[SyncResult, ...]:
    """Copy each (site, mirror), `sync.parallel` at a time, a site to one mirror after the other; results in order.

    Those that can be are looked at together first, and copied only where they differ.
    Raises StoreError: what cannot be put on record is not done.
    """
    where = await served_where(ports, serving, request)
    asked, pairs, results = list(pairs), [], {}
    for site, mirror in asked:
        trouble = where.why_not(site)
        if trouble is None:
            pairs.append((site, mirror))
        else:
            results[site.name, mirror] = await refused_before(ports, site, mirror, request, serving, trouble)
    by_site: dict[str, list[tuple[Site, str]]] = {}
    routes: Counter[tuple[str, str]] = Counter()
    for site, mirror in pairs:
        by_site.setdefault(site.name, []).append((site, mirror))
        routes[serving.active.get(site.name) or site.home, mirror] += 1
        on_progress(SyncProgress(site.name, mirror, "waiting"))
    shared = _Shared(ports, frozenset(route for route, count in routes.items() if count > 1))
    syncs = _RunningSyncs(ports, request, serving, on_progress, shared, asyncio.Semaphore(ports.fleet.sync.parallel))
    try:
        with first_error():
            async with asyncio.TaskGroup() as group:
                dry_runs = {
                    pair: dry_run
                    for batch in batches_of(ports.fleet, pairs, request, serving)
                    for dry_run in [group.create_task(syncs.find_unchanged(batch))]
                    for pair in batch.pairs.values()
                }
                working = [group.create_task(syncs.one_site(of_site, dry_runs)) for of_site in by_site.values()]
    finally:
        await shared.close()
    results |= {(result.site, result.mirror): result for task in working for result in task.result()}
    return tuple(results[site.name, mirror] for site, mirror in asked)


async def refused_before(
    ports: Ports, site: Site, mirror: str, request: SyncRequest, serving: Serving, trouble: Failure
) -> SyncResult:
    """Put on record that a copy was asked for and refused before anything was looked at, and return its result."""
    source = serving.active.get(site.name) or site.home
    quarantined = serving.is_quarantined(site.name, mirror)
    base_result = SyncResult(site.name, source, mirror, "refused", 0, request.dry_run, quarantined)
    return await not_begun(ports, base_result, trouble, request)

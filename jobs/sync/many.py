"""Many syncs: some at a time, each with its own result, and without waiting for one dead server again and again."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from core.failure import BETWEEN_SERVERS, Failure
from core.sync.result import SyncProgress, SyncResult
from jobs.sync.batch import look_together, together
from jobs.sync.one import not_begun, sync_one
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
class _SyncBatch:
    """Many syncs under way. broken: the ways that were found broken, when, and how."""

    ports: Ports
    wish: SyncRequest
    serving: Serving
    on_progress: Callable[[SyncProgress], None]
    shared: _Shared
    gate: asyncio.Semaphore
    broken: dict[tuple[str, str], tuple[float, Failure]] = field(default_factory=dict)

    async def look(self, these: Batch) -> Mapping[Pair, SyncResult]:
        """Return the results of those copies that a look at all of `these` settles."""
        async with self.gate:
            began_s = self.ports.clock.monotonic()
            found = await look_together(self.ports, these, self.wish, self.on_progress)
        if not isinstance(found, Failure):
            return found
        self._found_broken((these.way.source, these.way.mirror), found, self.ports.clock.monotonic() - began_s)
        return {}

    async def one_site(
        self, pairs: Sequence[tuple[Site, str]], looks: Mapping[Pair, asyncio.Task[Mapping[Pair, SyncResult]]]
    ) -> list[SyncResult]:
        """Copy a site to one mirror after the other, where no look at many has settled it."""
        results = []
        for site, mirror in pairs:
            pair = site.name, mirror
            settled = (await looks[pair]).get(pair) if pair in looks else None
            if settled is None:
                async with self.gate:
                    settled = await self._one(site, mirror)
            results.append(settled)
            copied = settled.copied_bytes if settled.outcome == "good" else 0
            self.on_progress(SyncProgress(site.name, mirror, "done", copied, copied))
        return results

    async def _one(self, site: Site, mirror: str) -> SyncResult:
        """Copy one site, unless the way there was just found broken."""
        way = (self.serving.active.get(site.name) or site.home, mirror)
        found_s, trouble = self.broken.get(way, (0.0, None))
        if trouble is not None and self.ports.clock.monotonic() - found_s < BELIEVED_S:
            blank = SyncResult(site.name, *way, outcome="failed", took_s=0, dry_run=self.wish.dry_run)
            return await not_begun(self.ports, blank, trouble, self.wish)
        control = await self.shared.of(way)
        result = await sync_one(self.ports, site, mirror, self.wish, self.serving, self.on_progress, control)
        if result.trouble is not None:
            self._found_broken(way, result.trouble, result.took_s)
        return result

    def _found_broken(self, way: tuple[str, str], trouble: Failure, took_s: float) -> None:
        if trouble.code in BETWEEN_SERVERS and took_s < BELIEVED_S:
            self.broken[way] = (self.ports.clock.monotonic(), trouble)


@dataclass(slots=True)
class _Shared:
    """Connections between servers that many syncs share: opened when the first wants one, closed at the end.

    often: the ways on which there is more than one sync.
    """

    ports: Ports
    often: frozenset[tuple[str, str]]
    opening: dict[tuple[str, str], asyncio.Task[str | None]] = field(default_factory=dict)

    async def of(self, way: tuple[str, str]) -> str | None:
        """Return the socket of the connection on `way`; None: there is none to share."""
        if way not in self.often:
            return None
        if way not in self.opening:
            source, mirror = (self.ports.fleet.servers[name] for name in way)
            self.opening[way] = asyncio.create_task(open_shared(self.ports.ssh, source, mirror))
        return await asyncio.shield(self.opening[way])

    async def close(self) -> None:
        """Close them all."""
        for (source, mirror), opening in self.opening.items():
            control = await opening
            if control is not None:
                servers = self.ports.fleet.servers
                await close_shared(self.ports.ssh, servers[source], servers[mirror], control)


async def sync_many(
    ports: Ports,
    pairs: Iterable[tuple[Site, str]],
    wish: SyncRequest,
    serving: Serving,
    on_progress: Callable[[SyncProgress], None],
) -> tuple[SyncResult, ...]:
    """Copy each (site, mirror), `sync.parallel` at a time, a site to one mirror after the other; results in order.

    Those that can be are looked at together first, and copied only where they differ.
    Raises StoreError: what cannot be put on record is not done.
    """
    pairs = list(pairs)
    by_site: dict[str, list[tuple[Site, str]]] = {}
    ways: Counter[tuple[str, str]] = Counter()
    for site, mirror in pairs:
        by_site.setdefault(site.name, []).append((site, mirror))
        ways[serving.active.get(site.name) or site.home, mirror] += 1
        on_progress(SyncProgress(site.name, mirror, "waiting"))
    shared = _Shared(ports, frozenset(way for way, count in ways.items() if count > 1))
    batch = _SyncBatch(ports, wish, serving, on_progress, shared, asyncio.Semaphore(ports.fleet.sync.parallel))
    try:
        with first_error():
            async with asyncio.TaskGroup() as group:
                looks = {
                    pair: look
                    for these in together(ports.fleet, pairs, wish, serving)
                    for look in [group.create_task(batch.look(these))]
                    for pair in these.pairs.values()
                }
                working = [group.create_task(batch.one_site(of_site, looks)) for of_site in by_site.values()]
    finally:
        await shared.close()
    return tuple(result for task in working for result in task.result())

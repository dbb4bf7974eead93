"""Many copies looked at together before any of them is copied: those that are the same already are done by that.

A look changes nothing, so it needs no claim; what it found counts only where nobody has taken the site meanwhile.
"""

from __future__ import annotations

import secrets
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.errors import SharpnetError, StoreError
from core.failure import Failure
from core.sync.batches import SyncTarget, groups, needs_own_run
from core.sync.result import SyncProgress, SyncResult
from ops.rsync import mirror as rsync
from ops.rsync.batch import CopyRoute, look_at_group
from ops.rsync.peer import limited_root
from ops.store.copies.served import SyncRun

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import datetime

    from core.fleet import Fleet, Site
    from core.sync.batches import BatchLook
    from jobs.sync.request import SyncRequest
    from jobs.sync.serving import Serving
    from ops.ports import Ports

Pair = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Batch:
    """Copies to look at together. pairs: (site, mirror) by place."""

    way: CopyRoute
    group: BatchLook
    pairs: Mapping[str, Pair]


def together(fleet: Fleet, pairs: Iterable[tuple[Site, str]], wish: SyncRequest, serving: Serving) -> tuple[Batch, ...]:
    """Return which of `pairs` (site, mirror) are looked at together; all others get a look of their own."""
    if wish.checksum or wish.claimed_by is not None:
        return ()
    by_way: dict[CopyRoute, list[rsync.MirrorCopy]] = defaultdict(list)
    for site, mirror in pairs:
        pull = _pull(fleet, site, mirror, serving)
        if pull is not None:
            way = CopyRoute(pull.source.name, pull.mirror.name, pull.bandwidth, tuple(rsync.owners(pull)))
            by_way[way].append(pull)
    return tuple(found for way, pulls in by_way.items() for found in _on_way(fleet, way, pulls))


def _pull(fleet: Fleet, site: Site, mirror: str, serving: Serving) -> rsync.MirrorCopy | None:
    direction = serving.direction(site)
    if direction.source is None or mirror not in direction.mirrors or needs_own_run(site):
        return None
    pull = rsync.MirrorCopy(
        site, fleet.servers[direction.source], fleet.servers[mirror], bandwidth=site.bandwidth or fleet.sync.bandwidth
    )
    return pull if rsync.why_not_pull(pull) is None else None


def _on_way(fleet: Fleet, way: CopyRoute, pulls: Sequence[rsync.MirrorCopy]) -> Iterable[Batch]:
    readable = limited_root(fleet.servers[way.source])
    asked = [SyncTarget(rsync.source_root(pull), pull.root, readable, pull.site.exclude) for pull in pulls]
    for group in groups(asked, rsync.WORK_FOLDER):
        pairs = {place: (pulls[number].site.name, way.mirror) for place, number in group.places.items()}
        yield Batch(way, group, pairs)


async def look_together(
    ports: Ports, these: Batch, wish: SyncRequest, on_progress: Callable[[SyncProgress], None]
) -> Mapping[Pair, SyncResult] | Failure:
    """Return the results of those copies that are the same already, on record; or what is wrong with the whole way.

    Raises StoreError: what cannot be put on record does not count.
    """
    way, begun_at, began_s = these.way, ports.clock.now(), ports.clock.monotonic()
    if not wish.dry_run:
        sites = [site for site, _ in these.pairs.values()]
        await ports.store.record.add(begun_at, "sync.look", f"{way.source}>{way.mirror}", wish.who, {"sites": sites})
    for site, mirror in these.pairs.values():
        on_progress(SyncProgress(site, mirror, "comparing"))
    try:
        same = await look_at_group(ports.ssh, ports.fleet, way, these.group)
    except StoreError:
        raise
    except SharpnetError as error:
        return Failure.of(error)
    if isinstance(same, Failure):
        return same
    took_s = ports.clock.monotonic() - began_s
    results = {
        rsync.run_id(begun_at, secrets.token_hex(4)): SyncResult(
            site, way.source, mirror, "good", took_s, dry_run=wish.dry_run
        )
        for place, (site, mirror) in these.pairs.items()
        if place in same
    }
    counted = results.keys() if wish.dry_run else await _on_record(ports, results, begun_at, wish)
    return {(result.site, result.mirror): result for run, result in results.items() if run in counted}


async def _on_record(
    ports: Ports, results: Mapping[str, SyncResult], begun_at: datetime, wish: SyncRequest
) -> frozenset[str]:
    now = ports.clock.now()
    runs = [
        SyncRun(run, result.site, result.source, result.mirror, begun_at, now, result.outcome, result.facts)
        for run, result in results.items()
    ]
    return await ports.store.copies.found_same(runs, wish.who, now)

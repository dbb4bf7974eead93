"""Many copies looked at together before any of them is copied: those that are the same already are done by that.

A look changes nothing, so it needs no claim; what it found counts only where nobody has taken the site meanwhile.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.failure import Failure
from core.sync.batches import SyncTarget, batches, needs_own_run
from core.sync.result import SyncProgress, SyncResult
from ops.or_failure import or_failure
from ops.rsync.batch import CopyRoute, dry_run_batch
from ops.rsync.mirror import MirrorCopy, owners, run_id, source_root, why_not_copy
from ops.rsync.peer import is_limited, limited_root
from ops.store.copies.served import SyncRun
from ops.work_folder import WORK_FOLDER

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

    route: CopyRoute
    look: BatchLook
    pairs: Mapping[str, Pair]


def batches_of(
    fleet: Fleet, pairs: Iterable[tuple[Site, str]], request: SyncRequest, serving: Serving
) -> tuple[Batch, ...]:
    """Return which of `pairs` (site, mirror) are looked at together; all others get a look of their own."""
    if request.checksum or request.claimed_by is not None:
        return ()
    by_route: dict[CopyRoute, list[MirrorCopy]] = defaultdict(list)
    for site, mirror in pairs:
        mirror_copy = _mirror_copy(fleet, site, mirror, serving)
        if mirror_copy is not None:
            route = CopyRoute(
                mirror_copy.source.name, mirror_copy.mirror.name, mirror_copy.bandwidth, tuple(owners(mirror_copy))
            )
            by_route[route].append(mirror_copy)
    return tuple(
        found for route, mirror_copies in by_route.items() for found in _batches_on(fleet, route, mirror_copies)
    )


def _mirror_copy(fleet: Fleet, site: Site, mirror: str, serving: Serving) -> MirrorCopy | None:
    direction = serving.direction(site)
    if direction.source is None or mirror not in direction.mirrors or needs_own_run(site):
        return None
    mirror_copy = MirrorCopy(
        site, fleet.servers[direction.source], fleet.servers[mirror], bandwidth=site.bandwidth or fleet.sync.bandwidth
    )
    return mirror_copy if why_not_copy(mirror_copy) is None else None


def _batches_on(fleet: Fleet, route: CopyRoute, mirror_copies: Sequence[MirrorCopy]) -> Iterable[Batch]:
    source = fleet.servers[route.source]
    readable = limited_root(source)
    if is_limited(source) and readable is None:
        # Its keys read single roots, and not what they lie in.
        return
    targets = [SyncTarget(source_root(one), one.root, readable, one.site.exclude) for one in mirror_copies]
    for look in batches(targets, WORK_FOLDER):
        pairs = {place: (mirror_copies[number].site.name, route.mirror) for place, number in look.places.items()}
        yield Batch(route, look, pairs)


async def find_unchanged(
    ports: Ports, batch: Batch, request: SyncRequest, on_progress: Callable[[SyncProgress], None]
) -> Mapping[Pair, SyncResult] | Failure:
    """Return the results of those copies that are the same already, on record; or what is wrong with the whole route.

    Raises StoreError: what cannot be put on record does not count.
    """
    route, begun_at, began_s = batch.route, ports.clock.now(), ports.clock.monotonic()
    if not request.dry_run:
        sites = [site for site, _ in batch.pairs.values()]
        await ports.store.record.add(
            begun_at, "sync.look", f"{route.source}>{route.mirror}", request.who, {"sites": sites}
        )
    for site, mirror in batch.pairs.values():
        on_progress(SyncProgress(site, mirror, "comparing"))
    same = await or_failure(dry_run_batch(ports.ssh, ports.fleet, route, batch.look))
    if isinstance(same, Failure):
        return same
    took_s = ports.clock.monotonic() - began_s
    results = {
        run_id(begun_at): SyncResult(site, route.source, mirror, "good", took_s, dry_run=request.dry_run)
        for place, (site, mirror) in batch.pairs.items()
        if place in same
    }
    counted = results.keys() if request.dry_run else await _on_record(ports, results, begun_at, request)
    return {(result.site, result.mirror): result for run, result in results.items() if run in counted}


async def _on_record(
    ports: Ports, results: Mapping[str, SyncResult], begun_at: datetime, request: SyncRequest
) -> frozenset[str]:
    now = ports.clock.now()
    runs = [
        SyncRun(run, result.site, result.source, result.mirror, begun_at, now, result.outcome, result.facts)
        for run, result in results.items()
    ]
    return await ports.store.copies.found_same(runs, request.who, now)

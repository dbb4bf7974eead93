"""One site copied to one mirror: claimed, on record before it starts, and never put in place where it is served."""

from __future__ import annotations

import asyncio
import shlex
from dataclasses import replace
from typing import TYPE_CHECKING

from core.failure import Failure, FailureCode
from core.sync.result import SyncResult
from jobs.sync.copying import Copying
from jobs.sync.lock import SiteClaim, held_by
from ops.or_failure import or_failure
from ops.rsync.mirror import MirrorCopy, run_id, why_not_copy
from ops.store.copies.served import SyncRun

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from core.fleet import Site
    from core.sync.result import SyncProgress
    from jobs.sync.request import SyncRequest
    from jobs.sync.serving import Serving
    from ops.ports import Ports


async def sync_one(
    ports: Ports,
    site: Site,
    mirror: str,
    request: SyncRequest,
    serving: Serving,
    on_progress: Callable[[SyncProgress], None],
    control_socket: str | None = None,
) -> SyncResult:
    """Copy `site` from where it is served to `mirror`, and return how that ended; what goes wrong is in the result.

    control_socket: on the mirror, of a connection to the source that is shared; None: it makes its own.
    Raises StoreError: what cannot be put on record is not done.
    """
    began_s = ports.clock.monotonic()
    quarantined = serving.is_quarantined(site.name, mirror)
    direction = serving.direction(site, chosen=mirror if request.take_active or request.dry_run else None)
    source = direction.source or serving.active.get(site.name) or site.home
    base_result = SyncResult(site.name, source, mirror, "good", 0, dry_run=request.dry_run, quarantined=quarantined)
    if direction.source is None or mirror not in direction.mirrors:
        why = direction.left_out.get(mirror) or direction.why or f"{mirror} is what it is served from, or holds no copy"
        code = FailureCode.QUARANTINED if quarantined else FailureCode.DIRECTION
        way_on = _way_on(shlex.quote(site.name), quarantined=quarantined)
        return await not_begun(ports, base_result, Failure(code, why, way_on, refused=True), request)
    mirror_copy = MirrorCopy(
        site,
        ports.fleet.servers[source],
        ports.fleet.servers[mirror],
        request.checksum,
        site.bandwidth or ports.fleet.sync.bandwidth,
        control_socket,
    )
    trouble = why_not_copy(mirror_copy)
    if trouble is not None:
        return await not_begun(ports, base_result, trouble, request)
    run = run_id(ports.clock.now())
    claim = SiteClaim(ports, site.name, mirror, request.claimed_by or run, others=request.claimed_by is not None)
    copying = Copying(ports, mirror_copy, request, base_result, run, claim, on_progress)
    if request.dry_run:
        result = await _without_errors(base_result, copying.compare())
    else:
        result = await _without_errors(base_result, _on_record(ports, request, base_result, run, claim, copying))
    return replace(result, took_s=ports.clock.monotonic() - began_s)


async def not_begun(ports: Ports, base_result: SyncResult, trouble: Failure, request: SyncRequest) -> SyncResult:
    """Put on record that a sync was asked for and not begun, and return its result."""
    result = base_result.ended_by(trouble)
    if not request.dry_run:
        await ports.store.record.add(
            ports.clock.now(), f"sync.{result.outcome}", result.site, request.who, result.facts
        )
    return result


async def _on_record(
    ports: Ports, request: SyncRequest, base_result: SyncResult, run: str, claim: SiteClaim, copying: Copying
) -> SyncResult:
    """Copy, with the site claimed and the run on record from before its first step to its end."""
    copies, clock, who = ports.store.copies, ports.clock, request.who
    site, source, mirror = base_result.site, base_result.source, base_result.mirror
    in_the_way = await claim.take()
    if in_the_way:
        return await not_begun(ports, base_result, held_by(in_the_way[0]), request)
    async with claim.kept():
        body = {"owner": claim.owner, "allow_delete": request.allow_delete, "take_active": request.take_active}
        await copies.begin_sync(SyncRun(run, site, source, mirror, clock.now(), None, None, body), who)
        try:
            result = await _without_errors(base_result, copying.copy())
        except asyncio.CancelledError:
            await copies.end_sync(run, "interrupted", {**body, "why": "it was given up"}, clock.now(), who)
            raise
        await copies.end_sync(run, result.outcome, {**body, **result.facts}, clock.now(), who)
        if result.outcome == "good" and base_result.quarantined:
            await copies.release([(site, mirror)], f"the active copy was taken, run {run}", clock.now(), who)
        return result


async def _without_errors(base_result: SyncResult, work: Coroutine[object, object, SyncResult]) -> SyncResult:
    """Return what `work` does, with what goes wrong as part of it."""
    found = await or_failure(work)
    return base_result.ended_by(found) if isinstance(found, Failure) else found


def _way_on(site: str, *, quarantined: bool) -> str:
    if not quarantined:
        return "`sites` says what is served from where."
    return (
        f"`failback {site}` shows what differs and lets you choose. To let the served copy win, and have the other "
        f"side's files recoverable: `sync {site} --take-active`."
    )

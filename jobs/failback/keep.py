"""Chosen paths of a returned copy brought into the served one, which then wins: one claim on the site over both."""

from __future__ import annotations

import asyncio
import shlex
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from core.errors import RefusedError
from core.failback.keep import KeepResult
from core.failure import Failure
from core.fleet.target import Target
from core.sync.rsync_output import KEPT_CHANGES
from core.wording import duration, shown_path
from jobs.failback.compare import failback_state_now, sides_of
from jobs.sync.cards import tell
from jobs.sync.one import sync_one
from jobs.sync.request import SyncRequest
from jobs.sync.serving import serving_now
from ops.durable.claimed import LEASE
from ops.gather.holding import holding
from ops.or_failure import or_failure
from ops.rsync.mirror import run_id
from ops.rsync.reconcile import bring, why_not_bring

if TYPE_CHECKING:
    from collections.abc import Callable

    from core.failback.compare import ReturnedCopy
    from core.sync.result import SyncProgress, SyncResult
    from ops.ports import Ports


@dataclass(frozen=True, slots=True)
class KeepRequest:
    """What somebody chose for one returned copy: the paths to bring from it. The rest is as for a sync."""

    copy: ReturnedCopy
    paths: tuple[bytes, ...]
    who: str
    allow_delete: bool = False
    checksum: bool = False


async def keep_and_take(
    ports: Ports, chosen: KeepRequest, on_progress: Callable[[SyncProgress], None]
) -> tuple[KeepResult, SyncResult | None]:
    """Bring the chosen paths, then let the served copy win; the second is None where the first did not go well.

    Interrupted at any instant it can be asked for again: what has come is in place, what it replaced is kept aside, and
    the returned copy stays in quarantine, untouched, until all has come. Raises RefusedError where somebody else works
    on the site, StoreError.
    """
    run = run_id(ports.clock.now())
    copy = chosen.copy
    purpose = f"bringing files from {copy.server} to {copy.active}"
    hint = f"Choose again in {duration(LEASE)} where its bot has died, else"
    async with holding(ports, str(Target.site(copy.site.name)), run, purpose, hint):
        await _ask_again(ports, copy, chosen.who)
        kept = await _keep(ports, chosen, run)
        if kept.trouble is not None:
            return kept, None
        await release_served(ports, copy, chosen.who)
        request = SyncRequest(
            who=chosen.who,
            allow_delete=chosen.allow_delete,
            take_active=True,
            claimed_by=run,
            checksum=chosen.checksum,
            served_from=copy.active,
        )
        serving = await serving_now(ports, [copy.site], chosen.who)
        result = await sync_one(ports, copy.site, copy.server, request, serving, on_progress)
    await tell(ports, [result], scheduled=False)
    return kept, result


async def _ask_again(ports: Ports, copy: ReturnedCopy, who: str) -> None:
    """Return where the copy that was chosen from is still a returned one, beside the same served copy.

    It was looked up before the site was claimed, and this may have waited long. Raises RefusedError.
    """
    now = await failback_state_now(ports, {copy.site.name: (copy.server,)}, who)
    if copy not in now.returned:
        raise RefusedError(
            f"Nothing changed: the copy of {copy.site.name} on {copy.server} is not what it was when paths of it were "
            "chosen.",
            hint=f"`failback {shlex.quote(copy.site.name)}` shows how it stands now.",
        )


async def release_served(ports: Ports, copy: ReturnedCopy, who: str) -> None:
    """End the quarantine of the copy that was just chosen, where it has one and is still the served one."""
    await ports.store.copies.release_served(
        copy.site.name, copy.active, copy.site.home, "the served copy was chosen", ports.clock.now(), who
    )


async def _keep(ports: Ports, chosen: KeepRequest, run: str) -> KeepResult:
    copy = chosen.copy
    base_result = KeepResult(copy.site.name, copy.server, copy.active, chosen.paths, run)
    sides = await or_failure(sides_of(ports, copy))
    if isinstance(sides, Failure):
        return await _ended(ports, chosen, replace(base_result, trouble=sides))
    trouble = await or_failure(why_not_bring(ports.ssh, ports.clock, sides, chosen.paths))
    if isinstance(trouble, Failure):
        return await _ended(ports, chosen, replace(base_result, trouble=trouble))
    await ports.store.record.add(ports.clock.now(), "keep.begun", copy.site.name, chosen.who, base_result.facts)
    try:
        found = await or_failure(bring(ports.ssh, ports.clock, sides, run, chosen.paths))
    except asyncio.CancelledError:
        body = {**base_result.facts, "why": "it was given up"}
        await ports.store.record.add(ports.clock.now(), "keep.interrupted", copy.site.name, chosen.who, body)
        raise
    if isinstance(found, Failure):
        hint = f"What has come is in place, each file whole; the same again continues. {found.hint}".rstrip()
        return await _ended(ports, chosen, replace(base_result, trouble=replace(found, hint=hint)))
    return await _ended(ports, chosen, replace(base_result, brought=found or ()))


async def _ended(ports: Ports, chosen: KeepRequest, kept: KeepResult) -> KeepResult:
    kind = "keep.ended" if kept.trouble is None else "keep.refused" if kept.trouble.refused else "keep.failed"
    came = [shown_path(one.path) for one in kept.files[:KEPT_CHANGES]]
    body = {**kept.facts, "came": came}
    await ports.store.record.add(ports.clock.now(), kind, kept.site, chosen.who, body)
    return kept

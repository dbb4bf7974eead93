"""Chosen paths of a returned copy brought into the served one, which then wins: one claim on the site over both."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

from core.errors import RefusedError, SharpnetError, StoreError
from core.failback.keep import KeepResult
from core.fleet.target import Target
from core.sync.failures import Failure
from core.sync.rsync_output import KEPT_CHANGES, shown_path
from jobs.failback.compare import sides_of
from jobs.sync.cards import tell
from jobs.sync.one import sync_one
from jobs.sync.request import SyncRequest
from jobs.sync.serving import serving_now
from ops.durable.claimed import kept_claim, take_claim
from ops.rsync.mirror import run_id
from ops.rsync.reconcile import bring, why_not_bring

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from core.failback.compare import ReturnedCopy
    from core.sync.result import SyncProgress, SyncResult
    from ops.ports import Ports

_Found = TypeVar("_Found")


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
    run = run_id(ports.clock.now(), secrets.token_hex(4))
    copy = chosen.copy
    async with _holding(ports, copy, run):
        kept = await _keep(ports, chosen, run)
        if kept.trouble is not None:
            return kept, None
        await release_served(ports, copy, chosen.who)
        wish = SyncRequest(
            who=chosen.who,
            allow_delete=chosen.allow_delete,
            take_active=True,
            claimed_by=run,
            checksum=chosen.checksum,
        )
        serving = await serving_now(ports, [copy.site], chosen.who)
        result = await sync_one(ports, copy.site, copy.server, wish, serving, on_progress)
    await tell(ports, [result], scheduled=False)
    return kept, result


async def end_interrupted_keeps(ports: Ports) -> int:
    """Put on record that keeps ended whose process is gone, and return how many: nobody holds their claim any more."""
    owners = {claim.owner for claim in await ports.store.claims.held(ports.clock.now())}
    ended = 0
    for site, who, body in await ports.store.undos.without_end("keep"):
        if body.get("run") not in owners:
            why = "whoever ran it is gone; every file is as it was, or came whole; choose again to go on"
            await ports.store.record.add(ports.clock.now(), "keep.interrupted", site, who, {**body, "why": why})
            ended += 1
    return ended


async def release_served(ports: Ports, copy: ReturnedCopy, who: str) -> None:
    """End the quarantine of the served copy itself, where it has one: it was just chosen."""
    await ports.store.copies.release(
        [(copy.site.name, copy.active)], "the served copy was chosen", ports.clock.now(), who
    )


async def _keep(ports: Ports, chosen: KeepRequest, run: str) -> KeepResult:
    copy, sides = chosen.copy, sides_of(ports.fleet, chosen.copy)
    blank = KeepResult(copy.site.name, copy.server, copy.active, chosen.paths, run)
    trouble = await _without_errors(why_not_bring(ports.ssh, ports.clock, sides, chosen.paths))
    if isinstance(trouble, Failure):
        return await _ended(ports, chosen, replace(blank, trouble=trouble))
    await ports.store.record.add(ports.clock.now(), "keep.begun", copy.site.name, chosen.who, blank.facts)
    try:
        found = await _without_errors(bring(ports.ssh, ports.clock, sides, run, chosen.paths))
    except asyncio.CancelledError:
        body = {**blank.facts, "why": "it was given up"}
        await ports.store.record.add(ports.clock.now(), "keep.interrupted", copy.site.name, chosen.who, body)
        raise
    if isinstance(found, Failure):
        hint = f"What has come is in place, each file whole; the same again goes on. {found.hint}".rstrip()
        return await _ended(ports, chosen, replace(blank, trouble=replace(found, hint=hint)))
    return await _ended(ports, chosen, replace(blank, brought=found or ()))


async def _ended(ports: Ports, chosen: KeepRequest, kept: KeepResult) -> KeepResult:
    kind = "keep.ended" if kept.trouble is None else "keep.refused" if kept.trouble.refused else "keep.failed"
    came = [shown_path(one.path) for one in kept.files[:KEPT_CHANGES]]
    body = {**kept.facts, "came": came}
    await ports.store.record.add(ports.clock.now(), kind, kept.site, chosen.who, body)
    return kept


async def _without_errors(work: Awaitable[_Found]) -> _Found | Failure:
    """Return what `work` does, or what went wrong with it."""
    try:
        return await work
    except StoreError:
        raise
    except SharpnetError as error:
        return Failure.of(error)


@contextlib.asynccontextmanager
async def _holding(ports: Ports, copy: ReturnedCopy, run: str) -> AsyncIterator[None]:
    """Hold the site's claim while the block runs. Raises RefusedError where somebody else has it."""
    name, purpose = str(Target.site(copy.site.name)), f"bringing files from {copy.server} to {copy.active}"
    in_the_way = await take_claim(ports, name, run, purpose)
    if in_the_way:
        claim = in_the_way[0]
        raise RefusedError(
            f"{copy.site.name}: {claim.purpose} ({claim.owner}) works on it. Nothing was changed.",
            hint="Choose again when that has ended; where its bot has died, that is in half a minute.",
        )
    async with kept_claim(ports, name, run, purpose):
        yield

"""The step of a planned move that brings over what arrived at the old server while the site moved."""

from __future__ import annotations

import logging
import shlex
from dataclasses import replace
from typing import TYPE_CHECKING

from core.cutover.late_files import caught, to_bring
from core.errors import SharpnetError, StoreError
from core.failure import Failure, FailureCode
from core.plan.progress import LateFiles
from core.sync.rsync_output import KEPT_CHANGES
from core.wording import listing, shown_path
from jobs.cutover.step_context import DEFECTS, when_nothing_runs_there
from ops.rsync.catch_up import arrived_since, bring, differing
from ops.rsync.locate import located
from ops.rsync.mirror import MirrorCopy, run_id, why_not_copy

if TYPE_CHECKING:
    from core.cutover.steps import Step
    from core.plan.plan import Move
    from jobs.cutover.step_context import Ended, StepContext


log = logging.getLogger(__name__)


async def catch_up(context: StepContext, step: Step) -> Ended:
    """Bring over what arrived at the server that a site has left since its last copy began, unless newer is there.

    Where that cannot be done, the copy that was left is quarantined, so that no sync takes away what only it has.
    """
    move = context.move_of(step)
    if move not in context.moved(step.wave):
        return context.done("it has not moved")

    async def attempt() -> LateFiles | Failure:
        return await _bring_or_say(context, move)

    found = await when_nothing_runs_there(context, attempt, _trouble_in)
    if isinstance(found, Failure):
        return await _keep(context, step, move, found)
    if not (found.files or found.left):
        return context.done("nothing arrived meanwhile")
    detail = f"{found.files} brought over, {found.left} left"
    progress = replace(context.progress, caught={**context.progress.caught, move.site: found})
    return replace(context, progress=progress).done(detail)


def _trouble_in(found: LateFiles | Failure) -> Failure | None:
    return found if isinstance(found, Failure) else None


async def _bring_or_say(context: StepContext, move: Move) -> LateFiles | Failure:
    try:
        return await _bring(context, move)
    except StoreError:
        raise
    except SharpnetError as error:
        return Failure.of(error)
    except DEFECTS as error:
        log.exception("plan=%s site=%s failed=inside", context.plan.id, move.site)
        return Failure(FailureCode.FAILED, f"a defect of the bot ({error!r})")


async def _bring(context: StepContext, move: Move) -> LateFiles | Failure:
    ports = context.ports
    mark_s = context.progress.since.get(move.site)
    if mark_s is None:
        return Failure(FailureCode.NO_MARK, f"it is not known when the last copy began by the clock of {move.source}")
    if context.fleet_changed:
        return Failure(FailureCode.NOT_IN_FLEET, listing(context.fleet_changed))
    fleet = ports.fleet
    source, target = fleet.server(move.source), fleet.server(move.target)
    site = await located(ports.ssh, fleet, fleet.site(move.site), (target, source))
    if isinstance(site, Failure):
        return site
    mirror_copy = MirrorCopy(site, source, target)
    trouble = why_not_copy(mirror_copy)
    if trouble is not None:
        return trouble
    arrived = await arrived_since(ports.ssh, mirror_copy, mark_s)
    if isinstance(arrived, Failure):
        return arrived
    if not arrived:
        return LateFiles(0)
    changes = await differing(ports.ssh, mirror_copy)
    if isinstance(changes, Failure):
        return changes
    wanted = to_bring(arrived, changes)
    if not wanted:
        return LateFiles(0)
    now = ports.clock.now()
    run = run_id(now, context.plan.id)
    body = {"run": run, "source": move.source, "server": move.target, "files": len(wanted)}
    paths = [shown_path(one.path) for one in wanted[:KEPT_CHANGES]]
    await ports.store.record.add(now, "catch-up.begun", move.site, context.who, {**body, "paths": paths})
    brought = await bring(ports.ssh, mirror_copy, run, wanted)
    if isinstance(brought, Failure):
        failed = {**body, "why": brought.message}
        await ports.store.record.add(ports.clock.now(), "catch-up.failed", move.site, context.who, failed)
        return brought
    result = caught(wanted, brought)
    came = {change.path for change in brought}
    left = [shown_path(one.path) for one in wanted if one.path not in came][:KEPT_CHANGES]
    ended = {**body, "files": result.files, "left": result.left, "left_paths": left}
    await ports.store.record.add(ports.clock.now(), "catch-up.ended", move.site, context.who, ended)
    return result


async def _keep(context: StepContext, step: Step, move: Move, trouble: Failure) -> Ended:
    why = f"what arrived on {move.source} meanwhile could not be brought over: {trouble.message}"
    now = context.ports.clock.now()
    await context.ports.store.copies.quarantine([(move.site, move.source)], why, now, context.who)
    shows = f"`failback {shlex.quote(move.site)}` shows what it has"
    return context.refused(step.key, f"{why}. Its copy there is quarantined, so nothing is lost; {shows}")

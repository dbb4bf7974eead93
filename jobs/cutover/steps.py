"""The steps of a cutover, one function each. Every one looks before it acts, since after a crash it is taken again.

Each gets a `StepContext` and the step, and returns how it ended: (outcome, detail in words, progress).
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from core.cutover.steps import Outcome, Step, switched
from core.errors import OwnLackError, SharpnetError
from core.failure import Failure
from core.fleet.target import Target
from core.plan.cancelling import CUTOVER
from core.plan.restore import Restore
from core.wording import count, listing
from jobs.cutover.hooks import after, before, freeze, thaw
from jobs.cutover.late_files import catch_up
from jobs.cutover.overtaking import overtake, overtake_late_copies
from jobs.cutover.restore import restore_site
from jobs.cutover.step_context import when_nothing_runs_there
from jobs.cutover.update import update
from jobs.cutover.verify import Verifier
from jobs.plans.basis import name_servers_now
from jobs.sync import sync_site
from ops.rsync.catch_up import clock_of

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping

    from core.plan.plan import Move
    from core.sync.result import SyncResult
    from jobs.cutover.step_context import Ended, StepContext
    from ops.store.claims import Claim

HOLD_PATIENCE_S = 30.0
# Nobody waits at the screen for a later wave, and a nightly copy of its sites may take long.
WAVE_PATIENCE_S = 3600.0
HOLD_LOOK_S = 0.5
CHECKS_AT_ONCE = 64
CHECK_TRIES = 3
CHECK_PAUSE_S = 1.0


async def hold(context: StepContext, step: Step) -> Ended:
    """Claim every site of the wave, so that no sync runs on it; waits a while for one that does.

    An emergency waits for no sync, backup, restore or undo: it takes the site from it, which then changes nothing more.
    What it had begun on the mirror may go on there, beside what is served, whose place it cannot take any more; no step
    of an emergency needs that to end.
    The sites of the wave before are let go: they have moved, and copies of them may run again.
    """
    ports, plan = context.ports, context.plan
    began = ports.clock.monotonic()
    patience_s = HOLD_PATIENCE_S
    if step.wave:
        patience_s = WAVE_PATIENCE_S
        await ports.store.claims.release(plan.id)
    sites = [move.site for move in plan.moves if move.wave == step.wave]
    sites = [plan.purpose.site] if isinstance(plan.purpose, Restore) else sites
    names = {str(Target.site(site)): site for site in sites}
    while True:
        gave_way: tuple[Claim, ...] = ()
        if plan.is_emergency:
            making = ports.store.cancellations.make_way(names, plan.id, CUTOVER, ports.clock.now(), context.who)
            gave_way, in_the_way = await making
        else:
            in_the_way = await ports.store.claims.take(names, plan.id, CUTOVER, ports.clock.now(), None)
        if not in_the_way:
            ended = {names[claim.name]: claim.purpose for claim in gave_way}
            progress = replace(context.progress, gave_way={**context.progress.gave_way, **ended})
            await overtake_late_copies(context, [move for move in plan.moves if move.wave == step.wave])
            return Outcome.DONE, f"{count(len(names), 'site')} held", progress
        if ports.clock.monotonic() - began >= patience_s:
            busy = listing([f"{names[claim.name]} ({claim.purpose})" for claim in in_the_way])
            return Outcome.REFUSED, busy, context.progress.with_trouble("busy", f"{busy}; nothing was changed there")
        await ports.clock.sleep(HOLD_LOOK_S)


async def final_sync(context: StepContext, step: Step) -> Ended:
    """Copy one site once more to where it goes, while its source lives; once more when it has been frozen."""
    move = context.move_of(step)
    if step.key in context.begun_before:
        # A copy that finds nothing to do does not overtake what its dead owner may still have on its way.
        await overtake(context, [move])

    async def copy() -> tuple[float | None, SyncResult]:
        mark_s = await _clock_at(context, move)
        return mark_s, await sync_site(context.ports, move.site, move.target, context.who, claimed_by=context.plan.id)

    mark_s, result = await when_nothing_runs_there(context, copy, lambda copied: copied[1].trouble)
    if result.outcome != "good":
        which = "final sync" if step.name == "sync" else "sync after the freeze"
        trouble = context.progress.with_trouble(move.site, f"the {which} failed: {result.summary}")
        return Outcome.REFUSED, result.summary, trouble
    since = {**context.progress.since, move.site: mark_s} if mark_s is not None else context.progress.since
    return Outcome.DONE, result.summary, replace(context.progress, since=since)


async def verify(context: StepContext, step: Step) -> Ended:
    """Ask every public name server until all agree, or the time is over."""
    within_s = context.ports.fleet.dns.agree_within.total_seconds()
    # What the name servers said of the wave before says nothing of this one.
    progress = replace(context.progress, nameservers=(), in_step_at=None) if step.wave else context.progress
    nameservers = await name_servers_now(context.ports, context.plan)
    verifier = Verifier(context.ports, context.plan, progress, step.wave, nameservers)
    progress = await verifier.until_all_agree(within_s, context.show)
    detail = f"{progress.in_step} of {count(len(nameservers.asked), 'name server')} agree"
    detail += f", without {listing(progress.gone)}, no longer in the fleet file" if progress.gone else ""
    if progress.in_step_at is not None:
        return Outcome.DONE, detail, progress
    if step.wave + 1 < context.plan.waves:
        late = f"not in step in time: {listing(progress.late)}; `dns` says when it is"
        progress = progress.with_trouble(step.key, late)
    return Outcome.LATE, detail, progress


async def check(context: StepContext, step: Step) -> Ended:
    """Look whether every site that has moved answers by name where it is now."""
    moves = context.moved(step.wave)
    gate = asyncio.Semaphore(CHECKS_AT_ONCE)
    whys = await asyncio.gather(*(_why_not_answering(context, move, gate) for move in moves))
    wrong = [f"{move.site} on {move.target} ({why})" for move, why in zip(moves, whys, strict=True) if why is not None]
    if not wrong:
        return context.done(f"{count(len(moves), 'site')} answering")
    return context.refused(step.key, f"does not respond correctly: {listing(wrong)}")


async def switch(context: StepContext, step: Step) -> Ended:
    """Keep where the moved sites are served from now; from here on content flows from the new active copy (law 4)."""
    plan, copies = context.plan, context.ports.store.copies
    moved = context.moved(step.wave)
    made = switched(plan, [move.site for move in moved])
    now = context.ports.clock.now()
    await copies.set_active(made.active, now)
    if made.released:
        await copies.release(made.released, f"rolled back by {plan.id}", now, context.who)
    if made.quarantined:
        await copies.quarantine(made.quarantined, f"left by {plan.purpose.kind} {plan.id}", now, context.who)
    return context.done(f"{count(len(moved), 'site')} switched")


STEPS: Mapping[str, Callable[[StepContext, Step], Coroutine[object, object, Ended]]] = {
    "hold": hold,
    "before": before,
    "sync": final_sync,
    "freeze": freeze,
    "resync": final_sync,
    "update": update,
    "verify": verify,
    "check": check,
    "switch": switch,
    "catch-up": catch_up,
    "after": after,
    "thaw": thaw,
    "restore": restore_site,
}
STEP_WORDS = {
    "hold": "Holding syncs of these sites",
    "before": "Running hooks before the cutover",
    "sync": "Copying once more",
    "freeze": "Freezing",
    "resync": "Copying what was written before the freeze",
    "update": "Changing zones",
    "verify": "Asking every name server",
    "check": "Asking every site by name",
    "switch": "Turning the direction of copies",
    "catch-up": "Bringing over what arrived meanwhile",
    "after": "Running hooks after the cutover",
    "thaw": "Thawing",
    "restore": "Bringing the site back from its backup",
}


async def _clock_at(context: StepContext, move: Move) -> float | None:
    """Return the time on the server that a site leaves; None where it cannot be asked, which the sync then says."""
    try:
        mark_s = await clock_of(context.ports.ssh, move.source)
    except SharpnetError:
        return None
    return None if isinstance(mark_s, Failure) else mark_s


async def _why_not_answering(context: StepContext, move: Move, gate: asyncio.Semaphore) -> str | None:
    """Return why a site does not answer as it should, looked at a few times; None where it does."""
    ports = context.ports
    site = ports.fleet.sites.get(move.site)
    if site is None:
        return "it is no longer in the fleet file"
    why = ""
    for attempt in range(CHECK_TRIES):
        if attempt:
            await ports.clock.sleep(CHECK_PAUSE_S)
        async with gate:
            timeout_s = ports.fleet.watch.timeout.total_seconds()
            try:
                look = await ports.probe.site(site, move.target, timeout_s=timeout_s)
            except OwnLackError as error:
                # It may answer; that this is not known is said.
                why = error.message.rstrip(".")
                continue
        if look.ok:
            return None
        why = look.why
    return why

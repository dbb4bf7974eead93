"""The steps of a cutover, one function each. Every one looks before it acts, since after a crash it is taken again.

Each gets a `StepContext` and the step, and returns how it ended: (outcome, detail in words, progress).
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from core.cutover.progress import ZoneDone
from core.cutover.steps import Outcome, Step, switched
from core.errors import DnsChangedError, DnsError, DnsRefusedError, SharpnetError, TimedOutError, UnreachableError
from core.fleet.target import Target
from core.sync.failures import Failure
from core.wording import count, listing
from jobs.cutover.hooks import after, before, freeze, thaw
from jobs.cutover.late_files import catch_up
from jobs.cutover.restore import restore
from jobs.cutover.step_context import when_nothing_runs_there
from jobs.cutover.verify import Verifier
from jobs.sync import sync_site
from ops.rsync.catch_up import clock_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from core.dns.records import ZoneReading
    from core.plan.plan import Move, ZoneChange
    from core.sync.result import SyncResult
    from jobs.cutover.step_context import Ended, StepContext

HOLD_PATIENCE_S = 30.0
# Nobody waits at the screen for a later wave, and a nightly copy of its sites may take long.
WAVE_PATIENCE_S = 3600.0
HOLD_LOOK_S = 0.5
UPDATE_PATIENCE_S = 20.0
UPDATE_PAUSE_S = 1.0
CHECKS_AT_ONCE = 64
CHECK_TRIES = 3
CHECK_PAUSE_S = 1.0


async def hold(doing: StepContext, step: Step) -> Ended:
    """Claim every site of the wave, so that no sync runs on it; waits a while for one that does.

    The sites of the wave before are let go: they have moved, and copies of them may run again.
    """
    ports, plan = doing.ports, doing.plan
    began = ports.clock.monotonic()
    patience_s = HOLD_PATIENCE_S
    if step.wave:
        patience_s = WAVE_PATIENCE_S
        await ports.store.claims.release(plan.id)
    sites = [move.site for move in plan.moves if move.wave == step.wave]
    names = {str(Target.site(site)): site for site in (sites if plan.restore is None else [plan.restore.site])}
    while True:
        in_the_way = await ports.store.claims.take(names, plan.id, "a cutover", ports.clock.now(), None)
        if not in_the_way:
            return doing.done(f"{count(len(names), 'site')} held")
        if ports.clock.monotonic() - began >= patience_s:
            busy = listing([f"{names[claim.name]} ({claim.purpose})" for claim in in_the_way])
            return Outcome.REFUSED, busy, doing.progress.with_trouble("busy", f"{busy}; nothing was changed there")
        await ports.clock.sleep(HOLD_LOOK_S)


async def final_sync(doing: StepContext, step: Step) -> Ended:
    """Copy one site once more to where it goes, while its source lives; once more when it has been frozen."""
    move = doing.move_of(step)

    async def copy() -> tuple[float | None, SyncResult]:
        mark_s = await _clock_at(doing, move)
        return mark_s, await sync_site(doing.ports, move.site, move.target, doing.who, claimed_by=doing.plan.id)

    mark_s, result = await when_nothing_runs_there(doing, copy, lambda copied: copied[1].trouble)
    if result.outcome != "good":
        which = "final sync" if step.name == "sync" else "sync after the freeze"
        trouble = doing.progress.with_trouble(move.site, f"the {which} failed: {result.summary}")
        return Outcome.REFUSED, result.summary, trouble
    since = {**doing.progress.since, move.site: mark_s} if mark_s is not None else doing.progress.since
    return Outcome.DONE, result.summary, replace(doing.progress, since=since)


async def update(doing: StepContext, step: Step) -> Ended:
    """Change one zone in one signed message, and find out what became of it however the answer was lost."""
    zone = next(zone for zone in doing.plan.zones if zone.key == step.about)
    dns, clock = doing.ports.dns, doing.ports.clock
    began = clock.monotonic()
    # Whoever began this before may have been heard: then only the zone itself can say what became of it.
    asked = step.key in doing.begun_before
    while True:
        try:
            await dns.update(zone.update, zone.zone, zone.changes)
            return await _changed(doing, zone, "changed")
        except DnsChangedError as error:
            return await _look(doing, zone, error)
        except DnsRefusedError as error:
            return await _look(doing, zone, error) if asked else _untouched(doing, zone, error)
        except DnsError as error:
            # SERVFAIL and the like promise nothing.
            return await _look(doing, zone, error)
        except UnreachableError as error:
            asked = asked or isinstance(error, TimedOutError)
            if clock.monotonic() - began >= UPDATE_PATIENCE_S:
                return await _look(doing, zone, error) if asked else _untouched(doing, zone, error)
        await clock.sleep(UPDATE_PAUSE_S)


async def verify(doing: StepContext, step: Step) -> Ended:
    """Ask every public name server until all agree, or the time is over."""
    within_s = doing.ports.fleet.dns.agree_within.total_seconds()
    # What the name servers said of the wave before says nothing of this one.
    progress = replace(doing.progress, standings=(), in_step_at=None) if step.wave else doing.progress
    verifier = Verifier(doing.ports, doing.plan, progress, step.wave)
    progress = await verifier.until_all_agree(within_s, doing.show)
    servers = len(progress.standings)
    detail = f"{progress.in_step} of {count(servers, 'name server')} agree"
    if progress.in_step_at is not None:
        return Outcome.DONE, detail, progress
    if step.wave + 1 < doing.plan.waves:
        late = listing([one.name for one in progress.standings if not one.agrees])
        progress = progress.with_trouble(step.key, f"not in step in time: {late}; `dns` says when it is")
    return Outcome.LATE, detail, progress


async def check(doing: StepContext, step: Step) -> Ended:
    """Look whether every site that has moved answers by name where it is now."""
    moves = doing.moved(step.wave)
    gate = asyncio.Semaphore(CHECKS_AT_ONCE)
    whys = await asyncio.gather(*(_why_not_answering(doing, move, gate) for move in moves))
    wrong = [f"{move.site} on {move.target} ({why})" for move, why in zip(moves, whys, strict=True) if why is not None]
    if not wrong:
        return doing.done(f"{count(len(moves), 'site')} answering")
    return doing.refused(step.key, f"not answering as it should: {listing(wrong)}")


async def switch(doing: StepContext, step: Step) -> Ended:
    """Keep where the moved sites are served from now; from here on content flows from the new active copy (law 4)."""
    plan, copies = doing.plan, doing.ports.store.copies
    moved = doing.moved(step.wave)
    made = switched(plan, [move.site for move in moved])
    now = doing.ports.clock.now()
    await copies.set_active(made.active, now)
    if made.released:
        await copies.release(made.released, f"rolled back by {plan.id}", now, doing.who)
    if made.quarantined:
        await copies.quarantine(made.quarantined, f"left by {plan.kind} {plan.id}", now, doing.who)
    return doing.done(f"{count(len(moved), 'site')} switched")


STEPS: Mapping[str, Callable[[StepContext, Step], Awaitable[Ended]]] = {
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
    "restore": restore,
}
DOING = {
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


async def _clock_at(doing: StepContext, move: Move) -> float | None:
    """Return the time on the server that a site leaves; None where it cannot be asked, which the sync then says."""
    try:
        mark_s = await clock_of(doing.ports.ssh, move.source)
    except SharpnetError:
        return None
    return None if isinstance(mark_s, Failure) else mark_s


async def _why_not_answering(doing: StepContext, move: Move, gate: asyncio.Semaphore) -> str | None:
    """Return why a site does not answer as it should, looked at a few times; None where it does."""
    ports = doing.ports
    for attempt in range(CHECK_TRIES):
        if attempt:
            await ports.clock.sleep(CHECK_PAUSE_S)
        async with gate:
            timeout_s = ports.fleet.watch.timeout.total_seconds()
            look = await ports.probe.site(ports.fleet.sites[move.site], move.target, timeout_s=timeout_s)
        if look.ok:
            return None
    return look.why


async def _look(doing: StepContext, zone: ZoneChange, cause: SharpnetError) -> Ended:
    """Read the zone and say what became of an update whose prerequisite failed or whose answer was lost."""
    owners = tuple(change.owner for change in zone.changes)
    try:
        reading = await doing.ports.dns.read_zone(zone.update, zone.zone, owners)
    except SharpnetError as error:
        detail = f"{cause.message} It cannot be read either: {error.message} It may or may not have changed"
        return Outcome.UNKNOWN, detail, doing.progress.with_trouble(zone.key, detail)
    if _is_new(zone, reading):
        return await _changed(doing, zone, "changed already")
    detail = f"{cause.message} This plan has changed nothing in it"
    return Outcome.REFUSED, detail, doing.progress.with_trouble(zone.key, detail)


async def _changed(doing: StepContext, zone: ZoneChange, detail: str) -> Ended:
    at = doing.ports.clock.now()
    try:
        serial = await doing.ports.dns.serial(zone.update, zone.zone)
    except SharpnetError:
        # It died right after saying yes. What the public servers answer is compared value by value all the same.
        serial = zone.serial
    progress = doing.progress.with_zone(zone.key, ZoneDone(at, serial))
    return Outcome.DONE, f"{detail}, serial {serial}", progress


def _untouched(doing: StepContext, zone: ZoneChange, error: SharpnetError) -> Ended:
    detail = f"{error.message} {error.hint}".strip()
    return Outcome.REFUSED, detail, doing.progress.with_trouble(zone.key, f"{detail} The zone is as it was")


def _is_new(zone: ZoneChange, reading: ZoneReading) -> bool:
    here = {(record.owner, record.type): record.values for record in reading.records}
    return all(
        here.get((change.owner, change.type), ()) == (change.new.values if change.new else ())
        for change in zone.changes
    )

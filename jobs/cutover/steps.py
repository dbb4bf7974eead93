"""The steps of a cutover, one function each. Every one looks before it acts, since after a crash it is taken again.

Each gets a `Doing` and the step, and returns how it ended: (outcome, detail in words, progress).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from core.cutover import Outcome, Step, moved_sites
from core.errors import DnsChangedError, DnsError, DnsRefusedError, SharpnetError, TimedOutError, UnreachableError
from core.progress import Progress, ZoneDone
from core.words import count, listing
from jobs.cutover.verify import Verifier
from jobs.sync import sync_site

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from core.plan import Plan, ZoneChange
    from core.records import ZoneReading
    from ops.ports import Ports

HOLD_PATIENCE_S = 30.0
HOLD_LOOK_S = 0.5
UPDATE_PATIENCE_S = 20.0
UPDATE_PAUSE_S = 1.0


@dataclass(frozen=True, slots=True)
class Doing:
    """What a step has at hand: the plan under way, the outcomes so far, and how to show progress.

    begun_before: keys of steps that another process has begun, and may have done.
    """

    ports: Ports
    plan: Plan
    who: str
    outcomes: Mapping[str, Outcome]
    progress: Progress
    show: Callable[[Progress], Awaitable[None]]
    begun_before: frozenset[str] = frozenset()


Ended = tuple[Outcome, str, Progress]


async def hold(doing: Doing, _step: Step) -> Ended:
    """Claim every site, so that no sync runs on it; waits a while for one that does."""
    ports, plan = doing.ports, doing.plan
    began = ports.clock.monotonic()
    names = [f"site:{site}" for site in plan.sites]
    while True:
        in_the_way = await ports.store.claims.take(names, plan.id, "a cutover", ports.clock.now(), None)
        if not in_the_way:
            return Outcome.DONE, f"{count(len(names), 'site')} held", doing.progress
        if ports.clock.monotonic() - began >= HOLD_PATIENCE_S:
            busy = listing([f"{claim.name.removeprefix('site:')} ({claim.purpose})" for claim in in_the_way])
            return Outcome.REFUSED, busy, doing.progress.with_trouble("busy", f"{busy}; nothing was changed")
        await ports.clock.sleep(HOLD_LOOK_S)


async def final_sync(doing: Doing, step: Step) -> Ended:
    """Copy one site once more to where it goes, while its source lives."""
    move = next(move for move in doing.plan.moves if move.site == step.about)
    result = await sync_site(doing.ports, move.site, move.target, doing.who, claimed_by=doing.plan.id)
    if result.outcome == "good":
        return Outcome.DONE, result.summary, doing.progress
    trouble = doing.progress.with_trouble(move.site, f"the final sync failed: {result.summary}")
    return Outcome.REFUSED, result.summary, trouble


async def update(doing: Doing, step: Step) -> Ended:
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


async def verify(doing: Doing, _step: Step) -> Ended:
    """Ask every public name server until all agree, or the time is over."""
    within_s = doing.ports.fleet.dns.agree_within.total_seconds()
    verifier = Verifier(doing.ports, doing.plan, doing.progress)
    progress = await verifier.until_all_agree(within_s, doing.show)
    servers = len(progress.standings)
    detail = f"{progress.in_step} of {count(servers, 'name server')} agree"
    return Outcome.DONE if progress.in_step_at is not None else Outcome.LATE, detail, progress


async def switch(doing: Doing, _step: Step) -> Ended:
    """Keep where the moved sites are served from now; the copies they left are quarantined unless the move was planned.

    From here on content flows from the new active copy (law 4). A rollback ends the quarantine of the copy that it
    makes active again.
    """
    ports, plan = doing.ports, doing.plan
    names = {move.site: ports.fleet.sites[move.site].names for move in plan.moves if move.site in ports.fleet.sites}
    sites = set(moved_sites(plan, doing.outcomes, names))
    moved = [move for move in plan.moves if move.site in sites]
    now = ports.clock.now()
    copies = ports.store.copies
    await copies.set_active({move.site: move.target for move in moved}, now)
    if plan.kind == "rollback":
        await copies.release([(move.site, move.target) for move in moved], f"rolled back by {plan.id}", now, doing.who)
    if plan.kind == "rollback" or not plan.planned:
        left = [(move.site, move.source) for move in moved]
        await copies.quarantine(left, f"left by {plan.kind} {plan.id}", now, doing.who)
    return Outcome.DONE, f"{count(len(moved), 'site')} switched", doing.progress


STEPS: Mapping[str, Callable[[Doing, Step], Awaitable[Ended]]] = {
    "hold": hold,
    "sync": final_sync,
    "update": update,
    "verify": verify,
    "switch": switch,
}
DOING = {
    "hold": "Holding syncs of these sites",
    "sync": "Copying once more",
    "update": "Changing zones",
    "verify": "Asking every name server",
    "switch": "Turning the direction of copies",
}


async def _look(doing: Doing, zone: ZoneChange, cause: SharpnetError) -> Ended:
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


async def _changed(doing: Doing, zone: ZoneChange, detail: str) -> Ended:
    at = doing.ports.clock.now()
    try:
        serial = await doing.ports.dns.serial(zone.update, zone.zone)
    except SharpnetError:
        # It died right after saying yes. What the public servers answer is compared value by value all the same.
        serial = zone.serial
    progress = doing.progress.with_zone(zone.key, ZoneDone(at, serial))
    return Outcome.DONE, f"{detail}, serial {serial}", progress


def _untouched(doing: Doing, zone: ZoneChange, error: SharpnetError) -> Ended:
    detail = f"{error.message} {error.hint}".strip()
    return Outcome.REFUSED, detail, doing.progress.with_trouble(zone.key, f"{detail} The zone is as it was")


def _is_new(zone: ZoneChange, reading: ZoneReading) -> bool:
    here = {(record.owner, record.type): record.values for record in reading.records}
    return all(
        here.get((change.owner, change.type), ()) == (change.new.values if change.new else ())
        for change in zone.changes
    )


def merged(before: Progress, parts: tuple[Progress, ...]) -> Progress:
    """Return what several steps that ran at once have added to `before`."""
    result = before
    for part in parts:
        result = replace(result, zones={**result.zones, **part.zones}, trouble={**result.trouble, **part.trouble})
    last = parts[-1] if len(parts) == 1 else None
    if last is not None:
        result = replace(result, standings=last.standings, in_step_at=last.in_step_at)
    return result

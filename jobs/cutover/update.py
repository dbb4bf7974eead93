"""The step that changes a zone: one signed message, and what became of it however its answer was lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.cutover.steps import Outcome
from core.dns.promises import SIGNED_FOR
from core.errors import (
    DnsChangedError,
    DnsError,
    DnsRefusedError,
    OwnLackError,
    SharpnetError,
    TimedOutError,
    UnreachableError,
)
from core.plan.progress import ZoneDone
from core.wording import clock_time

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from core.cutover.steps import Step
    from core.dns.records import RecordChange, RecordSet, ZoneReading
    from core.plan.plan import ZoneChange
    from jobs.cutover.step_context import Ended, StepContext

UPDATE_PATIENCE_S = 20.0
UPDATE_PAUSE_S = 1.0


async def update(context: StepContext, step: Step) -> Ended:
    """Change one zone in one signed message, and find out what became of it however the answer was lost."""
    zone = next(zone for zone in context.plan.zones if zone.key == step.about)
    dns, clock = context.ports.dns, context.ports.clock
    began = clock.monotonic()
    # Whoever began this before may have been heard: then only the zone itself can say what became of it.
    asked = step.key in context.begun_before
    not_compared = ""
    open_since: datetime | None = None
    while True:
        sent = False
        try:
            # Read before `update` asks whether this is still ours: who sleeps from here on sends an old version.
            version = await _version(context, zone)
            binding = "" if version == not_compared else version
            sent = True
            await dns.update(zone.update, zone.zone, zone.changes, version=binding)
            return await _changed(context, zone, "changed")
        except DnsChangedError as error:
            in_time = clock.monotonic() - began < UPDATE_PATIENCE_S
            if binding and in_time and await _still_old(context, zone):
                # Something else in the zone has changed; or the server compares another SOA record than it shows, as
                # with inline signing: it then shows the same one again, and is not asked for it any more.
                not_compared = version
                continue
            return await _look(context, zone, error, open_since)
        except DnsRefusedError as error:
            if asked or open_since:
                return await _look(context, zone, error, open_since)
            return _untouched(context, zone, error)
        except DnsError as error:
            # SERVFAIL and the like promise nothing.
            return await _look(context, zone, error, open_since)
        except (UnreachableError, OwnLackError) as error:
            open_since = clock.now() if sent and isinstance(error, TimedOutError) else open_since
            if clock.monotonic() - began >= UPDATE_PATIENCE_S:
                if asked or open_since:
                    return await _look(context, zone, error, open_since)
                return _untouched(context, zone, error)
        await clock.sleep(UPDATE_PAUSE_S)


async def _version(context: StepContext, zone: ZoneChange) -> str:
    """Return what the update is bound to; empty where the server does not give it, and may take an update all the same.

    Raises UnreachableError, OwnLackError.
    """
    try:
        return await context.ports.dns.version(zone.update, zone.zone)
    except DnsError:
        return ""


async def what_became_of(context: StepContext, step: Step, cause: SharpnetError) -> Ended:
    """Find out whether a zone was changed by who began that, where `cause` says why nobody goes on with it."""
    return await _look(context, next(zone for zone in context.plan.zones if zone.key == step.about), cause)


async def _look(
    context: StepContext, zone: ZoneChange, cause: SharpnetError, open_since: datetime | None = None
) -> Ended:
    """Read the zone and say what became of an update whose prerequisite failed or whose answer was lost.

    open_since: when the last one left that got no answer which counts. Until its signature is too old, whoever holds
    it back can still deliver it.
    """
    try:
        reading = await context.ports.dns.read_zone(zone.update, zone.zone, _owners(zone))
    except SharpnetError as error:
        detail = f"{cause.message} It cannot be read either: {error.message} It may or may not have changed"
        return Outcome.UNKNOWN, detail, context.progress.with_trouble(zone.key, detail)
    if _is(zone, reading, lambda change: change.new):
        return await _changed(context, zone, "changed already")
    if open_since is not None and _is(zone, reading, lambda change: change.old):
        until = clock_time(open_since + SIGNED_FOR, context.ports.fleet.timezone, context.ports.clock.now())
        detail = f"{cause.message} It is as it was, but what was sent may still be carried out until {until}"
        return Outcome.UNKNOWN, detail, context.progress.with_trouble(zone.key, detail)
    detail = f"{cause.message} This plan has changed nothing in it"
    return Outcome.REFUSED, detail, context.progress.with_trouble(zone.key, detail)


async def _still_old(context: StepContext, zone: ZoneChange) -> bool:
    """Return whether every record set has its old value: then something else in the zone has changed meanwhile."""
    try:
        reading = await context.ports.dns.read_zone(zone.update, zone.zone, _owners(zone))
    except SharpnetError:
        return False
    return _is(zone, reading, lambda change: change.old)


async def _changed(context: StepContext, zone: ZoneChange, detail: str) -> Ended:
    at = context.ports.clock.now()
    try:
        serial = await context.ports.dns.serial(zone.update, zone.zone)
    except SharpnetError:
        # It died right after saying yes. What the public servers answer is compared value by value all the same.
        serial = zone.serial
    progress = context.progress.with_zone(zone.key, ZoneDone(at, serial))
    return Outcome.DONE, f"{detail}, serial {serial}", progress


def _untouched(context: StepContext, zone: ZoneChange, error: SharpnetError) -> Ended:
    detail = f"{error.message} {error.hint}".strip()
    return Outcome.REFUSED, detail, context.progress.with_trouble(zone.key, f"{detail} The zone is as it was")


def _owners(zone: ZoneChange) -> tuple[str, ...]:
    return tuple(change.owner for change in zone.changes)


def _is(zone: ZoneChange, reading: ZoneReading, side: Callable[[RecordChange], RecordSet | None]) -> bool:
    here = {(record.owner, record.type): record.values for record in reading.records}
    wanted = {(change.owner, change.type): side(change) for change in zone.changes}
    return all(here.get(key, ()) == (record.values if record else ()) for key, record in wanted.items())

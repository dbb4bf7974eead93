"""Planned work: when it is to begin and end, when it did, and which alerts it silences. Values only.

It silences from its start until its planned end. It goes on after that until somebody ends it, but what is down then
alerts: nobody is kept from knowing because a line was not typed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from core.errors import RefusedError, UsageError
from core.fleet.target import FLEET
from core.incident.targets import subject_of
from core.wording import clock_time

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from core.fleet.target import Target
    from core.incident.notes import Annotation

LONGEST = timedelta(days=30)
FARTHEST = timedelta(days=366)
_TIME = re.compile(r"[0-9]{1,2}:[0-9]{2}(:[0-9]{2})?", re.ASCII)
# Targets that have a server's name: its maintenance covers them by that.
_NAMED_AS_SERVER = frozenset({"server", "sites", "degraded"})


class Phase(StrEnum):
    """Where a maintenance is."""

    PLANNED = "planned"
    RUNNING = "running"
    OVERRUN = "overrun"
    ENDED = "ended"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Maintenance:
    """Work on one server, site or name server, or on the fleet.

    starts_at, ends_at: as planned, extensions included. began_at, ended_at: as it was; None: not yet. overrun_at: when
    it was told that the planned end had passed.
    """

    id: int
    scope: Target
    why: str
    asked_by: str
    asked_at: datetime
    starts_at: datetime
    ends_at: datetime
    began_at: datetime | None = None
    ended_at: datetime | None = None
    ended_by: str | None = None
    cancelled_at: datetime | None = None
    overrun_at: datetime | None = None
    annotations: tuple[Annotation, ...] = ()

    @property
    def label(self) -> str:
        """How people name it: `M3`."""
        return f"M{self.id}"

    @property
    def card(self) -> str:
        """The key of its card in the ops channel."""
        return f"maintenance:{self.id}"

    @property
    def subject(self) -> str:
        """What it is about, in words."""
        return subject_of(self.scope)

    @property
    def is_open(self) -> bool:
        """Whether it is planned or goes on."""
        return self.ended_at is None and self.cancelled_at is None

    def phase(self, now: datetime) -> Phase:
        """Say where it is at `now`."""
        if self.cancelled_at is not None:
            return Phase.CANCELLED
        if self.ended_at is not None:
            return Phase.ENDED
        if self.began_at is None and now < self.starts_at:
            return Phase.PLANNED
        return Phase.RUNNING if now < self.ends_at else Phase.OVERRUN


def covers(scope: Target, target: Target, machine: str | None = None) -> bool:
    """Return whether work on `scope` explains trouble with `target`; machine: the server on which that runs.

    A server's work explains what its sites do together, and name servers on the same machine.
    """
    if scope in {FLEET, target}:
        return True
    if scope.kind != "server":
        return False
    return scope.name == machine or (target.kind in _NAMED_AS_SERVER and target.name == scope.name)


def silencing(
    maintenances: Iterable[Maintenance], target: Target, now: datetime, machine: str | None = None
) -> Maintenance | None:
    """Return the maintenance because of which nobody is alerted about `target` now, or None: alert."""
    return next(
        (one for one in maintenances if one.phase(now) is Phase.RUNNING and covers(one.scope, target, machine)), None
    )


def planned_start(text: str, timezone: str, now: datetime) -> datetime:
    """Return when `text` means: `22:00` (the next one), `2026-11-23 22:00`, or ISO 8601 with an offset.

    Without an offset it is read in `timezone`. Raises UsageError for anything else, for a time that the clocks skip,
    and for one that is past or too far off.
    """
    zone = ZoneInfo(timezone)
    today = now.astimezone(zone).date()
    only_time = _TIME.fullmatch(text.strip()) is not None
    said = f"{today.isoformat()} {text.strip().rjust(5, '0')}" if only_time else text.strip()
    try:
        meant = datetime.fromisoformat(said)
    except ValueError:
        hint = "Write 22:00, 2026-11-23T22:00, or ISO 8601 with an offset."
        raise UsageError(f"{text!r} is no time.", hint=hint) from None
    if meant.tzinfo is None:
        at = _in_zone(meant, zone, text)
        if only_time and at <= now:
            at = _in_zone(meant + timedelta(days=1), zone, text)
    else:
        at = meant.astimezone(UTC)
    if at <= now:
        raise UsageError(
            f"{clock_time(at, timezone, now)} is past.", hint="Leave --at out for work that begins at once."
        )
    if at - now > FARTHEST:
        raise UsageError(f"{clock_time(at, timezone, now)} is more than {FARTHEST.days} days off.")
    return at


def _in_zone(meant: datetime, zone: ZoneInfo, text: str) -> datetime:
    at = meant.replace(tzinfo=zone).astimezone(UTC)
    if at.astimezone(zone).replace(tzinfo=None) != meant:
        raise UsageError(f"The clocks skip {text!r} on that day.", hint="Choose another time, or write its offset.")
    return at


def why_not_plan(starts_at: datetime, ends_at: datetime, scope: Target, others: Sequence[Maintenance]) -> str | None:
    """Say why work on `scope` cannot be planned for that time, or None."""
    if ends_at - starts_at > LONGEST:
        return f"A maintenance is at most {LONGEST.days} days long, since it silences alerts."
    same = [one for one in others if one.is_open and one.scope == scope]
    clash = next((one for one in same if one.starts_at < ends_at and starts_at < one.ends_at), None)
    if clash is not None:
        return f"{clash.label} is planned for {clash.subject} at that time already. Nothing changed."
    return None


def begun(one: Maintenance, at: datetime) -> Maintenance:
    """Return it as begun at `at`; what has begun, or is over, stays as it is."""
    return replace(one, began_at=at) if one.is_open and one.began_at is None else one


def ended(one: Maintenance, who: str, now: datetime) -> Maintenance:
    """Return it as ended now. Raises RefusedError where it is over, or has not begun."""
    _refuse_over(one)
    if one.phase(now) is Phase.PLANNED:
        raise RefusedError(
            f"Maintenance {one.label} has not started. Nothing changed.",
            hint=f"`maintenance cancel {one.label}` takes it back.",
        )
    began_at = one.began_at or one.starts_at
    return replace(one, began_at=began_at, ended_at=max(now, began_at), ended_by=who)


def cancelled(one: Maintenance, who: str, now: datetime) -> Maintenance:
    """Return it as taken back. Raises RefusedError where it is over, or goes on already."""
    _refuse_over(one)
    if one.phase(now) is not Phase.PLANNED:
        hint = f"`maintenance end {one.label}` ends it."
        raise RefusedError(f"Maintenance {one.label} has started already. Nothing changed.", hint=hint)
    return replace(one, cancelled_at=now, ended_by=who)


def extended(one: Maintenance, by: timedelta, now: datetime) -> Maintenance:
    """Return it with its planned end later by `by`, counted from now where that has passed. Raises RefusedError."""
    _refuse_over(one)
    ends_at = max(one.ends_at, now) + by
    if ends_at - min(one.starts_at, one.began_at or one.starts_at) > LONGEST:
        raise RefusedError(f"A maintenance is at most {LONGEST.days} days long. Nothing changed.")
    return replace(one, ends_at=ends_at, overrun_at=None)


def overrun(one: Maintenance, now: datetime) -> Maintenance:
    """Return it as told that its planned end has passed, where that is so and was not told."""
    if one.overrun_at is None and one.phase(now) is Phase.OVERRUN:
        return replace(one, began_at=one.began_at or one.starts_at, overrun_at=now)
    return one


def _refuse_over(one: Maintenance) -> None:
    if one.cancelled_at is not None:
        raise RefusedError(f"Maintenance {one.label} was cancelled. Nothing changed.")
    if one.ended_at is not None:
        raise RefusedError(f"Maintenance {one.label} has ended already. Nothing changed.")

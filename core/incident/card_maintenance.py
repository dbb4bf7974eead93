"""What the ops channel and `maintenance` show of planned work; values only."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from core.fleet.target import FLEET
from core.incident.maintenance import Maintenance, Phase
from core.incident.notes import annotation_parts, with_cause
from core.reply import Button, Confirm, Part, Reply, Row, Table, Text, Tone
from core.units import format_duration
from core.wording import clock_time, count, duration, listing, stamp_or_none

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

_TONES = {
    Phase.PLANNED: Tone.PLAIN,
    Phase.RUNNING: Tone.BUSY,
    Phase.OVERRUN: Tone.WARN,
    Phase.ENDED: Tone.GOOD,
    Phase.CANCELLED: Tone.PLAIN,
}
LONGER = timedelta(minutes=30)


def card_of(one: Maintenance, timezone: str, now: datetime) -> Reply:
    """Return what its card shows at `now`."""
    phase = one.phase(now)
    parts: list[Part] = [Text(text) for text in _details(one, phase, timezone, now)]
    parts += annotation_parts(one.annotations, timezone, now)
    return Reply(title_of(one, timezone, now), tuple(parts), _buttons(one, phase), _TONES[phase])


def title_of(one: Maintenance, timezone: str, now: datetime) -> str:
    """Say the whole fact in one line."""
    what, phase = f"Maintenance {one.label} of {one.subject}", one.phase(now)
    until = clock_time(one.ends_at, timezone, now)
    if phase is Phase.PLANNED:
        length = duration(one.ends_at - one.starts_at)
        return f"{what} is planned from {clock_time(one.starts_at, timezone, now)} for {length}: {one.why}"
    if phase is Phase.CANCELLED:
        return f"{what} was cancelled: {one.why}"
    if phase is Phase.RUNNING:
        return f"{what} until {until}: {one.why}"
    if phase is Phase.OVERRUN:
        return f"{what} was to end at {until} and has not been ended: alerts are on again"
    lasted = duration((one.ended_at or now) - (one.began_at or one.starts_at))
    planned = duration(one.ends_at - one.starts_at)
    return with_cause(f"{what} has ended after {lasted} (planned: {planned}): {one.why}", one.annotations)


def silenced_line(
    troubles: Sequence[tuple[str, datetime, str]], until_at: datetime, timezone: str, now: datetime
) -> str:
    """Say in the thread that things (subject, since when, why) are in trouble and nobody is alerted; at least one."""
    until = clock_time(until_at, timezone, now)
    since = clock_time(min(since_at for _, since_at, _ in troubles), timezone, now)
    if len(troubles) == 1:
        subject, _, why = troubles[0]
        said = f"In trouble since {since}: {subject}" + (f" ({why})" if why else "")
    else:
        said = f"{len(troubles):,} things in trouble, the first since {since}: {listing([it[0] for it in troubles])}"
    return f"{said}. Alerts are muted until {until}"


def back_line(backs: Sequence[tuple[str, timedelta]]) -> str:
    """Say in the thread that things (subject, after how long) are well again; at least one."""
    longest = duration(max(length for _, length in backs))
    if len(backs) == 1:
        return f"Recovered after {longest}: {backs[0][0]}"
    return f"{len(backs):,} things recovered, the last after {longest}: {listing([it[0] for it in backs])}"


def list_reply(maintenances: Sequence[Maintenance], timezone: str, now: datetime) -> Reply:
    """Answer with what goes on and what is planned."""
    if not maintenances:
        return Reply("No maintenance is in progress or planned", facts={"maintenance": []})
    running = sum(one.phase(now) is not Phase.PLANNED for one in maintenances)
    rows = tuple(
        Row(
            (
                one.label,
                one.subject,
                one.phase(now).value,
                clock_time(one.began_at or one.starts_at, timezone, now),
                clock_time(one.ends_at, timezone, now),
                one.why,
            ),
            _TONES[one.phase(now)],
        )
        for one in maintenances
    )
    title = f"{count(len(maintenances), 'maintenance', 'maintenances')}: {running:,} under way, "
    title += f"{len(maintenances) - running:,} planned"
    table = Table(("", "of", "state", "from", "planned end", "why"), rows)
    return Reply(title, (table,), facts={"maintenance": [facts_of(one, now) for one in maintenances]})


def facts_of(one: Maintenance, now: datetime) -> Mapping[str, object]:
    """Return it as plain JSON values."""
    return {
        "id": one.label,
        "scope": str(one.scope),
        "state": one.phase(now).value,
        "why": one.why,
        "asked_by": one.asked_by,
        "planned_start": stamp_or_none(one.starts_at),
        "planned_end": stamp_or_none(one.ends_at),
        "actual_start": stamp_or_none(one.began_at),
        "actual_end": stamp_or_none(one.ended_at),
    }


def _details(one: Maintenance, phase: Phase, timezone: str, now: datetime) -> list[str]:
    by = f"Asked for by {one.asked_by}."
    if phase is Phase.CANCELLED:
        return [by, f"Cancelled by {one.ended_by}."]
    if phase is Phase.ENDED:
        start, end = clock_time(one.starts_at, timezone, now), clock_time(one.ends_at, timezone, now)
        began = clock_time(one.began_at or one.starts_at, timezone, now)
        actual = clock_time(one.ended_at or now, timezone, now)
        return [f"Planned {start} to {end}, actually {began} to {actual}.", f"{by} Ended by {one.ended_by}."]
    if phase is Phase.OVERRUN:
        return [f"For: {one.why}. {by}"]
    alerts = "All alerts" if one.scope == FLEET else f"Alerts for {one.subject}"
    return [f"{alerts} are muted until {clock_time(one.ends_at, timezone, now)}. {by}"]


def _buttons(one: Maintenance, phase: Phase) -> tuple[Button, ...]:
    if phase is Phase.PLANNED:
        ask = Confirm("Cancel it?", f"{one.subject} will not be in maintenance then.", "Cancel it")
        return (Button("Cancel", f"maintenance cancel {one.label}", confirm=ask),)
    if phase in {Phase.RUNNING, Phase.OVERRUN}:
        return (
            Button("End", f"maintenance end {one.label}", weight="primary"),
            Button(f"{duration(LONGER)} more", f"maintenance extend {one.label} {format_duration(LONGER)}"),
        )
    return ()

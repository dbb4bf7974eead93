"""What `incidents` answers: outages and maintenance together, with their causes; values only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.incident.card_maintenance import facts_of, title_of
from core.incident.maintenance import Phase
from core.incident.notes import cause_of, label_of
from core.incident.targets import subject_of
from core.reply import Part, Reply, Row, Table, Text, Tone, first_rows
from core.wording import clock_time, count, duration, stamp, stamp_or_none

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from core.fleet.target import Target
    from core.incident.maintenance import Maintenance
    from core.incident.notes import Annotation, Kind
    from core.incident.outage import Outage

ROWS = 50


@dataclass(frozen=True, slots=True)
class Incident:
    """One incident. until_at None: it is open. acked_by, acked_at: who acknowledged an outage, and when."""

    kind: Kind
    number: int
    subject: str
    from_at: datetime
    until_at: datetime | None
    annotations: tuple[Annotation, ...]
    why: str = ""
    acked_by: str | None = None
    acked_at: datetime | None = None

    @property
    def label(self) -> str:
        """How people name it: `7`, `M3`."""
        return label_of(self.kind, self.number)

    @property
    def cause(self) -> str:
        """Why it happened; of a maintenance, what it was for, where nobody said more. Empty: nobody knows yet."""
        cause = cause_of(self.annotations)
        return cause.text if cause is not None else self.why


def incidents_of(outages: Sequence[Outage], maintenances: Sequence[Maintenance]) -> tuple[Incident, ...]:
    """Return them together, those that go on first, then the newest first."""
    found = [
        Incident(
            "outage", one.id, _subject(one.target), one.opened_at, one.closed_at, one.annotations,
            acked_by=one.acked_by, acked_at=one.acked_at,
        )
        for one in outages
    ]  # fmt: skip
    found += [
        Incident(
            "maintenance", one.id, one.subject, one.began_at or one.starts_at, one.ended_at, one.annotations, one.why
        )
        for one in maintenances
    ]
    found.sort(key=lambda one: one.from_at, reverse=True)
    found.sort(key=lambda one: one.until_at is not None)
    return tuple(found)


def _subject(target: Target) -> str:
    return f"{subject_of(target)} (degraded)" if target.kind == "degraded" else subject_of(target)


def list_reply(incidents: Sequence[Incident], span: str, timezone: str, now: datetime) -> Reply:
    """Answer with many, the first of them as rows. span: which there are, in words: ` in the last 7 days`."""
    still = sum(one.until_at is None for one in incidents)
    facts = {"incidents": [_facts(one) for one in incidents]}
    if not incidents:
        return Reply(f"No incident{span}", tone=Tone.GOOD, facts=facts)
    title = f"{count(len(incidents), 'incident')}{span}, {still:,} of them open"
    columns = ("", "what", "from", "how long", "cause")
    table = first_rows(columns, incidents, lambda one: _row(one, timezone, now), ROWS)
    return Reply(title, (table,), tone=Tone.WARN if still else Tone.PLAIN, facts=facts)


def outage_reply(outage: Outage, card: Reply, timezone: str, now: datetime) -> Reply:
    """Answer with one outage: what its card says, and who did what when."""
    (one,) = incidents_of([outage], ())
    moments = [(one.from_at, "it began", "")]
    if one.acked_by is not None and one.acked_at is not None:
        moments.append((one.acked_at, "acknowledged", one.acked_by))
    return _one_reply(one, card.title, card.tone, _timeline(one, moments, timezone, now), _facts(one))


def maintenance_reply(
    maintenance: Maintenance,
    suppressed: Sequence[tuple[Target, datetime, datetime | None]],
    timezone: str,
    now: datetime,
) -> Reply:
    """Answer with one maintenance. suppressed: what was down and not alerted about, from when to when."""
    one = incidents_of((), [maintenance])[0]
    moments = [(maintenance.asked_at, "asked for", maintenance.asked_by)]
    if maintenance.began_at is not None:
        moments.append((maintenance.began_at, "it began", ""))
    if maintenance.cancelled_at is not None:
        moments.append((maintenance.cancelled_at, "cancelled", maintenance.ended_by or ""))
    for target, from_at, until_at in suppressed:
        moments.append((from_at, f"{subject_of(target)} in trouble, alert muted", ""))
        if until_at is not None:
            moments.append((until_at, f"{subject_of(target)} no longer muted", ""))
    phase = maintenance.phase(now)
    tone = Tone.WARN if phase is Phase.OVERRUN else Tone.PLAIN
    timeline = _timeline(one, moments, timezone, now)
    facts = {**_facts(one), **facts_of(maintenance, now)}
    return _one_reply(one, title_of(maintenance, timezone, now), tone, timeline, facts)


def _one_reply(one: Incident, title: str, tone: Tone, timeline: Table, facts: Mapping[str, object]) -> Reply:
    parts: list[Part] = [Text(f"Cause: {one.cause}" if one.cause else f'No cause yet: `cause {one.label} "…"`.')]
    return Reply(title, (*parts, timeline), tone=tone, facts=facts)


def _timeline(one: Incident, moments: Sequence[tuple[datetime, str, str]], timezone: str, now: datetime) -> Table:
    told = [*moments, *((it.at, f"{it.kind}: {it.text}", it.who) for it in one.annotations)]
    if one.until_at is not None:
        told.append((one.until_at, f"over, after {duration(one.until_at - one.from_at)}", ""))
    told.sort(key=lambda moment: moment[0])
    return Table(("when", "what", "who"), tuple(Row((clock_time(at, timezone, now), *rest)) for at, *rest in told))


def _row(one: Incident, timezone: str, now: datetime) -> Row:
    length = duration((one.until_at or now) - one.from_at)
    if one.until_at is None:
        tone, length = (Tone.BAD if one.kind == "outage" else Tone.BUSY), f"{length} so far"
    else:
        tone = Tone.PLAIN
    what = one.subject if one.kind == "outage" else f"{one.subject} (maintenance)"
    return Row((one.label, what, clock_time(one.from_at, timezone, now), length, one.cause or "not said yet"), tone)


def _facts(one: Incident) -> dict[str, object]:
    return {
        "id": one.label,
        "kind": one.kind,
        "subject": one.subject,
        "from": stamp(one.from_at),
        "until": stamp_or_none(one.until_at),
        "cause": one.cause or None,
        "acknowledged_by": one.acked_by,
        "said": [{"kind": it.kind, "text": it.text, "who": it.who, "at": stamp(it.at)} for it in one.annotations],
    }

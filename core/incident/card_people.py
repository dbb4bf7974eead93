"""What the card of outages shows of people: who looks after them, why they happened, what was noted; values only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.incident.notes import annotation_parts, cause_hint, cause_of, label_of
from core.reply import Button, Part, Text
from core.wording import clock_time

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from core.incident.notes import Annotation
    from core.incident.outage import Outage

WHY = "Cause (public, shown on the status pages)"


def annotations_of_drops(drops: Sequence[Outage]) -> tuple[Annotation, ...]:
    """Return what was said of the drops of one thing, once each, in the order in which it was said."""
    return tuple(sorted(dict.fromkeys(it for drop in drops for it in drop.annotations), key=lambda it: it.at))


def people_parts(
    outages: Sequence[Outage], annotations: Sequence[Annotation], timezone: str, now: datetime
) -> list[Part]:
    """Say who looks after the outages and what was said; once somebody does, how to say why."""
    parts = _acknowledged(outages, timezone, now)
    parts += annotation_parts(annotations, timezone, now)
    asked = _without_cause(outages)
    return [*parts, cause_hint(label_of("outage", asked[0].id))] if asked else parts


def cause_button(outages: Sequence[Outage]) -> list[Button]:
    """Return the button that asks for the cause of the first that has none, if there is one."""
    return [Button("Add cause", f"cause {outage.id}", asks=WHY) for outage in _without_cause(outages)[:1]]


def ack_button(outages: Sequence[Outage]) -> list[Button]:
    """Return the button by which somebody looks after them, if nobody does."""
    waiting = [outage for outage in outages if outage.closed_at is None and outage.acked_by is None]
    return [Button("Acknowledge", f"ack {waiting[0].id}")] if waiting else []


def _acknowledged(outages: Sequence[Outage], timezone: str, now: datetime) -> list[Part]:
    for outage in outages:
        if outage.acked_by is not None and outage.acked_at is not None:
            at = clock_time(outage.acked_at, timezone, now)
            return [Text(f"Acknowledged by {outage.acked_by}, {at}.")]
    return []


def _without_cause(outages: Sequence[Outage]) -> list[Outage]:
    return [outage for outage in outages if outage.acked_by is not None and cause_of(outage.annotations) is None]

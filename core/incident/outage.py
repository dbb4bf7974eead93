"""An outage: what was down, since when, who acknowledged it, and what people need to know of it; plain values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.incident.notes import cause_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime, timedelta

    from core.fleet.target import Target
    from core.incident.facts import OutageFacts
    from core.incident.notes import Annotation


@dataclass(frozen=True, slots=True)
class Outage:
    """Something was down.

    target: a server or name server, the sites on a server, a degraded server, or the bot's own link. opened_at: when
    the failures began. closed_at None: it goes on. card: the key of the card that shows it; several outages may share
    one. acked_by, acked_at: who acknowledged it, and when. annotations: what people said of it, oldest first; the last
    cause among them is the one that counts.
    """

    id: int
    target: Target
    opened_at: datetime
    closed_at: datetime | None
    facts: OutageFacts
    card: str
    acked_by: str | None = None
    acked_at: datetime | None = None
    annotations: tuple[Annotation, ...] = ()

    @property
    def cause(self) -> str | None:
        """Why it happened, as somebody said; None: nobody has."""
        cause = cause_of(self.annotations)
        return cause.text if cause is not None else None

    def lasted(self, now: datetime) -> timedelta:
        """Return how long it lasted, or has lasted until `now`."""
        return (self.closed_at or now) - self.opened_at


def annotations_of_drops(drops: Iterable[Outage]) -> tuple[Annotation, ...]:
    """Return what was said of the drops of one thing, once each, in the order in which it was said."""
    return tuple(sorted(dict.fromkeys(it for drop in drops for it in drop.annotations), key=lambda it: it.at))

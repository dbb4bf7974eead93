"""What the parts of the watch tell each other: what is wrong now, and how that ended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from core.fleet.target import Target
    from core.incident.facts import OutageEnd
    from core.monitor.detection import Track


@dataclass(frozen=True, slots=True)
class ActiveCondition:
    """Something that is down or degraded now, since `since_at`; track: what the looks at it found."""

    target: Target
    since_at: datetime
    track: Track


@dataclass(frozen=True, slots=True)
class Resolution:
    """How and when something ended; why: what it lacks, where it is not well in full."""

    how: OutageEnd
    why: str
    at: datetime

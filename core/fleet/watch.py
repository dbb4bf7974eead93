"""When the watch looks, and when it believes what it sees."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class Watch:
    """How often is looked, and how many failures in a row make an outage."""

    every: timedelta = timedelta(seconds=30)
    retry: timedelta = timedelta(seconds=2)
    timeout: timedelta = timedelta(seconds=5)
    down_after: int = 3
    up_after: int = 2

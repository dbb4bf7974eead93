"""How a target was on each of the last days, and how much of the time that somebody watched it; values only (law 7)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from core.monitor.detection import TargetState

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

DAYS = 90
Stretch = tuple[str, datetime, datetime]


@dataclass(frozen=True, slots=True)
class Day:
    """One day in the fleet's zone, in seconds. length_s: how long it is, or has been so far."""

    date: date
    length_s: float
    up_s: float = 0.0
    degraded_s: float = 0.0
    down_s: float = 0.0

    @property
    def observed_s(self) -> float:
        """How much of it somebody watched."""
        return self.up_s + self.degraded_s + self.down_s

    @property
    def unobserved_s(self) -> float:
        """How much of it nobody watched."""
        return max(0.0, self.length_s - self.observed_s)


@dataclass(frozen=True, slots=True)
class Uptime:
    """Shares of 1. up: of the observed time in which it answered, None: nothing was observed. observed: of all time."""

    up: float | None
    observed: float


def days_of(
    stretches: Sequence[Stretch], timezone: str, now: datetime, gap: timedelta, number: int = DAYS
) -> tuple[Day, ...]:
    """Return the last `number` days, today last. A stretch says nothing of the time before and after it.

    stretches: (state, from, until). Where one follows another within `gap`, nothing was missed between them.
    """
    edges = _edges(timezone, now, number)
    seconds = [{TargetState.UP: 0.0, TargetState.DEGRADED: 0.0, TargetState.DOWN: 0.0} for _ in edges[1:]]
    place = 0
    for state, begins_at, ends_at in _joined(stretches, now, gap):
        if state not in seconds[0] or ends_at <= edges[0][1]:
            continue
        while place < len(seconds) - 1 and edges[place + 1][1] <= begins_at:
            place += 1
        for day in range(place, len(seconds)):
            if edges[day][1] >= ends_at:
                break
            part = min(ends_at, edges[day + 1][1]) - max(begins_at, edges[day][1])
            seconds[day][TargetState(state)] += max(0.0, part.total_seconds())
    return tuple(
        Day(day, (after - begins).total_seconds(), *one.values())
        for (day, begins), (_, after), one in zip(edges, edges[1:], seconds, strict=False)
    )


def uptime(days: Sequence[Day]) -> Uptime:
    """Return how much of the observed time it answered, in full or in part, and how much was observed at all."""
    observed = sum(day.observed_s for day in days)
    length = sum(day.length_s for day in days)
    answered = sum(day.up_s + day.degraded_s for day in days)
    return Uptime(answered / observed if observed else None, min(1.0, observed / length) if length else 0.0)


def share_words(share: float) -> str:
    """Say a share so that nothing is made of it that it is not: 99.996 % is `99.99 %`, and only all of it `100 %`."""
    if share >= 1:
        return "100 %"
    hundredths = int(share * 10_000)
    if not hundredths and share > 0:
        return "under 0.01 %"
    return f"{hundredths // 100}.{hundredths % 100:02d} %"


def _edges(timezone: str, now: datetime, number: int) -> list[tuple[date, datetime]]:
    """Return each day with its first moment, and at last now."""
    zone = ZoneInfo(timezone)
    today = now.astimezone(zone).date()
    days = [today - timedelta(days=back) for back in reversed(range(number))]
    return [*((day, datetime.combine(day, time(), zone).astimezone(UTC)) for day in days), (today, now)]


def _joined(stretches: Sequence[Stretch], now: datetime, gap: timedelta) -> list[Stretch]:
    """Return stretches in order that do not overlap (a clock that was set back makes some that do)."""
    joined: list[Stretch] = []
    for state, begins_at, ends_at in sorted(stretches, key=lambda one: one[1]):
        if joined:
            before, began_at, ended_at = joined[-1]
            if ended_at < begins_at <= ended_at + gap:
                joined[-1] = before, began_at, begins_at
        first = max(begins_at, joined[-1][2]) if joined else begins_at
        if first <= min(ends_at, now):
            joined.append((state, first, min(ends_at, now)))
    return joined

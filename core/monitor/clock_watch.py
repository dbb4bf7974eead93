"""What a machine's own clocks tell when they are read again: that it was set, or that the machine slept."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from core.reply import Reply, Text, Tone
from core.wording import clock_time, duration

if TYPE_CHECKING:
    from datetime import datetime

# Below these, a clock is being disciplined, or a reading was late.
STEP = timedelta(seconds=5)
SLEEP = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class ClockReading:
    """One moment by three clocks. since_boot_s runs on while the machine sleeps, awake_s does not."""

    at: datetime
    since_boot_s: float
    awake_s: float


@dataclass(frozen=True, slots=True)
class ClockChange:
    """What happened between two readings: how far the clock was set (negative: back), how long the machine slept."""

    stepped: timedelta = timedelta()
    slept: timedelta = timedelta()


def change_between(before: ClockReading, after: ClockReading) -> ClockChange | None:
    """Return what happened to the machine's clock between two readings of one boot; None: nothing to speak of."""
    passed = timedelta(seconds=after.since_boot_s - before.since_boot_s)
    stepped = after.at - before.at - passed
    slept = passed - timedelta(seconds=after.awake_s - before.awake_s)
    change = ClockChange(
        stepped if abs(stepped) >= STEP else timedelta(),
        slept if slept >= SLEEP else timedelta(),
    )
    return change if change != ClockChange() else None


def card_of(change: ClockChange, machine: str, timezone: str, now: datetime) -> Reply:
    """Say what happened to the clock of the bot's `machine`, and what of it matters to people."""
    titles, parts = [], []
    if change.slept:
        titles.append(f"slept for {duration(change.slept)}")
        parts.append(Text("Nothing was watched meanwhile, and what was under way was given up. Keep it awake."))
    if change.stepped:
        way = "forward" if change.stepped > timedelta() else "back"
        titles.append(f"had its clock set {way} by {duration(abs(change.stepped))}")
        parts.append(
            Text(
                f"It shows {clock_time(now, timezone, now)} now. Times on record before and after do not fit together, "
                "and a plan may expire earlier or later than it says. Keep the clock by NTP."
            )
        )
    return Reply(f"The bot's machine {machine} {' and '.join(titles)}", tuple(parts), tone=Tone.WARN)

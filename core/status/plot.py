"""How one target was over the last day, as columns: when it was up, and how fast it answered; values only (law 7)."""

from __future__ import annotations

from datetime import datetime, timedelta
from statistics import median
from typing import TYPE_CHECKING

from core.monitor.detection import TargetState
from core.page.days import share_words
from core.reply import Plot, Tone
from core.wording import duration

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from core.page.days import Stretch

SPAN = timedelta(hours=24)
# As many as fit a terminal of eighty columns.
SLOTS = 72
SLOT = SPAN / SLOTS
# Worst first: of a column in which a target was several things, the worst is shown. A height says it without colour.
_SHOWN = ((TargetState.DOWN, 0.2, Tone.BAD), (TargetState.DEGRADED, 0.6, Tone.WARN), (TargetState.UP, 1.0, Tone.GOOD))
_LEAST = 0.05


def slot_of(at: datetime) -> int:
    """Return the number of the slot that holds a moment; slots are SLOT long, and counted since 1970."""
    return int(at.timestamp() // SLOT.total_seconds())


def first_slot(now: datetime) -> int:
    """Return the oldest slot that is shown at `now`; the newest is the one that `now` is in."""
    return slot_of(now) - SLOTS + 1


def uptime_plot(stretches: Sequence[Stretch], now: datetime) -> Plot:
    """Return when a target was up, from observed stretches (state, from, until); what was not observed is a hole."""
    first = first_slot(now)
    since_at = datetime.fromtimestamp(first * SLOT.total_seconds(), now.tzinfo)
    seen: list[set[str]] = [set() for _ in range(SLOTS)]
    lasted = dict.fromkeys((TargetState.UP, TargetState.DEGRADED, TargetState.DOWN), timedelta())
    for state, begins_at, ends_at in stretches:
        if state not in lasted or ends_at < since_at or begins_at > now:
            continue
        begins_at, ends_at = max(begins_at, since_at), min(ends_at, now)  # noqa: PLW2901 - clipped to what is shown
        lasted[TargetState(state)] += max(ends_at - begins_at, timedelta())
        for slot in range(slot_of(begins_at), slot_of(ends_at) + 1):
            seen[slot - first].add(state)
    columns = [next(((height, tone) for state, height, tone in _SHOWN if state in found), None) for found in seen]
    return Plot(
        f"Uptime, the last {SPAN // timedelta(hours=1)} h, {duration(SLOT)} a column",
        _uptime_words(lasted),
        tuple(one[0] if one else None for one in columns),
        tuple(one[1] if one else Tone.UNKNOWN for one in columns),
    )


def latency_plot(medians: Mapping[int, float], now: datetime) -> Plot | None:
    """Return how fast a target answered, from the median of each slot in seconds; None: nothing is known."""
    first = first_slot(now)
    known = {slot: took_s for slot, took_s in medians.items() if 0 <= slot - first < SLOTS}
    if not known:
        return None
    most_s = max(known.values())
    heights = tuple(
        max(_LEAST, known[slot] / most_s if most_s else 0.0) if slot in known else None
        for slot in range(first, first + SLOTS)
    )
    words = f"Mostly {_milliseconds(median(known.values()))}, at most {_milliseconds(most_s)}, "
    words += f"at last {_milliseconds(known[max(known)])} (medians of {duration(SLOT)})."
    return Plot(
        f"Answer time, the last {SPAN // timedelta(hours=1)} h, {duration(SLOT)} a column",
        words,
        heights,
        tuple(Tone.UNKNOWN if height is None else Tone.PLAIN for height in heights),
    )


def _uptime_words(lasted: Mapping[TargetState, timedelta]) -> str:
    observed = sum(lasted.values(), timedelta())
    if not observed:
        return f"Not observed in the last {SPAN // timedelta(hours=1)} h."
    answered = share_words(1 - lasted[TargetState.DOWN] / observed)
    said = f"Uptime {answered}, observed for {duration(observed)}"
    said += f"; degraded for {duration(lasted[TargetState.DEGRADED])}" if lasted[TargetState.DEGRADED] else ""
    said += f"; down for {duration(lasted[TargetState.DOWN])}" if lasted[TargetState.DOWN] else ""
    return f"{said}."


def _milliseconds(took_s: float) -> str:
    return f"{took_s * 1000:,.1f} ms" if took_s < 0.01 else f"{took_s * 1000:,.0f} ms"  # noqa: PLR2004 - below it tenths count

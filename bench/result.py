"""What a measurement found, and the few figures that sum up many samples."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table, in words. met: whether the target was held; None: nothing was promised."""

    what: str
    found: str
    beside: str = "-"
    target: str = "-"
    met: bool | None = None


def share_at(samples: Sequence[float], share: float) -> float:
    """Return the smallest sample that at least `share` of them (0 to 1) do not exceed."""
    ordered = sorted(samples)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def seconds(length_s: float) -> str:
    """Write a length as people read it: 12 ms, 0.34 s, 5.6 s."""
    if length_s < 0.1:  # noqa: PLR2004 - where milliseconds read better
        return f"{length_s * 1000:.3g} ms"
    return f"{length_s:.2f} s" if length_s < 1 else f"{length_s:.1f} s"


def spread(samples: Sequence[float]) -> str:
    """Write the median and, where there are several, the extremes."""
    if len(samples) == 1:
        return seconds(samples[0])
    return f"{seconds(median(samples))} ({seconds(min(samples))}-{seconds(max(samples))})"

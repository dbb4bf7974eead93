"""When does something flap, so that each drop is no news any more? Plain values only.

The rule: what has changed more than `MANY` times within `WINDOW_S`, or more than `FEW` times within a few rounds of
looks (`short_s`), flaps. One message says so, and it is held until nothing has changed for `QUIET_S`; where it stays
down for `STAYS_DOWN_S` it flaps no more: it is down, and that is told anew.
"""

from __future__ import annotations

from enum import Enum, auto
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import timedelta

WINDOW_S = 300.0
MANY = 4
FEW = 2
QUIET_S = 300.0
STAYS_DOWN_S = 60.0
SHORTEST_S = 60.0
ROUNDS = 4


class FlappingPhase(Enum):
    """What has become of something that flaps."""

    ON = auto()
    QUIET = auto()
    STAYS_DOWN = auto()


def short_s(every: timedelta) -> float:
    """Return the shorter of the two times that the rule looks at, in seconds."""
    return min(WINDOW_S, max(SHORTEST_S, ROUNDS * every.total_seconds()))


def recent(changes_s: Sequence[float], at_s: float) -> tuple[float, ...]:
    """Return those of the changes that the rule still looks at, oldest first."""
    return tuple(change_s for change_s in changes_s if at_s - change_s < WINDOW_S)


def is_flapping(changes_s: Sequence[float], at_s: float, every: timedelta) -> bool:
    """Return whether what changed at these moments (drops and returns) flaps."""
    return _within(changes_s, at_s, WINDOW_S) > MANY or _within(changes_s, at_s, short_s(every)) > FEW


def what_became_of(changed_s: float, at_s: float, *, down: bool) -> FlappingPhase:
    """Say how it stands with something that flaps, and changed last at `changed_s`."""
    if down:
        return FlappingPhase.STAYS_DOWN if at_s - changed_s >= STAYS_DOWN_S else FlappingPhase.ON
    return FlappingPhase.QUIET if at_s - changed_s >= QUIET_S else FlappingPhase.ON


def _within(changes_s: Sequence[float], at_s: float, window_s: float) -> int:
    return sum(at_s - change_s < window_s for change_s in changes_s)

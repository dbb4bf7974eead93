"""Which of the watched things changed when, and which of them flap: kept while the bot runs, decided in `core`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from core.monitor.flapping import FlappingPhase, is_flapping, recent, what_became_of

if TYPE_CHECKING:
    from datetime import timedelta

    from core.fleet.target import Target


@dataclass(frozen=True, slots=True)
class Flapping:
    """One thing that flaps: how often it changed since `first_s`, when last, and how it is now."""

    changes: int
    first_s: float
    last_s: float
    down: bool


class StateChanges:
    """The drops and returns of each target, in seconds of the clock that never goes back."""

    def __init__(self, every: timedelta) -> None:
        self._every = every
        self._changes_s: dict[Target, tuple[float, ...]] = {}
        self.flapping: dict[Target, Flapping] = {}

    def returned(self, target: Target, at_s: float) -> None:
        """Take in that an outage has ended well."""
        self._changes_s[target] = self._with(target, at_s)

    def would_flap(self, target: Target, at_s: float) -> Flapping | None:
        """Return how it flaps where an outage begins now, None where it does not; nothing is taken in yet."""
        changes_s = self._with(target, at_s)
        if not is_flapping(changes_s, at_s, self._every):
            return None
        return Flapping(len(changes_s), changes_s[0], at_s, down=True)

    def dropped(self, target: Target, at_s: float) -> None:
        """Take in that an outage has begun, once it is on record: what has to be tried again is one drop."""
        flapping = self.would_flap(target, at_s)
        self._changes_s[target] = self._with(target, at_s)
        if flapping is not None:
            self.flapping[target] = flapping

    def seen(self, target: Target, at_s: float, *, down: bool) -> tuple[Flapping, FlappingPhase]:
        """Take in how something that flaps is now; return that, and what has become of it."""
        flapping = self.flapping[target]
        if flapping.down is not down:
            flapping = replace(flapping, changes=flapping.changes + 1, last_s=at_s, down=down)
            self.flapping[target] = flapping
        return flapping, what_became_of(flapping.last_s, at_s, down=down)

    def over(self, target: Target) -> None:
        """Forget a target's changes: it flaps no more."""
        self.flapping.pop(target, None)
        self._changes_s.pop(target, None)

    def _with(self, target: Target, at_s: float) -> tuple[float, ...]:
        return (*recent(self._changes_s.get(target, ()), at_s), at_s)

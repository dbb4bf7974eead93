"""How the fleet is, from what was last observed: what is too old is unknown (law 7); values only."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.monitor.detection import TargetState
from core.wording import count, listing

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime, timedelta

    from core.fleet import Watch

NAMED_SERVERS = 4
WORST_FIRST = (TargetState.DOWN, TargetState.DEGRADED, TargetState.UNKNOWN, TargetState.UP)


def stale_after(watch: Watch) -> timedelta:
    """Return the age at which an observation says nothing any more."""
    return 2 * watch.every + watch.timeout


def state_now(state: str, seen_at: datetime, now: datetime, watch: Watch) -> TargetState:
    """Return what an observation of `seen_at` says now: UNKNOWN where it is too old, or of a clock that ran ahead."""
    return TargetState(state) if abs(now - seen_at) <= stale_after(watch) else TargetState.UNKNOWN


@dataclass(frozen=True, slots=True)
class StateTally:
    """How many targets of one kind are in each state."""

    up: int = 0
    degraded: int = 0
    down: int = 0
    unknown: int = 0

    @property
    def all(self) -> int:
        """How many there are."""
        return self.up + self.degraded + self.down + self.unknown

    @property
    def counts(self) -> Mapping[TargetState, int]:
        """How many are in each state in which any are, worst first."""
        numbers = zip(WORST_FIRST, (self.down, self.degraded, self.unknown, self.up), strict=True)
        return {state: number for state, number in numbers if number}

    def in_words(self) -> str:
        """Say it, worst first: `1 down, 2 unknown, 9 up`."""
        return ", ".join(f"{number:,} {state}" for state, number in self.counts.items()) or "none"


def tally(states: Iterable[TargetState]) -> StateTally:
    """Count states."""
    return StateTally(**Counter(state.value for state in states))


def tally_of(counts: Mapping[str, int], total: int) -> StateTally:
    """Return the tally of `total` targets of which `counts` says those that were observed; the rest is unknown."""
    up, degraded, down = (counts.get(state, 0) for state in (TargetState.UP, TargetState.DEGRADED, TargetState.DOWN))
    return StateTally(up, degraded, down, max(0, total - up - degraded - down))


@dataclass(frozen=True, slots=True)
class Condition:
    """How one target is now, since when, why, and when it was last looked at; None: never."""

    state: TargetState = TargetState.UNKNOWN
    since_at: datetime | None = None
    why: str = ""
    seen_at: datetime | None = None


def condition(state: str, since_at: datetime, seen_at: datetime, why: str, now: datetime, watch: Watch) -> Condition:
    """Return what an observation says now; of one that is too old only its age is left."""
    still = state_now(state, seen_at, now, watch)
    if still is TargetState.UNKNOWN and state != TargetState.UNKNOWN:
        return Condition(TargetState.UNKNOWN, None, "not looked at lately", seen_at)
    return Condition(still, since_at, why, seen_at)


def worst_first(state: TargetState, name: str) -> tuple[int, str]:
    """Return the key that sorts the worst to the front."""
    return WORST_FIRST.index(state), name


def fleet_title(fleet: str, servers: Mapping[str, TargetState], sites: StateTally, nameservers: StateTally) -> str:
    """Say the whole in one line: `sharpnet: uk down, us up; 11 of 12 sites served, 6 of 6 name servers in step`."""
    if len(servers) <= NAMED_SERVERS:
        said = ", ".join(f"{name} {state}" for name, state in servers.items())
    else:
        trouble = [f"{name} {state}" for name, state in servers.items() if state is not TargetState.UP]
        trouble.sort(key=lambda words: worst_first(TargetState(words.rpartition(" ")[2]), words))
        up = len(servers) - len(trouble)
        said = f"{up:,} of {count(len(servers), 'server')} up" + (f" ({listing(trouble, 3)})" if trouble else "")
    sites_said = f"{sites.up + sites.degraded:,} of {count(sites.all, 'site')} served"
    if not sites.all:
        sites_said = "no sites"
    names_said = f"{nameservers.up:,} of {count(nameservers.all, 'name server')} in step"
    return f"{fleet}: {said}; {sites_said}, {names_said}"


def all_up(servers: Mapping[str, TargetState], sites: StateTally, nameservers: StateTally) -> bool:
    """Return whether there is nothing that is not seen to be up."""
    return all(state is TargetState.UP for state in servers.values()) and all(
        one.up == one.all for one in (sites, nameservers)
    )

"""What is watched, and what is known of it: one track a target, where each site is served from, and what to store."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from core.fleet.target import Target
from core.monitor.detection import TargetState, Track, resumed
from core.monitor.state import stale_after
from ops.store.monitor.states import ObservedState

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from core.fleet import Fleet
    from core.incident.facts import OutageEnd
    from core.incident.outage import Outage

ABLE = frozenset({TargetState.UP, TargetState.DEGRADED})


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


class WatchState:
    """The fleet as the watch sees it. Changed only by the watch, on the event loop.

    tracks: by target. active: the server of each site, by site. failing: by server, its sites that fail although the
    server itself answers. lacking: likewise those that answer, but not in full. noted: by server or name server, what
    each check says of it. behind: by name server, what it lags in; refusing: those of them that do not answer for a
    zone; lame: the targets of these, once that is settled; nameservers_up: how many are judged up. pointing_wrong: by
    site, what is wrong with its records. resumed: when each target whose outage was open at the start was last seen
    down, until it is seen so again. reported: by target, who else calls it down.
    """

    def __init__(self, fleet: Fleet) -> None:
        self.fleet = fleet
        self.watch = fleet.watch
        self.machines = [*map(Target.server, fleet.servers)]
        self.nameservers = {Target.nameserver(server.name): server for server in fleet.dns.nameservers}
        self.tracks: dict[Target, Track] = {key: Track() for key in (*self.machines, *self.nameservers)}
        self.tracks |= {Target.site(name): Track() for name in fleet.sites}
        self.active = {name: site.home for name, site in fleet.sites.items()}
        self.on_server: dict[str, dict[str, None]] = defaultdict(dict)
        for name, server in self.active.items():
            self.on_server[server][name] = None
        self.failing: dict[str, dict[str, Track]] = defaultdict(dict)
        self.lacking: dict[str, dict[str, Track]] = defaultdict(dict)
        self.noted: dict[Target, dict[str, Track]] = defaultdict(dict)
        self.behind: Mapping[str, str] = {}
        self.refusing: frozenset[str] = frozenset()
        self.lame: set[Target] = set()
        self.pointing_wrong: Mapping[str, str] = {}
        self.resumed: dict[Target, datetime] = {}
        self.reported: Mapping[Target, tuple[str, ...]] = {}
        self.nameservers_up = 0
        self.changed = True
        self._before: dict[Target, ObservedState] = {}
        self._fresh: list[ObservedState] = []
        addresses = {
            address: server.name
            for server in fleet.servers.values()
            for address in (server.ipv4, server.ipv6)
            if address is not None
        }
        self.machine_of = {key: addresses.get(server.endpoint.address) for key, server in self.nameservers.items()} | {
            Target.server(name): name for name in fleet.servers
        }

    @property
    def places(self) -> list[Target]:
        """Every target that is a machine of its own: servers first, then name servers."""
        return [*self.machines, *self.nameservers]

    def take_up(self, states: Mapping[Target, ObservedState], outages: Iterable[Outage]) -> None:
        """Go on from what was stored: what was down with an outage open still is; all else has to be seen."""
        self._before = {key: seen for key, seen in states.items() if key in self.tracks}
        for outage in outages:
            if outage.target in self.tracks:
                seen, why = self._before.get(outage.target), outage.facts.why
                if outage.facts.lame:
                    # It is not down, and lame until its zones have been compared.
                    name = outage.target.name
                    self.refusing, self.behind = self.refusing | {name}, {**self.behind, name: why}
                else:
                    self.tracks[outage.target] = resumed(outage.opened_at, why)
                self.resumed[outage.target] = seen.seen_at if seen is not None else outage.opened_at

    def move(self, active: Mapping[str, str]) -> list[str]:
        """Take in where sites are served from; return those that moved: of them nothing is known any more."""
        moved = [
            site
            for site, server in active.items()
            if site in self.active and server in self.fleet.servers and self.active[site] != server
        ]
        for site in moved:
            before = self.active[site]
            self.on_server[before].pop(site, None)
            self.failing[before].pop(site, None)
            self.lacking[before].pop(site, None)
            self.active[site] = active[site]
            self.on_server[active[site]][site] = None
            self.tracks[Target.site(site)] = Track()
        self.changed = self.changed or bool(moved)
        return moved

    def keep(self, key: Target, track: Track, at: datetime, *, settled: bool = True) -> None:
        """Keep a track after a look at `at`; what it says is stored where it is settled, and in no doubt."""
        before, seen = self.tracks[key], self._before.get(key)
        if settled and not track.in_doubt and track.judged is not TargetState.UNKNOWN and seen is not None:
            track = _since_before(track, self._before.pop(key), at, self.fleet)
        self.tracks[key] = track
        if track.judged is not before.judged:
            self.changed = True
        if track.row and track.row[-1] is not TargetState.UP:
            self.resumed.pop(key, None)
        if key.kind == "site":
            self._keep_failing(key.name, track)
        if key in self.nameservers:
            self.nameservers_up += (track.judged is TargetState.UP) - (before.judged is TargetState.UP)
        if key in self.nameservers and settled and not track.in_doubt:
            lame = track.judged is TargetState.DEGRADED and self.nameservers[key].name in self.refusing
            (self.lame.add if lame else self.lame.discard)(key)
        if settled and not track.in_doubt and track.since_at is not None:
            # What has just been judged was already so at the first of the looks that it was judged by.
            began = track.row_began_at if track.judged is not before.judged and track.row else None
            for moment in sorted({min(began or at, at), at}):
                self._fresh.append(ObservedState(key, track.judged.value, track.since_at, moment, track.why))

    def note(self, target: Target, check: str, track: Track) -> None:
        """Keep what a check says of a target; it counts once it is settled."""
        before = self.noted[target].get(check)
        self.noted[target][check] = track
        if before is None or (before.judged, before.why) != (track.judged, track.why):
            self.changed = True

    def remarks(self, target: Target) -> dict[str, Track]:
        """Return the tracks of the checks that found something not as it should be, by check."""
        return {check: one for check, one in self.noted.get(target, {}).items() if one.judged is TargetState.DEGRADED}

    def answers(self, target: Target) -> bool:
        """Return whether a target was up, in full or not, when it was last looked at."""
        track = self.tracks[target]
        return track.judged in ABLE and track.row[-1:] != (TargetState.DOWN,)

    def is_in_full(self, server: str) -> bool:
        """Return whether a server and all its sites were looked at, and nothing of them is lacking."""
        noted = self.noted.get(Target.server(server), {}).values()
        sites = [self.tracks[Target.site(site)] for site in self.on_server[server]]
        return (
            self.answers(Target.server(server))
            and all(track.judged is TargetState.UP for track in noted)
            and not any(track.judged in {TargetState.UNKNOWN, TargetState.DEGRADED} for track in sites)
        )

    def take_fresh(self, most: int) -> list[ObservedState]:
        """Take up to `most` of what has to be stored, oldest first."""
        taken, self._fresh = self._fresh[:most], self._fresh[most:]
        return taken

    def put_back(self, seen: list[ObservedState], most: int) -> None:
        """Keep what could not be stored, the newest `most` of it."""
        self._fresh = (seen + self._fresh)[-most:]

    def _keep_failing(self, site: str, track: Track) -> None:
        server = self.active[site]
        if track.judged is TargetState.DEGRADED:
            before = self.lacking[server].get(site)
            self.changed = self.changed or before is None or before.why != track.why
            self.lacking[server][site] = track
        elif self.lacking[server].pop(site, None) is not None:
            self.changed = True
        own = track.verdict is not None and not track.verdict.inherited
        if track.judged is TargetState.DOWN and own:
            self.changed = self.changed or site not in self.failing[server]
            self.failing[server][site] = track
        elif self.failing[server].pop(site, None) is not None:
            self.changed = True


def _since_before(track: Track, seen: ObservedState, at: datetime, fleet: Fleet) -> Track:
    """Let a state that was the same before a short stop of the bot have begun when it did."""
    if seen.state == track.judged.value and at - seen.seen_at <= stale_after(fleet.watch):
        return replace(track, since_at=seen.since_at)
    return track

"""What is wrong now, as people are told of it: machines, the sites on a server together, and the bot's own link."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.fleet.target import Target
from core.monitor.detection import TargetState, Track
from core.monitor.site_limits import degraded_words
from core.monitor.state import stale_after
from jobs.watch.state import ABLE, ActiveCondition

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from core.incident.outage import Outage
    from jobs.watch.state import WatchState
    from jobs.watch.suppression import Suppression
    from ops.contracts import Clock

# Web servers may start later than SSH: so long after a server's return its sites' failing is still its own outage.
GRACE_S = 30.0


class Conditions:
    """Sums the tracks up."""

    def __init__(self, state: WatchState, suppression: Suppression, clock: Clock) -> None:
        self._state = state
        self._suppression = suppression
        self._clock = clock
        self._down_s: dict[str, float] = {}

    def active(self, opened: Mapping[Target, Outage]) -> Mapping[Target, ActiveCondition]:
        """Return what is wrong now, by target. opened: the outages that are open."""
        found = (*self._machines(), *self._sites(opened), *self._degraded(), *self._link())
        return {one.target: one for one in found}

    def _machines(self) -> Iterable[ActiveCondition]:
        state = self._state
        for key in state.places:
            track = state.tracks[key]
            if (track.down_itself or key in state.lame) and track.since_at is not None:
                yield ActiveCondition(key, track.since_at, track)
                if key.kind == "server":
                    self._down_s[key.name] = self._clock.monotonic()

    def _sites(self, opened: Mapping[Target, Outage]) -> Iterable[ActiveCondition]:
        """Yield the sites that fail although their server answers: together, and those of a maintenance alone."""
        state = self._state
        for server in state.failing:
            target, failing = Target("sites", server), self._suppression.failing(server, opened)
            reachable = state.tracks[Target.server(server)].held in ABLE
            just_back = self._clock.monotonic() - self._down_s.get(server, float("-inf")) < GRACE_S
            for site in state.failing[server].keys() - failing.keys():
                track = state.failing[server][site]
                if track.since_at is not None:
                    yield ActiveCondition(Target.site(site), track.since_at, track)
            if failing and reachable and (target in opened or not just_back):
                first = min(failing.values(), key=lambda track: track.row_began_s)
                yield ActiveCondition(target, min(one.since_at for one in failing.values() if one.since_at), first)

    def _degraded(self) -> Iterable[ActiveCondition]:
        """Yield servers that answer, but lack something, or sites on them do."""
        state = self._state
        for server in state.fleet.servers:
            remarks, lacking = state.remarks(Target.server(server)).values(), state.lacking[server]
            since = [track.since_at for track in (*remarks, *lacking.values()) if track.since_at is not None]
            if since:
                words = degraded_words([one.why for one in remarks], {site: lacking[site].why for site in lacking})
                yield ActiveCondition(Target("degraded", server), min(since), Track(why=words))

    def _link(self) -> Iterable[ActiveCondition]:
        """Yield the bot's own link where nothing at all answers, once that has lasted so long that all is unknown."""
        state = self._state
        machines = [state.tracks[key] for key in state.machines]
        # A name server on a machine that cannot be seen was not looked at: it says nothing either way.
        tracks = machines + [track for key in state.nameservers if (track := state.tracks[key]).row]
        nothing = all(track.row and track.row[-1] is TargetState.DOWN for track in tracks)
        if not nothing or all(track.judged is not TargetState.UNKNOWN for track in tracks):
            return
        last = max(tracks, key=lambda track: track.row_began_s)
        lasts_s = self._clock.monotonic() - last.row_began_s
        if last.row_began_at is not None and lasts_s >= stale_after(state.watch).total_seconds():
            yield ActiveCondition(Target("link", "bot"), last.row_began_at, Track())

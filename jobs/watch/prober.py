"""What one look at a target is, and what follows from it; each kind has its own, since they depend on each other."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from datetime import timedelta
from itertools import islice
from typing import TYPE_CHECKING, Any

from core.fleet.target import Target
from core.monitor.detection import (
    Judgement,
    LookVerdict,
    TargetState,
    Track,
    after_inheriting,
    after_look,
    after_verdict,
    awaits_verdict,
    inherited,
    judge,
    judge_dependent,
    may_settle_down,
    next_delay,
    verdict_is_fresh,
)
from core.monitor.site_limits import site_lacks, slow
from jobs.watch.isolation import isolate_failure

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from jobs.watch.isolation import OwnLacks
    from jobs.watch.state import WatchState
    from ops.contracts import Clock, Look, Probe

VANTAGE_POINTS = 2
ROUNDS = 2
WITNESSES = 4
SAMPLED_SITES = 5
NEIGHBOURS = 50


class Prober:
    """Looks at one target at a time and keeps what was found in the state of the watch.

    Each look returns after how long the target is due again; None: at its next regular moment. `hurry` is told which
    other targets there is now reason to look at.
    """

    def __init__(
        self,
        state: WatchState,
        probe: Probe,
        clock: Clock,
        hurry: Callable[[list[Target]], None],
        lacks: OwnLacks,
    ) -> None:
        self._state = state
        self._probe = probe
        self._clock = clock
        self._hurry = hurry
        self._lacks = lacks
        self._timeout_s = state.watch.timeout.total_seconds()

    async def server(self, key: Target) -> timedelta | None:
        """Look at a server: SSH, and once there is trouble, some of its sites at the same time.

        Down: neither SSH nor any of those sites answers. Degraded: its sites do, SSH does not, or a check remarks.
        """
        state, name, track = self._state, key.name, self._state.tracks[key]
        wary = track.in_doubt or track.held is not TargetState.UP or state.watch.down_after == 1
        sampled = self._sample(name) if wary and track.row else []
        with self._early_evidence(key, track) as early:
            banner, *sites = await asyncio.gather(
                self._probe.ssh_banner(name, timeout_s=self._timeout_s),
                *(self._probe.site(state.fleet.sites[site], name, timeout_s=self._timeout_s) for site in sampled),
            )
            found, why = self._in_full(key)
            if not banner.ok:
                answers = any(look.ok for look in sites)
                found = TargetState.DEGRADED if answers else TargetState.DOWN
                why = f"SSH: {banner.why}" + ("; its sites answer" if answers else "")
            looked = after_look(track, self._finding(found, why), state.watch)
            if awaits_verdict(looked) and not verdict_is_fresh(looked, self._clock.monotonic()):
                verdict = await (early or self._evidence(key, looked))
                looked = after_verdict(looked, verdict, why, self._clock.now(), state.watch)
        state.keep(key, looked, self._clock.now())
        if track.since_at is not None and track.judged is not looked.judged:
            self._hurry([Target.site(site) for site in state.on_server[name]])
        return self._delay(looked)

    async def nameserver(self, key: Target) -> timedelta | None:
        """Look at a name server by one zone's SOA, another zone each time. Degraded: it lags behind."""
        state, name, track = self._state, key.name, self._state.tracks[key]
        machine = state.machine_of[key]
        if machine is not None and self._inherit(key, machine):
            return None
        zones = state.fleet.dns.zones
        zone = zones[int(self._clock.monotonic() / state.watch.every.total_seconds()) % len(zones)]
        with self._early_evidence(key, track) as early:
            look = await self._probe.nameserver(name, zone, timeout_s=self._timeout_s)
            found, why = TargetState.DOWN, look.why
            if look.ok:
                found, why = self._in_full(key, state.behind.get(name, ""), self._slow(look))
            looked = after_look(track, self._finding(found, why), state.watch)
            if awaits_verdict(looked) and not verdict_is_fresh(looked, self._clock.monotonic()):
                verdict = await self._nameserver_verdict(key, looked, early)
                return self._conclude(key, looked, verdict, why)
        state.keep(key, looked, self._clock.now())
        return self._delay(looked)

    async def site(self, key: Target) -> timedelta | None:
        """Look at a site on the server that it is served from. That server's own trouble is not the site's."""
        state, name, track = self._state, key.name, self._state.tracks[key]
        server = state.active[name]
        if self._inherit(key, server):
            return None
        if state.tracks[Target.server(server)].in_doubt:
            return state.watch.retry
        look = await self._probe.site(state.fleet.sites[name], server, timeout_s=self._timeout_s)
        if state.active[name] != server or state.tracks[key] is not track:
            return timedelta()
        at, found, why = self._clock.now(), TargetState.DOWN, look.why
        if look.ok:
            lacks = site_lacks(state.fleet.sites[name].check, look.took_s, look.certificate_ends_at, at)
            found, why = self._in_full(key, state.pointing_wrong.get(name, ""), lacks)
        looked = after_look(track, LookVerdict(found, at, self._clock.monotonic(), why), state.watch)
        if not look.ok and not track.in_doubt and track.held is TargetState.UP:
            self._hurry([Target.server(server), *self._neighbours(server, looked)])
        if awaits_verdict(looked):
            return self._conclude(key, looked, self._because_of(server, looked), look.why)
        state.keep(key, looked, at)
        return self._delay(looked)

    def _in_full(self, key: Target, *lacks: str) -> tuple[TargetState, str]:
        """Return what is found of a target that answers: up, or degraded and why."""
        lacking = [words for words in (*lacks, *(track.why for track in self._state.remarks(key).values())) if words]
        return (TargetState.DEGRADED if lacking else TargetState.UP), "; ".join(lacking)

    def _slow(self, look: Look) -> str:
        within = self._state.fleet.dns.answer_within
        return slow(look.took_s, within) if within is not None and look.took_s > within.total_seconds() else ""

    def _conclude(self, key: Target, looked: Track, verdict: Judgement | None, why: str) -> timedelta | None:
        """Keep a track that awaited a verdict; where there is none yet, look again soon."""
        at = self._clock.now()
        if verdict is None:
            self._state.keep(key, looked, at, settled=False)
            return self._state.watch.retry
        self._state.keep(key, after_verdict(looked, verdict, why, at, self._state.watch), at)
        return self._delay(looked)

    async def _nameserver_verdict(
        self, key: Target, track: Track, early: asyncio.Task[Judgement] | None
    ) -> Judgement | None:
        machine = self._state.machine_of[key]
        if machine is not None:
            verdict = self._because_of(machine, track)
            if verdict is None or verdict.inherited:
                return verdict
        return await (early or self._evidence(key, track))

    def _neighbours(self, server: str, track: Track) -> list[Target]:
        """Return other sites on `server` to look at now, since what failed may be what they share."""
        tracks, watch = self._state.tracks, self._state.watch
        before_s = track.row_began_s - watch.retry.total_seconds()
        keys = [Target.site(site) for site in islice(self._state.on_server[server], NEIGHBOURS)]
        return [key for key in keys if not tracks[key].in_doubt and (tracks[key].looked_s or 0.0) < before_s]

    def _inherit(self, key: Target, server: str) -> bool:
        """Keep what follows from the state of the machine, and return whether that is all there is to know."""
        verdict = inherited(server, self._state.tracks[Target.server(server)])
        if verdict is None:
            return False
        at = self._clock.now()
        self._state.keep(key, after_inheriting(self._state.tracks[key], verdict, at), at)
        return True

    def _because_of(self, server: str, track: Track) -> Judgement | None:
        verdict = judge_dependent(server, self._state.tracks[Target.server(server)], track.row_began_s)
        if verdict is None:
            self._hurry([Target.server(server)])
        return verdict

    @contextmanager
    def _early_evidence(self, key: Target, track: Track) -> Iterator[asyncio.Task[Judgement] | None]:
        """Begin to gather evidence beside the look that may settle it, so that nobody waits for one after the other."""
        if not may_settle_down(track, self._state.watch, self._clock.monotonic()):
            yield None
            return
        early = asyncio.ensure_future(self._evidence(key, track))
        try:
            yield early
        finally:
            _let_go(early)

    async def _evidence(self, key: Target, track: Track) -> Judgement:
        """Ask other places about `key`, and other machines whether the bot's own link is up; give the verdict."""
        witnesses = asyncio.ensure_future(self._witnesses(key, track))
        second_looks: dict[str, bool | None] = {}
        try:
            vantages = self._vantages(key)
            for first in range(0, min(len(vantages), ROUNDS * VANTAGE_POINTS), VANTAGE_POINTS):
                names = vantages[first : first + VANTAGE_POINTS]
                looks = await asyncio.gather(*(self._second_look(name, key) for name in names))
                second_looks |= {name: look.ok if look else None for name, look in zip(names, looks, strict=True)}
                if any(look is not None for look in looks):
                    # They could be used, so the bot's own link is up: nothing else has to answer.
                    return judge(second_looks, {}, self._state.reported.get(key, ()))
            return judge(second_looks, await witnesses, self._state.reported.get(key, ()))
        finally:
            _let_go(witnesses)

    async def _second_look(self, vantage: str, key: Target) -> Look | None:
        """Look from there; a mistake in here is no reason to call nothing down: that place could not be used."""
        look = self._probe.second_look(vantage, key, timeout_s=self._timeout_s)
        return await isolate_failure(look, f"{key} from={vantage}", self._lacks)

    def _vantages(self, key: Target) -> list[str]:
        """Return the servers to look from, those that are well first; none that is the same machine."""
        state = self._state
        others = [name for name in state.fleet.servers if name != state.machine_of[key]]
        return sorted(others, key=lambda name: not _answers(state.tracks[Target.server(name)]))

    async def _witnesses(self, key: Target, track: Track) -> dict[str, bool]:
        """Return whether other machines answered here since the failures began; asks some where none is known to."""
        state, mine = self._state, self._state.machine_of[key]
        others = [place for place in state.places if place != key and (mine is None or state.machine_of[place] != mine)]
        known = next((place for place in others if _answers(state.tracks[place], track.row_began_s)), None)
        if known is not None:
            return {str(known): True}
        # From both ends: the first are servers, the last name servers.
        asked = list(dict.fromkeys([*others[: WITNESSES // 2], *others[-WITNESSES // 2 :]]))
        looks = await asyncio.gather(*(self._plain_look(place) for place in asked))
        return {str(place): look.ok for place, look in zip(asked, looks, strict=True)}

    def _plain_look(self, key: Target) -> Awaitable[Look]:
        if key.kind == "server":
            return self._probe.ssh_banner(key.name, timeout_s=self._timeout_s)
        return self._probe.nameserver(key.name, self._state.fleet.dns.zones[0], timeout_s=self._timeout_s)

    def _sample(self, server: str) -> list[str]:
        """Return some sites that are served from there, those first that were seen up."""
        state = self._state
        chosen: list[str] = []
        spare: list[str] = []
        for site in state.on_server[server]:
            (chosen if state.tracks[Target.site(site)].held is TargetState.UP else spare).append(site)
            if len(chosen) == SAMPLED_SITES:
                break
        return (chosen + spare)[:SAMPLED_SITES]

    def _finding(self, state: TargetState, why: str) -> LookVerdict:
        return LookVerdict(state, self._clock.now(), self._clock.monotonic(), why)

    def _delay(self, track: Track) -> timedelta | None:
        return next_delay(track, self._state.watch) if track.in_doubt else None


def _let_go(asking: asyncio.Future[Any]) -> None:
    """Wait for it no more. What it failed by is asked for, or the loop would complain of it."""
    if not asking.cancel() and not asking.cancelled():
        asking.exception()


def _answers(track: Track, since_s: float = float("-inf")) -> bool:
    return bool(track.row) and track.row[-1] is not TargetState.DOWN and (track.looked_s or 0.0) >= since_s

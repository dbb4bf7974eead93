"""Tells people: holds what is down against the outages that are open, and opens, changes and closes them.

Nothing is remembered between two rounds that the store does not hold too: a bot that was killed and started again
finds the outage open, and goes on with the same message. Many things that die at once make at most three messages:
within the time in which they are all found, the third message takes all that follow. What drops again and again makes
one (`core.monitor.flapping`).
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from core.fleet.target import Target
from core.incident.card import card_of
from core.incident.facts import NAMED, OutageEnd, OutageFacts
from core.monitor.detection import TargetState, Track, found_within, which_card
from core.monitor.flapping import FlappingPhase
from core.monitor.site_limits import degraded_words
from core.monitor.state import stale_after
from jobs.watch.flapping import Flapping, StateChanges
from jobs.watch.late_joins import Joining
from jobs.watch.resolution import Resolution, Resolutions
from jobs.watch.suppression import Suppression
from jobs.watch.takeovers import gather_facts
from ops.store.incident.outages import OutageOpening

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import datetime

    from core.incident.outage import Outage
    from core.reply import Reply
    from jobs.watch.state import WatchState
    from ops.ports import Ports
    from ops.store.incident.outages import Choose

log = logging.getLogger(__name__)

WHO = "bot:watch"
# What dies together is told together: so long the first waits for the others.
COLLECT_S = 0.25
EVERY_S = 0.25
# Facts that nothing here announces (copies, quarantine) are read again this often while an outage is open.
READ_AGAIN_S = 10.0
# Web servers may start later than SSH: so long after a server's return its sites' failing is still its own outage.
GRACE_S = 30.0


@dataclass(frozen=True, slots=True)
class ActiveCondition:
    """Something that is down now, since `since_at`."""

    target: Target
    since_at: datetime
    track: Track


class OutageManager:
    """Keeps the outages in the store as the scene is. opened: called whenever there is a new message."""

    def __init__(self, scene: WatchState, ports: Ports, opened: Callable[[], None] = lambda: None) -> None:
        self._scene = scene
        self._ports = ports
        self._clock = ports.clock
        self._tell_opened = opened
        self._store = ports.store.outages
        self._silence = Suppression(scene, ports)
        self._endings = Resolutions(scene, self._silence, ports)
        self._joining = Joining(ports.store.notifications)
        self._open: dict[Target, Outage] = {}
        self._waiting_s: float | None = None
        self._read_s = float("-inf")
        self._cards: dict[bool, list[tuple[float, str]]] = {True: [], False: []}
        self._card_of: dict[Target, str] = {}
        self._changes = StateChanges(scene.watch.every)
        self._returned_s: dict[str, float] = {}
        self._nameservers_up = 0

    def take_up(self, outages: Iterable[Outage]) -> None:
        """Go on with the outages that were open."""
        self._open = {outage.target: outage for outage in outages}
        for target, outage in self._open.items():
            facts = outage.facts
            if facts.changes and facts.first_change_at is not None:
                first_s = self._clock.monotonic() - (self._clock.now() - facts.first_change_at).total_seconds()
                self._changes.go_on(target, facts.changes, first_s, self._clock.monotonic())

    def due_in_s(self) -> float:
        """Return how many seconds may pass before the next `settle`."""
        left_s = self._waiting_s + COLLECT_S - self._clock.monotonic() if self._waiting_s is not None else EVERY_S
        # What should have been told and could not be, since the store failed, is not tried all the time.
        return left_s if 0 < left_s < EVERY_S else EVERY_S

    async def settle(self) -> None:
        """Open, change and close outages, so that they are as the scene is."""
        # What changes from here on is for the next time.
        changed, self._scene.changed = self._scene.changed, False
        # Nobody is alerted about work that was announced a moment before the drop.
        await self._silence.read(at_once=self._waiting_s is not None)
        now_s = self._clock.monotonic()
        tracks = (self._scene.tracks[key] for key in self._scene.nameservers)
        self._nameservers_up = sum(track.judged is TargetState.UP for track in tracks)
        troubles = {trouble.target: trouble for trouble in self._troubles(now_s)}
        fresh = await self._silence.sort_out(
            troubles.values(), self._open, lambda target, facts: self._endings.of(target, facts, troubles, self._open)
        )
        if fresh and self._waiting_s is None:
            self._waiting_s = now_s
        await self._hold(troubles, now_s)
        await self._close(troubles)
        await self._joining.tell(now_s, self._clock.now())
        if fresh and now_s - (self._waiting_s or 0.0) >= COLLECT_S:
            await self._announce_all(fresh, now_s)
            fresh = []
        if not fresh:
            self._waiting_s = None
        if changed or now_s - self._read_s >= READ_AGAIN_S:
            self._read_s = now_s
            await self._refresh(troubles)

    def _troubles(self, now_s: float) -> Iterable[ActiveCondition]:
        scene = self._scene
        for key in scene.machines:
            track = scene.tracks[key]
            if track.judged is TargetState.DOWN and track.since_at is not None:
                self._returned_s[key.name] = now_s
                yield ActiveCondition(key, track.since_at, track)
        for key in scene.nameservers:
            track = scene.tracks[key]
            inherits = track.verdict is not None and track.verdict.inherited
            down = track.judged is TargetState.DOWN and not inherits
            if (down or key in scene.lame) and track.since_at is not None:
                yield ActiveCondition(key, track.since_at, track)
        for server in scene.failing:
            target, failing = Target("sites", server), self._silence.failing(server, self._open)
            reachable = scene.tracks[Target.server(server)].held in {TargetState.UP, TargetState.DEGRADED}
            just_back = now_s - self._returned_s.get(server, float("-inf")) < GRACE_S
            for site in scene.failing[server].keys() - failing.keys():
                track = scene.failing[server][site]
                if track.since_at is not None:
                    yield ActiveCondition(Target.site(site), track.since_at, track)
            if failing and reachable and (target in self._open or not just_back):
                first = min(failing.values(), key=lambda track: track.row_began_s)
                yield ActiveCondition(target, min(one.since_at for one in failing.values() if one.since_at), first)
        yield from self._degraded()
        blind = self._blind_since()
        if blind is not None:
            yield ActiveCondition(Target("link", "bot"), blind, Track())

    def _degraded(self) -> Iterable[ActiveCondition]:
        """Yield servers that answer, but lack something, or sites on them do."""
        scene = self._scene
        for server in scene.fleet.servers:
            remarks, lacking = scene.remarks(Target.server(server)), scene.lacking[server]
            since = [track.since_at for track in (*remarks, *lacking.values()) if track.since_at is not None]
            if since:
                words = degraded_words([one.why for one in remarks], {site: lacking[site].why for site in lacking})
                yield ActiveCondition(Target("degraded", server), min(since), Track(why=words))

    def _blind_since(self) -> datetime | None:
        """Return since when nothing at all answers, once that has lasted so long that everything is unknown."""
        machines = [self._scene.tracks[key] for key in self._scene.machines]
        # A name server on a machine that cannot be seen was not looked at: it says nothing either way.
        tracks = machines + [track for key in self._scene.nameservers if (track := self._scene.tracks[key]).row]
        nothing = all(track.row and track.row[-1] is TargetState.DOWN for track in tracks)
        if not nothing or all(track.judged is not TargetState.UNKNOWN for track in tracks):
            return None
        last = max(tracks, key=lambda track: track.row_began_s)
        lasts_s = self._clock.monotonic() - last.row_began_s
        return last.row_began_at if lasts_s >= stale_after(self._scene.watch).total_seconds() else None

    async def _hold(self, troubles: Mapping[Target, ActiveCondition], now_s: float) -> None:
        """Follow what flaps: keep its message, until it is quiet, or stays down and is told anew."""
        for target in [target for target in self._changes.flapping if target in self._open]:
            outage, down = self._open[target], target in troubles
            ended = None if down else self._endings.of(outage.target, outage.facts, troubles, self._open)
            if ended is None and not down:
                continue
            if ended is not None and ended.how not in {OutageEnd.UP, OutageEnd.DEGRADED}:
                self._changes.over(target)
                continue
            flapping, became = self._changes.seen(target, now_s, down=down)
            facts = self._flapping_facts(outage.facts, flapping, now_s)
            if facts != outage.facts:
                await self._change([replace(outage, facts=facts)])
            if became is FlappingPhase.STAYS_DOWN:
                await self._close_as([(self._open[target], Resolution(OutageEnd.JOINED, "", self._clock.now()))])
            if became is not FlappingPhase.ON:
                self._changes.over(target)

    def _flapping_facts(self, facts: OutageFacts, flapping: Flapping, now_s: float) -> OutageFacts:
        if facts.changes == flapping.changes:
            return facts
        now = self._clock.now()
        first_at = facts.first_change_at or now - timedelta(seconds=now_s - flapping.first_s)
        return replace(
            facts, changes=flapping.changes, first_change_at=first_at, last_change_at=now, down_now=flapping.down
        )

    async def _announce_all(self, troubles: list[ActiveCondition], now_s: float) -> None:
        """Open outages: what is degraded apart from what is down, and what flaps in the message that it had."""
        plain: dict[bool, list[ActiveCondition]] = {True: [], False: []}
        for trouble in troubles:
            flapping = self._changes.would_flap(trouble.target, now_s)
            if flapping is None:
                plain[trouble.target.kind == "degraded"].append(trouble)
                continue
            facts = self._flapping_facts(await self._facts(trouble, OutageFacts()), flapping, now_s)
            opening = OutageOpening(trouble.target, trouble.since_at, facts, facts.first_change_at)
            before = self._card_of.get(trouble.target)
            await self._open_many([opening], partial(_always, before))
            self._changes.dropped(trouble.target, now_s)
        for degraded, group in plain.items():
            if group:
                await self._announce(group, self._cards[degraded], now_s)
            for trouble in group:
                self._changes.dropped(trouble.target, now_s)

    async def _announce(self, troubles: list[ActiveCondition], cards: list[tuple[float, str]], now_s: float) -> None:
        window_s = found_within(self._scene.watch).total_seconds()
        recent = [(at_s, key) for at_s, key in cards if now_s - at_s < window_s]
        openings = [
            OutageOpening(trouble.target, trouble.since_at, await self._facts(trouble, OutageFacts()))
            for trouble in troubles
        ]
        outages = await self._open_many(
            openings, lambda made: which_card([*recent, *((now_s, key) for key in made)], now_s, window_s)
        )
        known, used = {key for _, key in recent}, dict.fromkeys(one.card for one in outages)
        for opened_s, key in recent:
            if key in used:
                self._joining.joined(key, opened_s + window_s)
        cards[:] = [*recent, *((now_s, key) for key in used if key not in known)]

    async def _open_many(self, openings: list[OutageOpening], choose: Choose) -> tuple[Outage, ...]:
        outages = await self._store.open_many(openings, WHO, choose, self._draw, self._clock.now())
        self._open |= {outage.target: outage for outage in outages}
        self._card_of |= {outage.target: outage.card for outage in outages}
        self._tell_opened()
        for outage in outages:
            log.warning("outage=%d target=%s card=%s opened", outage.id, outage.target, outage.card)
        return outages

    async def _refresh(self, troubles: Mapping[Target, ActiveCondition]) -> None:
        """Change the outages that go on where their facts have changed."""
        changed: list[Outage] = []
        for target, outage in self._open.items():
            if target in troubles:
                facts = await self._facts(troubles[target], outage.facts)
                if facts != outage.facts:
                    changed.append(replace(outage, facts=facts))
        if changed:
            await self._change(changed)

    async def _change(self, changed: list[Outage]) -> None:
        await self._store.change_many(changed, self._draw, self._clock.now())
        self._open |= {outage.target: outage for outage in changed}

    async def _close(self, troubles: Mapping[Target, ActiveCondition]) -> None:
        """Close the outages that have ended; what flaps has not, until it is quiet."""
        held = self._changes.flapping
        settled = [outage for target, outage in self._open.items() if target not in held]
        endings = [(outage, self._endings.of(outage.target, outage.facts, troubles, self._open)) for outage in settled]
        over = [(outage, ended) for outage, ended in endings if ended is not None]
        if over:
            await self._close_as(over)

    async def _close_as(self, over: list[tuple[Outage, Resolution]]) -> None:
        closings = await self._endings.closings(over)
        await self._store.close_many(closings, WHO, self._draw, self._clock.now())
        now_s = self._clock.monotonic()
        for outage, ended in over:
            if ended.how in {OutageEnd.UP, OutageEnd.DEGRADED} and not outage.facts.changes:
                self._changes.returned(outage.target, now_s)
            del self._open[outage.target]
            self._scene.resumed.pop(outage.target, None)
            log.warning("outage=%d target=%s closed ending=%s", outage.id, outage.target, ended.how)

    async def _facts(self, trouble: ActiveCondition, before: OutageFacts) -> OutageFacts:
        scene, (kind, name) = self._scene, trouble.target
        verdict = trouble.track.verdict
        seen_from = verdict.seen_from if verdict is not None else before.seen_from
        known = replace(before, why=trouble.track.why or before.why, seen_from=seen_from)
        if kind == "server":
            return await gather_facts(known, name, list(scene.on_server[name]), scene, self._ports.store)
        if kind == "sites":
            return await gather_facts(
                known, name, sorted(self._silence.failing(name, self._open)), scene, self._ports.store
            )
        if kind == "degraded":
            sites, checks = tuple(sorted(scene.lacking[name])), tuple(scene.remarking(Target.server(name)))
            return replace(known, affected=len(sites), sites=sites[:NAMED], checks=checks)
        if kind == "nameserver":
            place = scene.nameservers[trouble.target].location
            others = len(scene.nameservers) - 1
            lame = trouble.target in scene.lame
            return replace(known, place=place, others=others, others_up=self._nameservers_up, lame=lame)
        return replace(known, others=len(scene.places))

    def _draw(self, outages: tuple[Outage, ...]) -> Reply:
        return card_of(outages, self._scene.fleet.timezone, self._clock.now())


def _always(card: str | None, _made: Sequence[str]) -> str | None:
    return card

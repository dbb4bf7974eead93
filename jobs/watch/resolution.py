"""When an outage is over, how it ended, and what is kept of that."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from core.fleet.target import Target
from core.incident.facts import OutageEnd, OutageFacts
from core.monitor.detection import TargetState
from jobs.watch.state import ABLE
from ops.store.incident.outages import OutageClosing

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Mapping, Sequence
    from datetime import datetime

    from core.incident.outage import Outage
    from jobs.watch.state import WatchState
    from jobs.watch.suppression import Suppression
    from ops.ports import Ports

_WELL = {TargetState.UP: OutageEnd.UP, TargetState.DEGRADED: OutageEnd.DEGRADED}


@dataclass(frozen=True, slots=True)
class Resolution:
    """How and when something ended; why: what it lacks, where it is not well in full."""

    how: OutageEnd
    why: str
    at: datetime


class Resolutions:
    """Holds open outages against the scene."""

    def __init__(self, scene: WatchState, silence: Suppression, ports: Ports) -> None:
        self._scene = scene
        self._silence = silence
        self._ports = ports

    def of(
        self, target: Target, facts: OutageFacts, troubles: Container[Target], opened: Mapping[Target, Outage]
    ) -> Resolution | None:
        """Say how the outage of `target` has ended; None: it goes on, or nobody can know.

        facts: what is known of it. troubles: the targets that are down now. opened: the outages that are open.
        """
        now, (kind, name) = self._ports.clock.now(), target
        if target in troubles:
            return None
        if kind == "link":
            seen = any(self._scene.tracks[place].row[-1:] == (TargetState.UP,) for place in self._scene.places)
            return Resolution(OutageEnd.UP, "", now) if seen else None
        if kind in {"server", "nameserver"}:
            return self._ending_of_one(target, now)
        if name not in self._scene.fleet.servers:
            return Resolution(OutageEnd.UNWATCHED, "", now)
        if kind == "degraded":
            return self._ending_of_degraded(facts, name, now)
        return self._ending_of_sites(facts.sites, name, opened, now)

    async def closings(self, over: Iterable[tuple[Outage, Resolution]]) -> list[OutageClosing]:
        """Return what is to be kept of outages that are over."""
        quarantined = Counter(server for _, server in await self._ports.store.copies.quarantined())
        return [self._closing(outage, ended, quarantined) for outage, ended in over]

    def _ending_of_one(self, target: Target, now: datetime) -> Resolution | None:
        track = self._scene.tracks.get(target)
        if track is None:
            return Resolution(OutageEnd.UNWATCHED, "", now)
        if track.judged in _WELL and track.since_at is not None:
            return Resolution(_WELL[track.judged], track.why, track.since_at)
        return None

    def _ending_of_degraded(self, facts: OutageFacts, server: str, now: datetime) -> Resolution | None:
        """Say that nothing is lacking any more; what is no longer looked at may be so still, and is not called well."""
        scene = self._scene
        if not scene.is_in_full(server):
            return None
        looked_at = {*scene.noted.get(Target.server(server), ()), *scene.fleet.sites}
        unwatched = not looked_at.issuperset((*facts.checks, *facts.sites))
        return Resolution(OutageEnd.UNWATCHED if unwatched else OutageEnd.UP, "", now)

    def _ending_of_sites(
        self, named: Sequence[str], server: str, opened: Mapping[Target, Outage], now: datetime
    ) -> Resolution | None:
        scene = self._scene
        if scene.tracks[Target.server(server)].judged is TargetState.DOWN:
            return Resolution(OutageEnd.JOINED, "", now)
        told = [site for site in scene.on_server[server] if site in named or not self._silence.of_site(site)]
        tracks = [scene.tracks[Target.site(site)] for site in told]
        if self._silence.failing(server, opened) or any(track.in_doubt or track.held not in ABLE for track in tracks):
            return None
        moved = bool(named) and not any(site in scene.on_server[server] for site in named)
        return Resolution(OutageEnd.MOVED if moved else OutageEnd.UP, "", now)

    def _closing(self, outage: Outage, ended: Resolution, quarantined: Mapping[str, int]) -> OutageClosing:
        facts = replace(outage.facts, ending=ended.how, ending_why=ended.why)
        if outage.target.kind == "server":
            facts = replace(facts, quarantined=quarantined[outage.target.name])
        unseen_from_at = self._scene.resumed.get(outage.target)
        if unseen_from_at is not None and ended.how is not OutageEnd.UNWATCHED:
            facts = replace(facts, unseen_from_at=unseen_from_at, unseen_until_at=ended.at)
        return OutageClosing(outage, max(ended.at, outage.opened_at), facts)

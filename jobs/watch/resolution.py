"""When an outage is over, how it ended, and what is kept of that."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from core.fleet.target import Target
from core.incident.facts import OutageEnd, OutageFacts
from core.monitor.detection import TargetState
from jobs.watch.state import ABLE, Resolution
from ops.store.incident.outages import OutageClosing

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Mapping, Sequence
    from datetime import datetime

    from core.incident.outage import Outage
    from jobs.watch.state import WatchState
    from jobs.watch.suppression import Suppression
    from ops.ports import Ports

_WELL = {TargetState.UP: OutageEnd.UP, TargetState.DEGRADED: OutageEnd.DEGRADED}


class Resolutions:
    """Holds open outages against the state of the watch."""

    def __init__(self, state: WatchState, suppression: Suppression, ports: Ports) -> None:
        self._state = state
        self._suppression = suppression
        self._ports = ports

    def of(
        self, target: Target, facts: OutageFacts, active: Container[Target], opened: Mapping[Target, Outage]
    ) -> Resolution | None:
        """Say how the outage of `target` has ended; None: it goes on, or nobody can know.

        facts: what is known of it. active: the targets of what is wrong now. opened: the outages that are open.
        """
        now, (kind, name) = self._ports.clock.now(), target
        if target in active:
            return None
        if kind == "link":
            seen = any(self._state.tracks[place].row[-1:] == (TargetState.UP,) for place in self._state.places)
            return Resolution(OutageEnd.UP, "", now) if seen else None
        if kind in {"server", "nameserver"}:
            return self._of_machine(target, now)
        if name not in self._state.fleet.servers:
            return Resolution(OutageEnd.UNWATCHED, "", now)
        if kind == "degraded":
            return self._of_degraded(facts, name, now)
        return self._of_sites(facts.sites, name, opened, now)

    async def closings(self, over: Iterable[tuple[Outage, Resolution]]) -> list[OutageClosing]:
        """Return what is to be kept of outages that are over."""
        quarantined = Counter(server for _, server in await self._ports.store.copies.quarantined())
        return [self._closing(outage, resolution, quarantined) for outage, resolution in over]

    def _of_machine(self, target: Target, now: datetime) -> Resolution | None:
        track = self._state.tracks.get(target)
        if track is None:
            return Resolution(OutageEnd.UNWATCHED, "", now)
        if track.judged in _WELL and track.since_at is not None:
            return Resolution(_WELL[track.judged], track.why, track.since_at)
        return None

    def _of_degraded(self, facts: OutageFacts, server: str, now: datetime) -> Resolution | None:
        """Say that nothing is lacking any more; what is no longer looked at may be so still, and is not called well."""
        state = self._state
        if not state.is_in_full(server):
            return None
        looked_at = {*state.noted.get(Target.server(server), ()), *state.fleet.sites}
        unwatched = not looked_at.issuperset((*facts.checks, *facts.sites))
        return Resolution(OutageEnd.UNWATCHED if unwatched else OutageEnd.UP, "", now)

    def _of_sites(
        self, named: Sequence[str], server: str, opened: Mapping[Target, Outage], now: datetime
    ) -> Resolution | None:
        state = self._state
        if state.tracks[Target.server(server)].judged is TargetState.DOWN:
            return Resolution(OutageEnd.JOINED, "", now)
        counted = [site for site in state.on_server[server] if site in named or not self._suppression.of_site(site)]
        tracks = [state.tracks[Target.site(site)] for site in counted]
        unsettled = any(track.in_doubt or track.held not in ABLE for track in tracks)
        if unsettled or self._suppression.failing(server, opened):
            return None
        moved = bool(named) and not any(site in state.on_server[server] for site in named)
        return Resolution(OutageEnd.MOVED if moved else OutageEnd.UP, "", now)

    def _closing(self, outage: Outage, resolution: Resolution, quarantined: Mapping[str, int]) -> OutageClosing:
        facts = replace(outage.facts, ending=resolution.how, ending_why=resolution.why)
        if outage.target.kind == "server":
            facts = replace(facts, quarantined=quarantined[outage.target.name])
        unseen_from_at = self._state.resumed.get(outage.target)
        if unseen_from_at is not None and resolution.how is not OutageEnd.UNWATCHED:
            facts = replace(facts, unseen_from_at=unseen_from_at, unseen_until_at=resolution.at)
        return OutageClosing(outage, max(resolution.at, outage.opened_at), facts)

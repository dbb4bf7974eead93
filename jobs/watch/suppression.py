"""What nobody is alerted about, since a maintenance goes on: it is put on record and into the maintenance's thread.

What is kept quiet stands in the store, so that a bot that was started again in the middle says nothing twice, and what
is still down at the planned end alerts as of when it began.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from core.fleet.target import Target
from core.incident.card_maintenance import back_line, silenced_line
from core.incident.facts import OutageFacts
from core.incident.maintenance import Phase, silencing
from core.incident.targets import subject_of
from core.monitor.detection import TargetState
from ops.store.incident.maintenance import Suppressed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import datetime

    from core.incident.maintenance import Maintenance
    from core.incident.outage import Outage
    from core.monitor.detection import Track
    from jobs.watch.outages import ActiveCondition
    from jobs.watch.resolution import Resolution
    from jobs.watch.state import WatchState
    from ops.ports import Ports

# A maintenance may be asked for in the terminal, so the store is asked whether there is one.
READ_S = 1.0
# A line in a thread takes a second of Slack's time, which alerts need too: so long apart are those of one maintenance.
TELL_S = 5.0


class Suppression:
    """Holds troubles against the maintenances that go on."""

    def __init__(self, scene: WatchState, ports: Ports) -> None:
        self._scene = scene
        self._ports = ports
        self._read_s = float("-inf")
        self._planned: tuple[Maintenance, ...] = ()
        self._quiet: dict[Target, Suppressed] = {}
        self._told_s: dict[int, float] = {}

    async def read(self, *, at_once: bool) -> None:
        """Take in which maintenances there are; at_once: also where that was done a moment ago."""
        now_s = self._ports.clock.monotonic()
        if at_once or now_s - self._read_s >= READ_S:
            self._planned = await self._ports.store.maintenance.now_and_planned()
            self._quiet = {one.target: one for one in await self._ports.store.maintenance.kept_quiet()}
            self._read_s = now_s

    def because_of(self, target: Target) -> Maintenance | None:
        """Return the maintenance because of which nobody is alerted about `target` now; None: alert."""
        machine = self._scene.machine_of.get(target)
        return silencing(self._planned, target, self._ports.clock.now(), machine) if self._planned else None

    def of_site(self, site: str) -> bool:
        """Return whether nobody is alerted about this one site, whatever else is served from its server."""
        key = Target.site(site)
        now = self._ports.clock.now()
        return any(one.scope == key and one.phase(now) is Phase.RUNNING for one in self._planned)

    def failing(self, server: str, opened: Mapping[Target, Outage]) -> dict[str, Track]:
        """Return the sites that fail although `server` answers.

        opened: the outages that are open; a site under maintenance counts only where that of these sites names it.
        """
        failing, outage = self._scene.failing[server], opened.get(Target("sites", server))
        named = outage.facts.sites if failing and outage is not None else ()
        return {name: track for name, track in failing.items() if name in named or not self.of_site(name)}

    async def sort_out(
        self,
        troubles: Iterable[ActiveCondition],
        opened: Mapping[Target, Outage],
        ending: Callable[[Target, OutageFacts], Resolution | None],
    ) -> list[ActiveCondition]:
        """Return the troubles to alert about that are not in `opened`; put on record what is kept quiet, once.

        ending: says how something that was down has ended.
        """
        loud, quiet = [], []
        for trouble in troubles:
            if trouble.target in opened:
                continue
            because = self.because_of(trouble.target)
            before = self._quiet.get(trouble.target)
            if because is None:
                known_at = trouble.since_at if before is None else min(before.from_at, trouble.since_at)
                loud.append(replace(trouble, since_at=known_at))
            elif before is None:
                quiet.append(Suppressed(because.id, trouble.target, trouble.since_at, None, trouble.track.why))
        over = [(one, at) for one in self._quiet.values() if (at := self._over_at(one, ending)) is not None]
        await self._tell(quiet, over)
        await self._let_go([one for one in self._quiet.values() if self._alerts_again(one, opened)])
        return loud

    async def _tell(self, quiet: list[Suppressed], over: list[tuple[Suppressed, datetime]]) -> None:
        """Put into each maintenance's thread what is in trouble and what is well again; what follows soon waits.

        Nothing is lost by that: it is found again in the next round, also by the next bot.
        """
        now, now_s = self._ports.clock.now(), self._ports.clock.monotonic()
        store, zone = self._ports.store.maintenance, self._ports.fleet.timezone
        ends_at = {one.id: one.ends_at for one in self._planned}
        for number in {one.maintenance for one in quiet} | {one.maintenance for one, _ in over}:
            if now_s - self._told_s.get(number, float("-inf")) < TELL_S:
                continue
            self._told_s[number] = now_s
            card = f"maintenance:{number}"
            new = [one for one in quiet if one.maintenance == number]
            if new:
                said = [(subject_of(one.target), one.from_at, one.why) for one in new]
                await store.silence(new, card, silenced_line(said, ends_at[number], zone, now), now)
                self._quiet |= {one.target: one for one in new}
            back = [(one, at) for one, at in over if one.maintenance == number]
            if back:
                line = back_line([(subject_of(one.target), at - one.from_at) for one, at in back])
                await store.silence_over(back, card, line, now)
                for one, _ in back:
                    del self._quiet[one.target]

    async def _let_go(self, many: list[Suppressed]) -> None:
        """Note that alerts are on again for these."""
        now = self._ports.clock.now()
        for one in many:
            await self._ports.store.maintenance.silence_over([(one, now)], f"maintenance:{one.maintenance}", None, now)
            del self._quiet[one.target]

    def _alerts_again(self, one: Suppressed, opened: Mapping[Target, Outage]) -> bool:
        """Return whether this is alerted about by now: until then, since when it is down is still needed."""
        return one.target in opened or (one.target.kind == "site" and self.because_of(one.target) is None)

    def _over_at(self, one: Suppressed, ending: Callable[[Target, OutageFacts], Resolution | None]) -> datetime | None:
        if one.target.kind == "site":
            track = self._scene.tracks.get(one.target)
            up = track is None or (track.judged is TargetState.UP and not track.in_doubt)
            return self._ports.clock.now() if up else None
        how = ending(one.target, OutageFacts())
        return max(how.at, one.from_at) if how is not None else None

"""What nobody is alerted about, since a maintenance goes on: it is put on record and into the maintenance's thread.

What is suppressed stands in the store, so that a bot that was started again in the middle says nothing twice, and what
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
    from jobs.watch.state import ActiveCondition, Resolution, WatchState
    from ops.ports import Ports

# A maintenance may be asked for in the terminal, so the store is asked whether there is one.
READ_S = 1.0
# A line in a thread takes a second of Slack's time, which alerts need too: so long apart are those of one maintenance.
NOTE_S = 5.0


class Suppression:
    """Holds what is wrong against the maintenances that go on."""

    def __init__(self, state: WatchState, ports: Ports) -> None:
        self._state = state
        self._ports = ports
        self._read_s = float("-inf")
        self._planned: tuple[Maintenance, ...] = ()
        self._suppressed: dict[Target, Suppressed] = {}
        self._noted_s: dict[int, float] = {}

    async def read(self, *, at_once: bool) -> None:
        """Take in which maintenances there are; at_once: also where that was done a moment ago."""
        now_s = self._ports.clock.monotonic()
        if at_once or now_s - self._read_s >= READ_S:
            self._planned = await self._ports.store.maintenance.now_and_planned()
            self._suppressed = {one.target: one for one in await self._ports.store.maintenance.suppressed()}
            self._read_s = now_s

    def because_of(self, target: Target) -> Maintenance | None:
        """Return the maintenance because of which nobody is alerted about `target` now; None: alert."""
        machine = self._state.machine_of.get(target)
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
        failing, outage = self._state.failing[server], opened.get(Target("sites", server))
        named = outage.facts.sites if failing and outage is not None else ()
        return {name: track for name, track in failing.items() if name in named or not self.of_site(name)}

    async def to_alert(
        self,
        active: Iterable[ActiveCondition],
        opened: Mapping[Target, Outage],
        resolution_of: Callable[[Target, OutageFacts], Resolution | None],
    ) -> list[ActiveCondition]:
        """Return those to alert about that are not in `opened`; put on record what is suppressed, once.

        resolution_of: says how something that was down has ended.
        """
        alerting, suppressed = [], []
        for condition in active:
            if condition.target in opened:
                continue
            because = self.because_of(condition.target)
            before = self._suppressed.get(condition.target)
            if because is None:
                known_at = condition.since_at if before is None else min(before.from_at, condition.since_at)
                alerting.append(replace(condition, since_at=known_at))
            elif before is None:
                suppressed.append(
                    Suppressed(because.id, condition.target, condition.since_at, None, condition.track.why)
                )
        over = [(one, at) for one in self._suppressed.values() if (at := self._over_at(one, resolution_of)) is not None]
        await self._put_on_record(suppressed, over)
        await self._release([one for one in self._suppressed.values() if self._alerts_again(one, opened)])
        return alerting

    async def _put_on_record(self, suppressed: list[Suppressed], over: list[tuple[Suppressed, datetime]]) -> None:
        """Put into each maintenance's thread what is in trouble and what is well again; what follows soon waits.

        Nothing is lost by that: it is found again in the next round, also by the next bot.
        """
        now, now_s = self._ports.clock.now(), self._ports.clock.monotonic()
        store, zone = self._ports.store.maintenance, self._ports.fleet.timezone
        ends_at = {one.id: one.ends_at for one in self._planned}
        for number in {one.maintenance for one in suppressed} | {one.maintenance for one, _ in over}:
            if now_s - self._noted_s.get(number, float("-inf")) < NOTE_S:
                continue
            self._noted_s[number] = now_s
            card = f"maintenance:{number}"
            new = [one for one in suppressed if one.maintenance == number]
            if new:
                lines = [(subject_of(one.target), one.from_at, one.why) for one in new]
                await store.suppress(new, card, silenced_line(lines, ends_at[number], zone, now), now)
                self._suppressed |= {one.target: one for one in new}
            back = [(one, at) for one, at in over if one.maintenance == number]
            if back:
                line = back_line([(subject_of(one.target), at - one.from_at) for one, at in back])
                await store.end_suppression(back, card, line, now)
                for one, _ in back:
                    del self._suppressed[one.target]

    async def _release(self, many: list[Suppressed]) -> None:
        """Note that alerts are on again for these."""
        now = self._ports.clock.now()
        for one in many:
            await self._ports.store.maintenance.end_suppression(
                [(one, now)], f"maintenance:{one.maintenance}", None, now
            )
            del self._suppressed[one.target]

    def _alerts_again(self, one: Suppressed, opened: Mapping[Target, Outage]) -> bool:
        """Return whether this is alerted about by now: until then, since when it is down is still needed."""
        return one.target in opened or (one.target.kind == "site" and self.because_of(one.target) is None)

    def _over_at(
        self, one: Suppressed, resolution_of: Callable[[Target, OutageFacts], Resolution | None]
    ) -> datetime | None:
        if one.target.kind == "site":
            track = self._state.tracks.get(one.target)
            up = track is None or (track.judged is TargetState.UP and not track.in_doubt)
            return self._ports.clock.now() if up else None
        resolution = resolution_of(one.target, OutageFacts())
        return max(resolution.at, one.from_at) if resolution is not None else None

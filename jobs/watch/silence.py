"""What nobody is alerted about, since a maintenance goes on: it is put on record and into the maintenance's thread.

What is kept quiet stands in the store, so that a bot that was started again in the middle says nothing twice, and what
is still down at the planned end alerts as of when it began.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from core.maintenance import Phase, silencing
from core.maintenance_card import back_line, silenced_line
from core.outage import State
from core.outage_card import subject_of
from jobs.watch.scene import SITE, Scene, site_key
from ops.store.maintenance import Silenced
from ops.store.outages import Outage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import datetime

    from core.maintenance import Maintenance
    from core.outage_facts import Ending
    from jobs.watch.desk import Trouble
    from ops.ports import Ports

# A maintenance may be asked for in the terminal, so the store is asked whether there is one.
READ_S = 1.0


class Silence:
    """Holds troubles against the maintenances that go on."""

    def __init__(self, scene: Scene, ports: Ports) -> None:
        self._scene = scene
        self._ports = ports
        self._read_s = float("-inf")
        self._planned: tuple[Maintenance, ...] = ()
        self._quiet: dict[str, Silenced] = {}

    async def read(self) -> None:
        """Take in which maintenances there are."""
        now_s = self._ports.clock.monotonic()
        if now_s - self._read_s >= READ_S:
            self._planned = await self._ports.store.maintenance.now_and_planned()
            self._quiet = {one.target: one for one in await self._ports.store.maintenance.kept_quiet()}
            self._read_s = now_s

    def because_of(self, target: str) -> Maintenance | None:
        """Return the maintenance because of which nobody is alerted about `target` now; None: alert."""
        machine = self._scene.machine_of.get(target)
        return silencing(self._planned, target, self._ports.clock.now(), machine) if self._planned else None

    def of_site(self, site: str) -> bool:
        """Return whether nobody is alerted about this one site, whatever else is served from its server."""
        key = site_key(site)
        now = self._ports.clock.now()
        return any(one.scope == key and one.phase(now) is Phase.RUNNING for one in self._planned)

    async def sort_out(
        self,
        troubles: Iterable[Trouble],
        opened: Mapping[str, Outage],
        ending: Callable[[Outage], tuple[Ending, str, datetime] | None],
    ) -> list[Trouble]:
        """Return the troubles to alert about that are not in `opened`; put on record what is kept quiet, once.

        ending: says how something that was down has ended, and when.
        """
        loud = []
        for trouble in troubles:
            if trouble.target in opened:
                continue
            because = self.because_of(trouble.target)
            if because is not None:
                await self._keep_quiet(trouble, because)
                continue
            before = self._quiet.get(trouble.target)
            loud.append(trouble if before is None else replace(trouble, since_at=min(before.from_at, trouble.since_at)))
        for one in list(self._quiet.values()):
            await self._look_after(one, opened, ending)
        return loud

    async def _keep_quiet(self, trouble: Trouble, because: Maintenance) -> None:
        if trouble.target in self._quiet:
            return
        now = self._ports.clock.now()
        one = Silenced(because.id, trouble.target, trouble.since_at, None, trouble.track.why)
        words, zone = subject_of(trouble.target), self._ports.fleet.timezone
        line = silenced_line(words, trouble.since_at, trouble.track.why, because.ends_at, zone, now)
        await self._ports.store.maintenance.silence(one, because.card, line, now)
        self._quiet[trouble.target] = one

    async def _look_after(
        self,
        one: Silenced,
        opened: Mapping[str, Outage],
        ending: Callable[[Outage], tuple[Ending, str, datetime] | None],
    ) -> None:
        """Say in the thread that something is up again; or note that it is not kept quiet any more.

        What is to be alerted about is kept until it was: since when it is down is needed for that.
        """
        now = self._ports.clock.now()
        card = f"maintenance:{one.maintenance}"
        over_at = self._over_at(one, ending)
        if over_at is not None:
            line = back_line(subject_of(one.target), one.from_at, over_at)
            await self._ports.store.maintenance.silence_over(one, over_at, card, line, now)
        elif one.target in opened or (one.target.startswith(SITE + ":") and self.because_of(one.target) is None):
            await self._ports.store.maintenance.silence_over(one, now, card, None, now)
        else:
            return
        del self._quiet[one.target]

    def _over_at(
        self, one: Silenced, ending: Callable[[Outage], tuple[Ending, str, datetime] | None]
    ) -> datetime | None:
        kind, _, name = one.target.partition(":")
        if kind == SITE:
            track = self._scene.tracks.get(site_key(name))
            up = track is None or (track.judged is State.UP and not track.in_doubt)
            return self._ports.clock.now() if up else None
        how = ending(Outage(0, one.target, one.from_at, None, {}))
        return max(how[2], one.from_at) if how is not None else None

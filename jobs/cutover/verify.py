"""Asking every public name server until all answer every new value (law 3)."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from core.cutover import Heard, Standing, standing
from core.errors import SharpnetError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from core.fleet import NameServer
    from core.plan import Plan, ZoneChange
    from core.progress import Progress
    from ops.ports import Ports

AT_ONCE = 128
ASK_S = 2.0
FIRST_PAUSE_S = 0.02
LONGEST_PAUSE_S = 1.0
NUDGE_AFTER_S = 1.0
NUDGE_EVERY_S = 5.0


class Verifier:
    """Asks about the changed zones of one plan, and remembers who agrees on which, so as not to ask again."""

    def __init__(self, ports: Ports, plan: Plan, progress: Progress) -> None:
        self._ports = ports
        changed = [zone for zone in plan.zones if zone.key in progress.zones]
        serials: dict[str, tuple[int, ...]] = {}
        for zone in changed:
            serials[zone.zone] = (*serials.get(zone.zone, ()), progress.zones[zone.key].serial)
        self._zones = [(zone, serials[zone.zone]) for zone in changed]
        self._changed_at = max((done.at for done in progress.zones.values()), default=ports.clock.now())
        self._agreed: dict[str, set[str]] = {}
        self._gate = asyncio.Semaphore(AT_ONCE)

    async def until_all_agree(
        self, progress: Progress, within_s: float, show: Callable[[Progress], Awaitable[None]]
    ) -> Progress:
        """Ask until every name server agrees or `within_s` have passed; `show` what is new as it comes."""
        clock = self._ports.clock
        began = clock.monotonic()
        nudged_at = began + NUDGE_AFTER_S - NUDGE_EVERY_S
        pause_s = FIRST_PAUSE_S
        while True:
            before = progress
            progress = await self.ask_all(progress)
            if progress.standings != before.standings:
                await show(progress)
            passed_s = clock.monotonic() - began
            if progress.in_step_at is not None or passed_s >= within_s:
                return progress
            if clock.monotonic() - nudged_at >= NUDGE_EVERY_S:
                nudged_at = clock.monotonic()
                await self.nudge(progress)
            await clock.sleep(min(pause_s, max(0.0, within_s - passed_s)))
            pause_s = min(pause_s * 2, LONGEST_PAUSE_S)

    async def ask_all(self, progress: Progress) -> Progress:
        """Ask every name server that does not agree yet once, and return what is known then."""
        known = {one.name: one for one in progress.standings if one.agrees}
        servers = self._ports.fleet.dns.nameservers
        asked = await asyncio.gather(*(self._ask(server) for server in servers if server.name not in known))
        fresh = {one.name: one for one in asked}
        standings = tuple(known.get(server.name) or fresh[server.name] for server in servers)
        all_agree = all(one.agrees for one in standings)
        at = progress.in_step_at or self._ports.clock.now()
        return replace(progress, standings=standings, in_step_at=at if all_agree else None)

    async def nudge(self, progress: Progress) -> None:
        """Send NOTIFY to the name servers that lag; one that cannot be told is asked again all the same."""
        late = {one.name for one in progress.standings if not one.agrees}

        async def notify(server: NameServer, zone: str) -> None:
            async with self._gate:
                try:
                    await self._ports.dns.notify(server.endpoint, zone)
                except SharpnetError:
                    return

        servers = [server for server in self._ports.fleet.dns.nameservers if server.name in late]
        await asyncio.gather(
            *(
                notify(server, zone.zone)
                for server in servers
                for zone, _ in self._zones
                if zone.key not in self._agreed.get(server.name, set())
            )
        )

    async def _ask(self, server: NameServer) -> Standing:
        agreed = self._agreed.setdefault(server.name, set())
        pending = [(zone, serials) for zone, serials in self._zones if zone.key not in agreed]
        heard: dict[str, Heard] = {}
        if pending:
            # One zone first: a server that is dead then costs one time-out, not one a zone.
            heard[pending[0][0].zone] = await self._hear(server, pending[0][0])
            if not heard[pending[0][0].zone].why:
                rest = [zone for zone, _ in pending[1:]]
                answers = await asyncio.gather(*(self._hear(server, zone) for zone in rest))
                heard |= {zone.zone: answer for zone, answer in zip(rest, answers, strict=True)}
        for zone, serials in pending:
            if standing(server.name, [(zone, serials)], heard).agrees:
                agreed.add(zone.key)
        result = standing(server.name, pending, heard)
        if not result.agrees:
            return result
        seconds = (self._ports.clock.now() - self._changed_at).total_seconds()
        return replace(result, seconds=max(0.0, seconds))

    async def _hear(self, server: NameServer, zone: ZoneChange) -> Heard:
        async with self._gate:
            try:
                serial = await self._ports.dns.serial(server.endpoint, zone.zone, timeout_s=ASK_S)
                answers = [
                    await self._ports.dns.ask(server.endpoint, change.owner, change.type, timeout_s=ASK_S)
                    for change in zone.changes
                ]
            except SharpnetError as error:
                return Heard(why=error.message)
        values = {
            (change.owner, change.type): answer.values for change, answer in zip(zone.changes, answers, strict=True)
        }
        return Heard(serial, values)

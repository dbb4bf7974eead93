"""Asking every public name server until all answer every new value (law 3)."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import replace
from typing import TYPE_CHECKING

from core.cutover.agreement import NameServerReply, progress_of
from core.cutover.overtaken import left_to_ask
from core.errors import SharpnetError
from core.plan.progress import NameServerProgress

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from core.fleet import NameServer
    from core.plan.basis import NameServersToAsk
    from core.plan.plan import Plan, ZoneChange
    from core.plan.progress import CutoverProgress
    from ops.ports import Ports

AT_ONCE = 128
ASK_S = 2.0
SHORTEST_ASK_S = 0.2
FIRST_PAUSE_S = 0.02
LONGEST_PAUSE_S = 1.0
NUDGE_AFTER_S = 1.0
NUDGE_EVERY_S = 5.0


class Verifier:
    """Asks about the zones that one wave has changed, and remembers who agrees on which, so as not to ask again."""

    def __init__(
        self, ports: Ports, plan: Plan, progress: CutoverProgress, wave: int, nameservers: NameServersToAsk
    ) -> None:
        self._ports = ports
        self._nameservers = nameservers
        made = [zone for zone in plan.zones if zone.wave == wave and zone.key in progress.zones]
        changed = left_to_ask(made, progress.moved_on)
        serials: dict[str, tuple[int, ...]] = {}
        for zone in changed:
            serials[zone.zone] = (*serials.get(zone.zone, ()), progress.zones[zone.key].serial)
        self._zones = [(zone, serials[zone.zone]) for zone in changed]
        self._changed_at = max((progress.zones[zone.key].at for zone in changed), default=ports.clock.now())
        self._agreed: dict[str, set[str]] = {}
        self._gate = asyncio.Semaphore(AT_ONCE)
        self._progress = self._with_gone(progress)

    async def until_all_agree(
        self, within_s: float, show: Callable[[CutoverProgress], Awaitable[None]]
    ) -> CutoverProgress:
        """Ask until every name server agrees or `within_s` have passed; `show` what is new as it comes.

        Each name server is asked at its own pace: one that hangs delays no other.
        """
        deadline_s = self._ports.clock.monotonic() + within_s
        servers = [server for server in self._nameservers.asked if not self._agrees(server)]
        await asyncio.gather(*(self._until_it_agrees(server, deadline_s, show) for server in servers))
        # Where only those that are gone had not agreed, nobody was asked.
        self._progress = self._in_step(self._progress)
        return self._progress

    async def ask_all_once(self) -> CutoverProgress:
        """Ask every name server that does not agree yet once, tell those that still lag, and return what is known."""
        servers = [server for server in self._nameservers.asked if not self._agrees(server)]
        for asked in await asyncio.gather(*(self._ask(server, ASK_S) for server in servers)):
            self._note(asked)
        self._progress = self._in_step(self._progress)
        await asyncio.gather(*(self._nudge(server) for server in servers if not self._agrees(server)))
        return self._progress

    async def _until_it_agrees(
        self, server: NameServer, deadline_s: float, show: Callable[[CutoverProgress], Awaitable[None]]
    ) -> None:
        clock = self._ports.clock
        nudge_at_s = clock.monotonic() + NUDGE_AFTER_S
        pause_s = FIRST_PAUSE_S
        while True:
            left_s = deadline_s - clock.monotonic()
            before = self._progress.nameservers
            self._note(await self._ask(server, min(ASK_S, max(left_s, SHORTEST_ASK_S))))
            if self._progress.nameservers != before:
                await show(self._progress)
            if self._agrees(server) or clock.monotonic() >= deadline_s:
                return
            if clock.monotonic() >= nudge_at_s:
                nudge_at_s = clock.monotonic() + NUDGE_EVERY_S
                await self._nudge(server)
            await clock.sleep(max(0.0, min(pause_s, deadline_s - clock.monotonic())))
            pause_s = min(pause_s * 2, LONGEST_PAUSE_S)

    def _agrees(self, server: NameServer) -> bool:
        return any(one.agrees for one in self._progress.nameservers if one.name == server.name)

    def _note(self, asked: NameServerProgress) -> None:
        """Put what one name server said beside what the others said, in the fleet's order, those that are gone last."""
        known = {one.name: one for one in self._progress.nameservers} | {asked.name: asked}
        names = (*(server.name for server in self._nameservers.asked), *self._nameservers.gone)
        nameservers = tuple(known[name] for name in names if name in known)
        self._progress = self._in_step(replace(self._progress, nameservers=nameservers))

    def _in_step(self, progress: CutoverProgress) -> CutoverProgress:
        """Return `progress` with when the last name server agreed; None where one that is there has not."""
        agree = {one.name for one in progress.nameservers if one.agrees}
        all_agree = all(server.name in agree for server in self._nameservers.asked)
        at = progress.in_step_at or self._ports.clock.now()
        return replace(progress, in_step_at=at if all_agree else None)

    def _with_gone(self, progress: CutoverProgress) -> CutoverProgress:
        """Return `progress` with those name servers marked that the fleet file has no longer."""
        known = {one.name: one for one in progress.nameservers}
        there = {server.name for server in self._nameservers.asked}
        gone = dict.fromkeys([*self._nameservers.gone, *(name for name in known if name not in there)])
        marked = {name: replace(known.get(name, NameServerProgress(name, agrees=False)), gone=True) for name in gone}
        back = {name: replace(one, gone=False) for name, one in known.items() if name in there}
        return replace(progress, nameservers=(*back.values(), *marked.values()))

    async def _nudge(self, server: NameServer) -> None:
        """Send NOTIFY for what a name server lags in; one that cannot be told is asked again all the same."""
        agreed = self._agreed.get(server.name, set())

        async def notify(zone: str) -> None:
            async with self._gate:
                with contextlib.suppress(SharpnetError):
                    await self._ports.dns.notify(server.endpoint, zone)

        await asyncio.gather(*(notify(zone.zone) for zone, _ in self._zones if zone.key not in agreed))

    async def _ask(self, server: NameServer, timeout_s: float) -> NameServerProgress:
        agreed = self._agreed.setdefault(server.name, set())
        pending = [(zone, serials) for zone, serials in self._zones if zone.key not in agreed]
        replies: dict[str, NameServerReply] = {}
        if pending:
            # One zone first: a server that is dead then costs one time-out, not one a zone.
            first = pending[0][0]
            replies[first.zone] = await self._query(server, first, timeout_s)
            if replies[first.zone].why:
                return NameServerProgress(server.name, agrees=False, why=replies[first.zone].why)
            rest = [zone for zone, _ in pending[1:]]
            answers = await asyncio.gather(*(self._query(server, zone, timeout_s) for zone in rest))
            replies |= {zone.zone: answer for zone, answer in zip(rest, answers, strict=True)}
        for zone, serials in pending:
            if progress_of(server.name, [(zone, serials)], replies).agrees:
                agreed.add(zone.key)
        result = progress_of(server.name, pending, replies)
        if not result.agrees:
            return result
        seconds = (self._ports.clock.now() - self._changed_at).total_seconds()
        return replace(result, seconds=max(0.0, seconds))

    async def _query(self, server: NameServer, zone: ZoneChange, timeout_s: float) -> NameServerReply:
        async with self._gate:
            try:
                serial = await self._ports.dns.serial(server.endpoint, zone.zone, timeout_s=timeout_s)
                answers = [
                    await self._ports.dns.ask(server.endpoint, change.owner, change.type, timeout_s=timeout_s)
                    for change in zone.changes
                ]
            except SharpnetError as error:
                return NameServerReply(why=error.message)
        values = {
            (change.owner, change.type): answer.values for change, answer in zip(zone.changes, answers, strict=True)
        }
        return NameServerReply(serial, values)

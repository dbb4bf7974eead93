"""The watch itself: who is looked at when, what is stored, and what DNS says of where sites are served from."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from core.errors import SharpnetError
from core.fleet.target import Target
from core.monitor.external_alerts import BELIEVED_FOR, sources_of
from core.monitor.state import stale_after
from jobs.sync.serving import keep_where_served
from jobs.watch.checks import CheckRunner
from jobs.watch.isolation import OwnLacks, isolate_failure
from jobs.watch.latency import TimedProbe
from jobs.watch.outages import OutageManager
from jobs.watch.probe_schedule import ProbeSchedule, phase
from jobs.watch.prober import Prober
from jobs.watch.state import WatchState
from jobs.watch.wakeable_sleep import WakeableSleep
from ops.gather.fleet_picture import COUNTED_AT_ONCE, count_ages
from ops.gather.name_server_lag import LagSurvey
from ops.gather.pointing import ActiveServerReader

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from datetime import timedelta

    from ops.ports import Ports

log = logging.getLogger(__name__)

# What is due within so short a time is looked at together.
TOGETHER_S = 0.02
CROWDED_S = 0.1
SETTLED_APART_S = 0.05
STORE_EVERY_S = 1.0
DNS_EVERY_S = 60.0
LAG_EVERY_S = 15.0
AGES_EVERY_S = 60.0
TIMES_EVERY_S = 60.0
REPORTS_EVERY_S = 1.0
LACKS_EVERY_S = 1.0
# Looks at sites: all together, and at one server, whose hanging must not keep others waiting.
AT_ONCE = 400
AT_ONCE_A_SERVER = 100
# The first round of sites is faster than the regular ones, so that a fresh bot knows its fleet soon.
FIRST_ROUND_A_S = 500
SITES_A_S = 1000
ZONES_A_S = 50
STORED_AT_ONCE = 2000
STORED_AT_MOST = 100_000


class Watcher:
    """Watches the whole fleet. Nothing is assumed at the start but that outages which were open still are.

    looked: how many looks have ended. opened: called whenever there is a new message for people.
    """

    def __init__(
        self, ports: Ports, *, dns_every_s: float = DNS_EVERY_S, opened: Callable[[], None] = lambda: None
    ) -> None:
        self.looked = 0
        self._ports = ports
        self._clock = ports.clock
        self._store = ports.store
        self._state = WatchState(ports.fleet)
        self._schedule = ProbeSchedule(ports.fleet.watch.every.total_seconds())
        self._latencies = TimedProbe(ports.probe, ports.store.latencies, ports.clock)
        self._lacks = OwnLacks(ports)
        self._prober = Prober(self._state, self._latencies, ports.clock, self._hurry, self._lacks)
        self._checks = CheckRunner(self._state, ports, self._lacks)
        self._outages = OutageManager(self._state, ports, opened)
        self._pointing = ActiveServerReader(ports.fleet, ports.dns)
        self._lag = LagSurvey(ports.fleet, ports.dns, ports.clock)
        self._lag_every_s = min(LAG_EVERY_S, ports.fleet.watch.every.total_seconds())
        self._dns_every_s = max(dns_every_s, len(ports.fleet.dns.zones) / ZONES_A_S)
        self._busy: dict[str, int] = dict.fromkeys(ports.fleet.servers, 0)
        self._ready = asyncio.Event()
        self._probe_sleep = WakeableSleep(ports.clock)
        self._settle_sleep = WakeableSleep(ports.clock)
        self._earliest_s = 0.0
        self._until_s = float("inf")

    async def run(self) -> None:
        """Watch until cancelled. Where the store fails, it is tried again; what was seen meanwhile is kept."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._often(STORE_EVERY_S, self._write, "store"))
            group.create_task(self._often(max(1.0, len(self._state.active) / SITES_A_S), self._read_active, "active"))
            group.create_task(self._often(self._dns_every_s, self._read_dns, "dns"))
            group.create_task(self._often(self._lag_every_s, self._read_lag, "lag"))
            group.create_task(self._often(AGES_EVERY_S, self._count_ages, "ages"))
            group.create_task(self._often(TIMES_EVERY_S, self._latencies.write, "answer times"))
            group.create_task(self._often(LACKS_EVERY_S, self._lacks.tell, "own lack"))
            if self._ports.fleet.web is not None and self._ports.fleet.web.alertmanager is not None:
                group.create_task(self._often(REPORTS_EVERY_S, self._read_reports, "reports"))
            while not self._ready.is_set():
                await self._guarded(self._begin, "begin")
                await self._clock.sleep(0 if self._ready.is_set() else STORE_EVERY_S)
            group.create_task(self._checks.run())
            group.create_task(self._settle())
            await self._go_round(group)

    def down(self) -> frozenset[Target]:
        """Return the targets that are seen down by themselves, whether or not that could be stored."""
        return frozenset(key for key, track in self._state.tracks.items() if track.down_itself)

    async def _begin(self) -> None:
        """Take up what the store knows, and make everything due: machines now, sites spread over a short while."""
        state, states = self._state, self._store.states
        await states.keep_only(state.tracks)
        state.move(await self._store.copies.active())
        outages = await self._store.outages.all_open()
        state.take_up(await states.states(), outages)
        self._outages.take_up(outages)
        now_s = self._clock.monotonic()
        spread_s = min(state.watch.every.total_seconds(), len(state.active) / FIRST_ROUND_A_S)
        for key in state.tracks:
            self._schedule.put(key, now_s + (phase(str(key)) * spread_s if key.kind == "site" else 0.0))
        log.info("watch=begun targets=%d open_outages=%d", len(state.tracks), len(outages))
        self._ready.set()

    async def _go_round(self, group: asyncio.TaskGroup) -> None:
        probes = {"server": self._prober.server, "nameserver": self._prober.nameserver, "site": self._prober.site}
        while True:
            now_s = self._clock.monotonic()
            for key in self._schedule.take(now_s, AT_ONCE):
                server = self._state.active[key.name] if key.kind == "site" else None
                if server is not None and self._full(server):
                    self._schedule.put(key, now_s + CROWDED_S)
                else:
                    group.create_task(self._look(key, probes[key.kind], server))
            await self._rest()

    async def _rest(self) -> None:
        """Sleep until something is due, or is put to be due sooner."""
        self._earliest_s = self._clock.monotonic() + TOGETHER_S
        self._until_s = max(self._schedule.next_s(), self._earliest_s)
        await self._probe_sleep.rest(self._until_s - self._clock.monotonic())

    def _put(self, key: Target, delay: timedelta | None) -> None:
        now_s = self._clock.monotonic()
        if delay is None:
            self._schedule.put_on_grid(key, now_s)
        else:
            self._schedule.put(key, now_s + delay.total_seconds())
        self._wake()

    def _wake(self) -> None:
        if max(self._schedule.next_s(), self._earliest_s) < self._until_s:
            self._probe_sleep.end()

    def _full(self, server: str) -> bool:
        return self._busy[server] >= AT_ONCE_A_SERVER or sum(self._busy.values()) >= AT_ONCE

    async def _look(
        self, key: Target, look: Callable[[Target], Awaitable[timedelta | None]], server: str | None
    ) -> None:
        if server is not None:
            self._busy[server] += 1
        try:
            delay = await isolate_failure(look(key), str(key), self._lacks)
        finally:
            if server is not None:
                self._busy[server] -= 1
        self.looked += 1
        self._put(key, delay)
        if self._state.changed:
            self._settle_sleep.end()

    def _hurry(self, keys: list[Target]) -> None:
        self._schedule.hurry(keys, self._clock.monotonic())
        self._wake()

    async def _write(self) -> None:
        """Store what was seen, in pieces, so that others get their turn at the store."""
        gap = stale_after(self._state.watch)
        while batch := self._state.take_fresh(STORED_AT_ONCE):
            try:
                await self._store.states.saw(batch, gap=gap)
            except SharpnetError:
                self._state.put_back(batch, STORED_AT_MOST)
                raise

    async def _read_active(self) -> None:
        if self._ready.is_set():
            self._hurry([Target.site(site) for site in self._state.move(await self._store.copies.active())])

    async def _read_dns(self) -> None:
        """Notice sites that DNS points elsewhere now, a change made by hand too."""
        now_at = await self._pointing.changes()
        self._state.pointing_wrong = dict(self._pointing.wrong)
        known = await self._store.copies.active()
        moved = [self._state.fleet.sites[site] for site, server in now_at.items() if known.get(site, server) != server]
        # Asked once more at once: a cutover may have moved some while all the others were being asked.
        fresh = {site: server for site, server in now_at.items() if site not in known}
        asked_at = self._clock.now()
        fresh |= await self._pointing.of(moved)
        by_hand = await keep_where_served(self._ports, fresh, asked_at, "bot:watch")
        if by_hand:
            log.info("watch=moved-by-hand sites=%d", by_hand)
        await self._read_active()

    async def _read_lag(self) -> None:
        behind = await self._lag.behind()
        if behind.keys() != self._state.behind.keys():
            self._hurry([Target.nameserver(name) for name in {*behind, *self._state.behind}])
        self._state.behind, self._state.refusing = behind, self._lag.lame

    async def _read_reports(self) -> None:
        reports = await self._store.external_alerts.since(self._clock.now() - BELIEVED_FOR)
        self._state.reported = {target: sources_of([one.source for one in made]) for target, made in reports.items()}

    async def _count_ages(self) -> None:
        if len(self._state.active) > COUNTED_AT_ONCE:
            await count_ages(self._ports)

    async def _settle(self) -> None:
        while True:
            await self._guarded(self._outages.settle, "outages")
            # Changes come in crowds, and settling them is work.
            await self._clock.sleep(SETTLED_APART_S)
            if not self._state.changed:
                await self._settle_sleep.rest(self._outages.due_in_s())

    async def _often(self, every_s: float, work: Callable[[], Awaitable[None]], what: str) -> None:
        while True:
            await self._guarded(work, what)
            await self._clock.sleep(every_s)

    async def _guarded(self, work: Callable[[], Awaitable[None]], what: str) -> None:
        """Do a piece of the work; what goes wrong with it now may go well the next time."""
        try:
            await work()
        except SharpnetError as error:
            log.warning("watch=%s failed: %s", what, error.message)

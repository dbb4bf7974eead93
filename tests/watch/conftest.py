"""A made-up world for the watch: its machines die and return as a test says, in a time that passes at once."""

from __future__ import annotations

import asyncio
import errno
import heapq
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import TYPE_CHECKING, Any, cast

import pytest
from given_ports import ports_with

from core.errors import DnsError, TimedOutError, UnreachableError
from core.fleet import DnsSettings, Endpoint, Fleet, NameServer, SecretRef, Server, ServerChecks, Site, SshLogin, Watch
from jobs.watch import Watcher
from ops.contracts import Answer, Look, Ran
from ops.own_lack import own_lack
from ops.store import Store
from ops.store.sqlite.database import SqliteDb

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from core.fleet.target import Target
    from ops.ports import Ports
    from ops.store.cards import StoredCard

START = datetime(2026, 6, 14, 13, 0, 0, tzinfo=UTC)
SETTLING_ROUNDS = 6
LOOK_S = 0.01


class PlayedClock:
    """A clock whose time passes only when nothing else is to be done."""

    def __init__(self) -> None:
        self.passed_s = self.slept_s = 0.0
        self.shift = timedelta()
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._numbers = count()

    def now(self) -> datetime:
        return START + timedelta(seconds=self.passed_s) + self.shift

    def monotonic(self) -> float:
        return 1000.0 + self.passed_s

    def since_boot(self) -> float:
        return 2000.0 + self.passed_s + self.slept_s

    async def sleep(self, seconds: float) -> None:
        waiter = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self.passed_s + seconds, next(self._numbers), waiter))
        await waiter

    async def play(self, seconds: float, store: Store) -> None:
        """Let `seconds` pass, one waiting after the other."""
        until_s = self.passed_s + seconds
        while True:
            # The store has a thread: what it was asked before must be done before time goes on.
            for _ in range(SETTLING_ROUNDS):
                for _ in range(3):
                    await asyncio.sleep(0)
                await store.states.last_look_at()
            while self._sleepers and self._sleepers[0][2].done():
                heapq.heappop(self._sleepers)
            if not self._sleepers or self._sleepers[0][0] > until_s:
                self.passed_s = until_s
                return
            self.passed_s = self._sleepers[0][0]
            while self._sleepers and self._sleepers[0][0] <= self.passed_s:
                waiter = heapq.heappop(self._sleepers)[2]
                if not waiter.done():
                    waiter.set_result(None)


@dataclass
class World:
    """What is true out there. A name in `dead` refuses connections, in `frozen` it hangs; so do sites and name servers.

    hidden: not to be reached from the bot, only from others. no_login: no vantage point. link: the bot's own.
    takes_s, certificate_ends_at: of sites. says: by server, what it prints when it is asked how it is.
    lame: name servers that have lost a zone, and answer for others. odd: sites and servers whose answer is such that
    the code which reads it fails. no_descriptor: the bot itself has none left.
    """

    clock: PlayedClock
    points_to: dict[str, str]
    dead: set[str] = field(default_factory=set)
    frozen: set[str] = field(default_factory=set)
    broken_sites: set[str] = field(default_factory=set)
    no_ssh: set[str] = field(default_factory=set)
    hidden: set[str] = field(default_factory=set)
    no_login: set[str] = field(default_factory=set)
    link: bool = True
    look_took_s: float = 0.0
    zone_edits: int = 0
    takes_s: dict[str, float] = field(default_factory=dict)
    certificate_ends_at: dict[str, datetime] = field(default_factory=dict)
    says: dict[str, str] = field(default_factory=dict)
    serials: dict[str, int] = field(default_factory=dict)
    lame: set[str] = field(default_factory=set)
    odd: set[str] = field(default_factory=set)
    no_descriptor: bool = False
    looks: list[tuple[float, str, str]] = field(default_factory=list)

    async def look(self, name: str, *, timeout_s: float, here: bool = True) -> Look:
        self.looks.append((self.clock.passed_s, "here" if here else "there", name))
        if self.no_descriptor:
            raise own_lack(OSError(errno.EMFILE, "Too many open files")) or AssertionError
        if name in self.frozen or (here and (not self.link or name in self.hidden)):
            await self.clock.sleep(timeout_s)
            return Look(ok=False, why="no answer within 2 s")
        await self.clock.sleep(LOOK_S)
        return Look(ok=False, why="connection refused") if name in self.dead else Look(ok=True, took_s=self.look_took_s)


class PlayedProbe:
    def __init__(self, world: World, fleet: Fleet) -> None:
        self._world = world
        self._machines = {server.address: server.name for server in fleet.servers.values()}
        self._nameservers = {server.name: server for server in fleet.dns.nameservers}

    async def ssh_banner(self, server: str, *, timeout_s: float) -> Look:
        look = await self._world.look(server, timeout_s=timeout_s)
        return Look(ok=False, why="connection refused") if server in self._world.no_ssh else look

    async def site(self, site: Site, server: str, *, timeout_s: float) -> Look:
        look = await self._world.look(server, timeout_s=timeout_s)
        if site.name in self._world.odd:
            raise ValueError("an answer as nobody foresaw it")
        if look.ok and site.name in self._world.broken_sites:
            return Look(ok=False, why="status 500 instead of 200")
        ends_at, took_s = (
            self._world.certificate_ends_at.get(site.name),
            self._world.takes_s.get(site.name, look.took_s),
        )
        return replace(look, took_s=took_s, certificate_ends_at=ends_at) if look.ok else look

    async def nameserver(self, nameserver: str, zone: str, *, timeout_s: float) -> Look:
        del zone
        return await self._world.look(self._machine_of(nameserver), timeout_s=timeout_s)

    async def second_look(self, vantage: str, target: Target, *, timeout_s: float) -> Look | None:
        world, name = self._world, target.name
        if vantage in world.odd:
            raise ValueError("an answer as nobody foresaw it")
        if vantage in world.dead | world.frozen | world.no_login | world.hidden or not world.link:
            await world.clock.sleep(timeout_s)
            return None
        return await world.look(self._machine_of(name), timeout_s=timeout_s, here=False)

    def _machine_of(self, name: str) -> str:
        nameserver = self._nameservers.get(name)
        return self._machines.get(nameserver.endpoint.address, name) if nameserver else name


class PlayedSsh:
    """Servers that say how they are."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def run(self, server: str, command: str, *, timeout_s: float) -> Ran:
        del command
        if server in self._world.odd:
            raise ValueError("an answer as nobody foresaw it")
        if server in self._world.no_login | self._world.dead or not self._world.link:
            await self._world.clock.sleep(timeout_s)
            raise TimedOutError("no answer")
        return Ran(0, self._world.says.get(server, "== reboot\nno\n").encode(), b"")


class PlayedDns:
    """The zones' primary: answers where each site's name points."""

    def __init__(self, world: World, fleet: Fleet) -> None:
        self._world = world
        self._fleet = fleet
        self._sites = {site.names[0]: site.name for site in fleet.sites.values()}
        self._names = {server.endpoint: server.name for server in fleet.dns.nameservers}

    async def serial(self, server: Endpoint, zone: str, *, timeout_s: float = 3.0) -> int:
        del timeout_s
        if not self._world.link:
            raise TimedOutError("no answer")
        name = self._names.get(server, "")
        if name in self._world.dead:
            raise UnreachableError("connection refused")
        if name in self._world.lame:
            raise DnsError("no authority")
        changes = self._world.zone_edits * 100 + len(
            [site for site, at in self._world.points_to.items() if self._fleet.sites[site].home != at]
        )
        lags = self._world.serials.get(name, 0)
        return 1 + changes + len(zone) - lags

    async def ask(self, server: Endpoint, name: str, rdtype: str, *, timeout_s: float = 3.0) -> Answer:
        del server, timeout_s, rdtype
        where = self._world.points_to[self._sites[name]]
        address = self._fleet.servers[where].address if where in self._fleet.servers else where
        return Answer((address,), 300, authoritative=True, aliases=(), took_s=0.0)


def some_fleet(servers: int = 3, sites: int = 12, nameservers: int = 3, watch: Watch | None = None) -> Fleet:
    """`servers` called one, two, …; the sites live on the first ones in turn, the last site is kept nowhere else."""
    names = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"][:servers]
    login = SshLogin("ops", 22, SecretRef("file", "/keys/bot"), "/keys/known_hosts")
    made = {
        name: Server(name, name.title(), login, ipv4=f"192.0.2.{number}", checks=ServerChecks(host=None))
        for number, name in enumerate(names, start=1)
    }
    hosting = names[: max(1, servers - 1)]
    some = {}
    for number in range(sites):
        home = hosting[number % len(hosting)]
        others = tuple(name for name in names if name != home)
        mirrors = () if number == sites - 1 else others
        some[f"site{number}"] = Site(f"site{number}", home, mirrors, (f"site{number}.test",), "/srv/{server}/x")
    return Fleet(
        name="test",
        timezone="Europe/London",
        servers=made,
        sites=some,
        dns=DnsSettings(
            update=(Endpoint("192.0.2.200"),),
            nameservers=tuple(
                NameServer(f"ns{number}", Endpoint(f"192.0.2.{100 + number}"), "Oslo")
                for number in range(1, nameservers + 1)
            ),
            zones=("test",),
        ),
        watch=watch
        or Watch(timedelta(seconds=5), timedelta(seconds=1), timedelta(seconds=2), down_after=3, up_after=2),
    )


class Stage:
    """A bot that watches the world, with its store; it can be stopped and started again."""

    def __init__(self, fleet: Fleet, path: Path) -> None:
        self.fleet = fleet
        self.clock = PlayedClock()
        self.world = World(self.clock, {site.name: site.home for site in fleet.sites.values()})
        self.store = Store(SqliteDb(path))
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def ports(self) -> Ports:
        return ports_with(
            self.fleet,
            clock=self.clock,
            store=self.store,
            ssh=PlayedSsh(self.world),
            dns=PlayedDns(self.world, self.fleet),
            probe=PlayedProbe(self.world, self.fleet),
            live_fleet=lambda: self.fleet,
        )

    def change(self, **parts: object) -> None:
        """Change the fleet file; the next start reads it."""
        self.fleet = replace(self.fleet, **cast("Any", parts))

    def start(self) -> Watcher:
        watcher = Watcher(self.ports, dns_every_s=10.0)
        self._tasks.append(asyncio.create_task(watcher.run()))
        return watcher

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        results = await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []
        assert all(isinstance(result, asyncio.CancelledError) for result in results), results

    async def play(self, seconds: float) -> None:
        await self.clock.play(seconds, self.store)
        for task in self._tasks:
            assert not task.done(), task.exception()

    async def cards(self) -> list[StoredCard]:
        return [card for card in await self.store.cards.waiting() if card.key.startswith("outage:")]

    async def titles(self) -> list[str]:
        return [card.reply.title for card in await self.cards()]

    async def state(self, target: Target) -> str:
        seen = (await self.store.states.states_of([target])).get(target)
        return seen.state if seen is not None else "never seen"


SetStage = Callable[..., Awaitable[Stage]]
"""What the fixture `set_stage` is: `await set_stage(servers=3, sites=12, nameservers=3, watch=None)`."""


@pytest.fixture
async def set_stage(tmp_path: Path) -> AsyncIterator[SetStage]:
    """Make a stage with a fleet of its own."""
    async with AsyncExitStack() as ending:

        async def made(**parts: Any) -> Stage:  # noqa: ANN401 - the parameters of some_fleet
            stage = Stage(some_fleet(**parts), tmp_path / "store.db")
            await stage.store.open()
            ending.push_async_callback(stage.store.close)
            ending.push_async_callback(stage.stop)
            return stage

        yield made


@pytest.fixture
async def stage(set_stage: SetStage) -> Stage:
    """Three servers, twelve sites on two of them, three name servers; the bot is watching and has seen all of it."""
    stage = await set_stage()
    stage.start()
    await stage.play(15)
    return stage

"""What alerts are sent with and to: real receivers on loopback, and a clock that can be put forward."""

from __future__ import annotations

import asyncio
import contextlib
import email
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from aiohttp import web
from given_ports import ports_with

from core.fleet import DnsSettings, Endpoint, Fleet, NameServer, SecretRef, Server, Site, SshLogin, Watch
from jobs.notify.relay import Relay
from ops.clock import SystemClock
from ops.fleetfile import secret_reader
from ops.notify.routes import NotificationRoutes

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from email.message import Message

    from ops.ports import Ports
    from ops.store import Store

PATIENCE_S = 40.0


class ShiftedClock(SystemClock):
    """The real time, put forward as a test says."""

    def __init__(self) -> None:
        self.shift = timedelta()

    def now(self) -> datetime:
        return super().now() + self.shift


@dataclass
class Receiver:
    """An HTTP server that keeps what it is sent. `status` is what it answers; while `hangs`, it does not."""

    port: int = 0
    status: int = 200
    hangs: bool = False
    got: list[dict[str, Any]] = field(default_factory=list)
    asked: int = 0

    @property
    def titles(self) -> list[str]:
        return [one["title"] for one in self.got]

    async def answer(self, request: web.Request) -> web.Response:
        self.asked += 1
        if request.can_read_body and self.status < 400:
            self.got.append(await request.json())
        if self.hangs:
            await asyncio.Event().wait()
        return web.Response(status=self.status)


@contextlib.asynccontextmanager
async def listening(receiver: Receiver) -> AsyncIterator[Receiver]:
    server = web.Application()
    server.router.add_route("*", "/{tail:.*}", receiver.answer)
    runner = web.AppRunner(server, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", receiver.port).start()
    receiver.port = runner.addresses[0][1]
    try:
        yield receiver
    finally:
        await runner.cleanup()


@dataclass
class Mailbox:
    port: int
    mails: list[Message] = field(default_factory=list)

    async def handle_DATA(self, _server: object, _session: object, envelope: Any) -> str:  # noqa: ANN401, N802 - aiosmtpd's
        self.mails.append(email.message_from_bytes(envelope.content))
        return "250 OK"


def ports_of(store: Store) -> Ports:
    login = SshLogin("ops", 22, SecretRef("file", "/keys/bot"), "/keys/known_hosts")
    fleet = Fleet(
        name="small",
        timezone="Europe/Oslo",
        servers={
            "oslo": Server("oslo", "Oslo", login, ipv4="192.0.2.1"),
            "lima": Server("lima", "Lima", login, ipv4="192.0.2.2", ipv6="2001:db8::2"),
        },
        sites={"fjord": Site("fjord", "oslo", ("lima",), ("fjord.example",), "/srv/fjord")},
        dns=DnsSettings((Endpoint("192.0.2.9"),), (NameServer("ns1", Endpoint("192.0.2.8"), "Oslo"),), ("example",)),
        watch=Watch(every=timedelta(seconds=30)),
    )
    return ports_with(fleet, clock=ShiftedClock(), store=store)


Routes = dict[str, str]


@contextlib.asynccontextmanager
async def relaying(ports: Ports, routes: Routes) -> AsyncIterator[Ports]:
    """Send alerts by these routes (address by the variable's name) until the block ends."""
    fleet = replace(ports.fleet, notify=tuple(SecretRef("env", name) for name in routes))
    ports = replace(ports, fleet=fleet)
    relay = Relay(ports, NotificationRoutes(secret_reader(fleet, routes)), look_s=0.02)
    running = asyncio.create_task(relay.run())
    try:
        await until(lambda: taken_up(ports, routes))
        yield ports
    finally:
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running


async def taken_up(ports: Ports, routes: Routes) -> bool:
    return set(await ports.store.notifications.routes()) == {f"env:{name}" for name in routes}


async def until(true: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not await true():  # noqa: ASYNC110 - other processes change what is asked for
            await asyncio.sleep(0.02)


async def all_sent(ports: Ports) -> None:
    """Wait until every route has come to the end of the alerts."""

    async def done() -> bool:
        return not any((await ports.store.notifications.waiting()).values())

    await until(done)


async def asked(receiver: Receiver) -> bool:
    return receiver.asked > 0


async def got(receiver: Receiver, number: int) -> bool:
    return len(receiver.got) >= number

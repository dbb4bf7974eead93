"""The dead-man's switch is told that the bot lives, while its watch goes round."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from datetime import timedelta
from typing import TYPE_CHECKING

from notify.harness import Receiver, ShiftedClock, until

from core.fleet import Heartbeat, SecretRef
from core.fleet.target import Target
from jobs.notify.heartbeat import HeartbeatSender
from ops.notify.routes import NotificationRoutes
from ops.store.monitor.states import ObservedState

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    import pytest

    from ops.ports import Ports

SWITCH = Heartbeat(SecretRef("env", "SWITCH"), timedelta(milliseconds=50))


@contextlib.asynccontextmanager
async def beating(ports: Ports, address: str) -> AsyncIterator[None]:
    running = asyncio.create_task(HeartbeatSender(ports, NotificationRoutes(lambda _secret: address), SWITCH).run())
    try:
        yield
    finally:
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running


async def looked(ports: Ports) -> None:
    now = ports.clock.now()
    await ports.store.states.saw([ObservedState(Target.server("oslo"), "up", now, now)], gap=timedelta(minutes=1))


async def test_the_switch_is_told_again_and_again_while_the_watch_goes_round(ports: Ports, receiver: Receiver) -> None:
    await looked(ports)
    async with beating(ports, f"http://127.0.0.1:{receiver.port}/ping"):
        await until(lambda: pinged(receiver, 3))


async def test_a_watch_that_stands_still_stops_the_ping_and_one_that_goes_on_brings_it_back(
    ports: Ports, receiver: Receiver, clock: ShiftedClock
) -> None:
    async with beating(ports, f"http://127.0.0.1:{receiver.port}/ping"):
        await asyncio.sleep(0.3)
        assert receiver.asked == 0
        await looked(ports)
        await until(lambda: pinged(receiver, 1))
        clock.shift = timedelta(minutes=5)
        await asyncio.sleep(0.2)
        before = receiver.asked
        await asyncio.sleep(0.3)
        assert receiver.asked == before
        await looked(ports)
        await until(lambda: pinged(receiver, before + 1))


async def test_a_switch_that_does_not_take_the_ping_is_logged_once_and_without_its_address(
    ports: Ports, receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    await looked(ports)
    receiver.status = 500
    async with beating(ports, f"http://127.0.0.1:{receiver.port}/t0ps3cret"):
        await until(lambda: pinged(receiver, 4))
    assert [record.getMessage() for record in caplog.records] == ["heartbeat=missing why='HTTP status 500'"]
    assert "t0ps3cret" not in caplog.text


async def pinged(receiver: Receiver, times: int) -> bool:
    return receiver.asked >= times


async def test_a_ping_that_fails_says_why_in_a_few_words(free_port: Callable[[], int], tmp_path: Path) -> None:
    nobody = f"http://127.0.0.1:{free_port()}/t0ps3cret"
    assert await NotificationRoutes(lambda _secret: nobody).ping(SWITCH.url) == "connection refused"
    assert await NotificationRoutes(lambda _secret: "t0ps3cret").ping(SWITCH.url) == "what it holds is no address"
    ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    made = await asyncio.create_subprocess_exec(
        *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"),
        *("-subj", "/CN=localhost", "-keyout", key, "-out", certificate),
        stderr=asyncio.subprocess.DEVNULL,
    )
    assert await made.wait() == 0
    ctx.load_cert_chain(certificate, key)
    server = await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", 0, ssl=ctx)
    async with server:
        port = server.sockets[0].getsockname()[1]
        why = await NotificationRoutes(lambda _secret: f"https://localhost:{port}/t0ps3cret").ping(SWITCH.url)
    assert why == "its certificate is not valid"

"""What a port gives to whoever connects, with times and numbers small enough to be met."""

from __future__ import annotations

import asyncio
import contextlib
import resource
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
from aiohttp import web
from monitoring.harness import ask

from bot.web.listening import Door, bounded_application, listening, most_connections

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]

GET = b"GET /now HTTP/1.1\r\nHost: x\r\n\r\n"
LONG_S = 60.0


@asynccontextmanager
async def served(
    port: int, door: Door, held: asyncio.Event | None = None, most_body_bytes: int = 1000
) -> AsyncIterator[None]:
    async def now(_request: web.Request) -> web.Response:
        return web.Response(text="now")

    async def later(_request: web.Request) -> web.Response:
        if held is not None:
            await held.wait()
        return web.Response(text="later")

    async def length(request: web.Request) -> web.Response:
        return web.Response(text=str(len(await request.read())))

    app = bounded_application(most_body_bytes)
    app.add_routes([web.get("/now", now), web.get("/later", later), web.post("/length", length)])
    async with listening(app, "127.0.0.1", port, "here", "", door=door):
        yield


async def connect(port: int, says: bytes = b"") -> Streams:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(says)
    await writer.drain()
    return reader, writer


async def end_of(streams: Streams) -> bytes:
    """Return what still comes until the other side ends it."""
    reader, writer = streams
    try:
        return await asyncio.wait_for(reader.read(), 20)
    except ConnectionError:
        return b""
    finally:
        await let_go(writer)


async def let_go(*writers: asyncio.StreamWriter) -> None:
    for writer in writers:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


@pytest.mark.parametrize("says", [b"", b"GET /now HTTP/1.1\r\nX-Slow: a"])
async def test_who_does_not_finish_a_head_in_time_is_hung_up_on(
    free_port: Callable[[], int], says: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    port = free_port()
    async with served(port, Door("here", 10, head_s=0.3)):
        assert await end_of(await connect(port, says)) == b""
    assert "web=closed at='here' connections=1" in caplog.text


async def test_a_head_that_trickles_in_gets_no_more_time(free_port: Callable[[], int]) -> None:
    port = free_port()
    async with served(port, Door("here", 10, head_s=0.5)):
        reader, writer = await connect(port)
        with contextlib.suppress(ConnectionError):
            while not reader.at_eof():
                writer.write(b"a")
                await writer.drain()
                await asyncio.sleep(0.05)
        await let_go(writer)


async def test_a_body_that_does_not_come_is_not_waited_for(free_port: Callable[[], int]) -> None:
    port = free_port()
    async with served(port, Door("here", 10, request_s=0.3)):
        begun = await connect(port, b"POST /length HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nabc")
        assert await end_of(begun) == b""
        assert (await ask(f"http://127.0.0.1:{port}/now"))[0] == 200


async def test_a_kept_connection_is_closed_when_nothing_more_is_asked(free_port: Callable[[], int]) -> None:
    port = free_port()
    async with served(port, Door("here", 10, kept_s=0.3)):
        assert (await end_of(await connect(port, GET))).endswith(b"now")


async def test_where_too_many_are_silent_the_oldest_goes_and_the_new_one_is_answered(
    free_port: Callable[[], int],
) -> None:
    port = free_port()
    async with served(port, Door("here", 3, head_s=LONG_S)):
        silent = [await connect(port) for _ in range(3)]
        assert await ask(f"http://127.0.0.1:{port}/now") == (200, "now")
        assert await end_of(silent[0]) == b""
        silent[1][1].write(GET)
        assert await asyncio.wait_for(silent[1][0].readline(), 20) == b"HTTP/1.1 200 OK\r\n"
        await let_go(*(writer for _, writer in silent))


async def test_who_is_being_answered_keeps_the_place(free_port: Callable[[], int]) -> None:
    port, held = free_port(), asyncio.Event()
    async with served(port, Door("here", 2, head_s=LONG_S), held):
        asked = await connect(port, GET.replace(b"now", b"later"))
        await asyncio.sleep(0.2)
        crowd = [await connect(port) for _ in range(10)]
        await asyncio.sleep(0.2)
        held.set()
        assert await asyncio.wait_for(asked[0].readline(), 20) == b"HTTP/1.1 200 OK\r\n"
        await let_go(*(writer for _, writer in (asked, *crowd)))


async def test_a_body_at_the_limit_is_read_and_a_longer_one_is_refused_and_said(
    free_port: Callable[[], int], caplog: pytest.LogCaptureFixture
) -> None:
    port = free_port()
    async with served(port, Door("here", 10)):
        for length, status in ((1000, b"200"), (1001, b"413")):
            head = f"POST /length HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
            said = await end_of(await connect(port, head.encode() + b"x" * length))
            assert said.split()[1] == status
    assert "web=too_long path=/length" in caplog.text


def test_a_port_takes_an_eighth_of_the_descriptors_and_never_more_than_256() -> None:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        for soft, most in ((800, 100), (2048, 256), (4096, 256)):
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, before[1]))
            assert most_connections() == most
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)

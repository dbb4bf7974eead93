"""Listening on a port, so that whoever connects there can take no more than a share of what the whole bot has.

A connection that says nothing is closed after a while, and at once where others want its place: however many come, the
watch, the store and Slack keep their file descriptors, and pages are answered.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import resource
from typing import TYPE_CHECKING, cast

from aiohttp import web

from core.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

log = logging.getLogger(__name__)

CLOSE_S = 3.0
# A request's head has to be there within, and the next one's where a connection is kept.
HEAD_S = 10.0
KEPT_S = 75.0
# A request has to be read and answered within.
REQUEST_S = 30.0
MOST_CONNECTIONS = 256
# Of the process's file descriptors, so much is for one port.
SHARE_OF_DESCRIPTORS = 8
MOST_BODY_BYTES = 1024 * 1024
# In the kernel's queue, each of them is a descriptor a moment later.
BACKLOG = 64
SAY_AGAIN_S = 60.0


def most_connections() -> int:
    """Return how many connections a port may hold: an eighth of this process's file descriptors, or 256."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    unlimited = soft == resource.RLIM_INFINITY
    return MOST_CONNECTIONS if unlimited else max(1, min(MOST_CONNECTIONS, soft // SHARE_OF_DESCRIPTORS))


def bounded_application(most_body_bytes: int = MOST_BODY_BYTES) -> web.Application:
    """Return an application for `listening`: one that reads no longer bodies, and says so when one came."""
    return web.Application(client_max_size=most_body_bytes, middlewares=[_say_too_long])


@contextlib.asynccontextmanager
async def listening(
    app: web.Application, address: str | None, port: int | None, place: str, hint: str, *, door: Door | None = None
) -> AsyncIterator[None]:
    """Have `app` answer until the block ends. Raises SettingsError where `place` cannot be had.

    port: None: any that is free. door: what limits the connections; None: the usual one.
    """
    door = door or Door(place, most_connections())
    app.middlewares.append(door.attending)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=CLOSE_S)
    await runner.setup()
    server = runner.server
    if server is None:
        raise TypeError("a runner that was set up has a server")
    try:
        try:
            loop = asyncio.get_running_loop()
            listener = await loop.create_server(lambda: door.held(server()), address, port or 0, backlog=BACKLOG)
        except OSError as error:
            why = error.strerror or type(error).__name__
            raise SettingsError(f"{place} cannot be listened on: {why}.", hint=hint) from error
        try:
            yield
        finally:
            listener.close()
    finally:
        await runner.cleanup()


class Door:
    """The connections of one port: at most `most`. Who is being answered stays; of the others the oldest goes first."""

    def __init__(
        self, place: str, most: int, *, head_s: float = HEAD_S, kept_s: float = KEPT_S, request_s: float = REQUEST_S
    ) -> None:
        self._place = place
        self._most = most
        self.head_s = head_s
        self._kept_s = kept_s
        self._request_s = request_s
        # In the order in which they came, or were last answered.
        self._waiting: dict[_Held, None] = {}
        self._by_handler: dict[object, _Held] = {}
        self._closed = 0
        self._said_s = float("-inf")

    def held(self, handler: asyncio.Protocol) -> asyncio.Protocol:
        """Return the protocol of a new connection, whose requests `handler` answers."""
        return _Held(self, handler)

    @property
    def attending(self) -> Callable[..., Awaitable[web.StreamResponse]]:
        """The middleware that knows who is being answered."""

        @web.middleware
        async def attend(
            request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
        ) -> web.StreamResponse:
            held = self._by_handler.get(request.protocol)
            if held is None:
                # It was closed meanwhile.
                return await handler(request)
            self._waiting.pop(held, None)
            held.give(self._request_s)
            try:
                return await handler(request)
            finally:
                if request.protocol in self._by_handler:
                    self._waiting[held] = None
                    held.give(self._kept_s, answered=True)

        return attend

    def entered(self, held: _Held) -> None:
        """Take in a connection; where there are too many, the one that has been silent for longest is closed."""
        self._by_handler[held.handler] = held
        self._waiting[held] = None
        if len(self._by_handler) > self._most:
            next(iter(self._waiting)).close()

    def left(self, held: _Held) -> None:
        """Take in that a connection is over."""
        self._by_handler.pop(held.handler, None)
        self._waiting.pop(held, None)

    def closed(self) -> None:
        """Take in that one was closed from here, and say so now and then."""
        self._closed += 1
        now_s = asyncio.get_running_loop().time()
        if now_s - self._said_s >= SAY_AGAIN_S:
            self._said_s = now_s
            log.warning("web=closed at=%r connections=%d open=%d", self._place, self._closed, len(self._by_handler))
            self._closed = 0


class _Held(asyncio.Protocol):
    """One connection, with the time that it has; everything else is `handler`'s."""

    def __init__(self, door: Door, handler: asyncio.Protocol) -> None:
        self.handler = handler
        self._door = door
        self._transport: asyncio.Transport | None = None
        self._ends: asyncio.TimerHandle | None = None

    def give(self, seconds: float, *, answered: bool = False) -> None:
        """Give it so long until the next thing has happened. answered: it owes nothing, and may end unsaid."""
        if self._ends is not None:
            self._ends.cancel()
        self._ends = asyncio.get_running_loop().call_later(seconds, self.close, answered)

    def close(self, answered: bool = False) -> None:
        """End it at once, whatever the other side does; see `give`."""
        self._door.left(self)
        if self._transport is not None and not self._transport.is_closing():
            self._transport.abort()
            if not answered:
                self._door.closed()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self.give(self._door.head_s)
        self.handler.connection_made(transport)
        self._door.entered(self)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._ends is not None:
            self._ends.cancel()
        self._door.left(self)
        self.handler.connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self.handler.data_received(data)

    def eof_received(self) -> bool | None:
        return self.handler.eof_received()

    def pause_writing(self) -> None:
        self.handler.pause_writing()

    def resume_writing(self) -> None:
        self.handler.resume_writing()


@web.middleware
async def _say_too_long(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    try:
        return await handler(request)
    except web.HTTPRequestEntityTooLarge:
        log.warning("web=too_long path=%s from=%s most_bytes=%d", request.path, request.remote, request.client_max_size)
        raise

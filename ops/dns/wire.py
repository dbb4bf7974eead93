"""Bytes to a name server and back: UDP with one retransmission, TCP, and what goes wrong on the way.

One rule for errors: before a request has left it is UnreachableError (OwnLackError where that is this machine's own
doing), afterwards it is TimedOutError, because then it may have been carried out. Each function is given `who` (the
server as a person knows it) and `asked` (the request in a few words), and says them.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, TypeVar

import dns.message
import dns.rdatatype

from core.errors import OwnLackError, TimedOutError, UnreachableError
from core.wording import duration
from ops.own_lack import own_lack, within

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from core.fleet import Endpoint

LENGTH_BYTES = 2
RESEND_SHARE = 1 / 3
SECOND_LOOK_ID = 0x5E1F
MOST_WAITING = 100

Read = TypeVar("Read")
_Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class ClosedEarlyError(TimedOutError):
    """The server closed the connection before its answer was whole: what was asked may or may not have happened."""


class Stream:
    """A TCP connection to a name server, on which each message follows its length (RFC 1035, section 4.2.2)."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, who: str, asked: str) -> None:
        self._reader = reader
        self._writer = writer
        self._who = who
        self._asked = asked

    async def send(self, message: bytes) -> None:
        """Send one message. Raises ClosedEarlyError where the connection ends meanwhile."""
        try:
            self._writer.write(struct.pack("!H", len(message)) + message)
            await self._writer.drain()
        except OSError as error:
            raise self._closed_early() from error

    async def receive(self) -> bytes:
        """Return the next message. Raises ClosedEarlyError where the connection ends first."""
        try:
            (length,) = struct.unpack("!H", await self._reader.readexactly(LENGTH_BYTES))
            return await self._reader.readexactly(length)
        except (asyncio.IncompleteReadError, OSError) as error:
            raise self._closed_early() from error

    def _closed_early(self) -> ClosedEarlyError:
        return ClosedEarlyError(
            f"{self._who} closed the connection before it had answered {self._asked}.", hint="See that server's log."
        )


class Connections:
    """TCP connections to one name server, a bounded number at once.

    A connection is handed on to whoever waits for a turn, so that a burst of requests shares a few (a name server
    spends more on a new connection than on an update); where nobody waits it is closed, so that none ever sits idle
    until the server hangs up on it. After any error it is closed; a server that hangs up after each answer gets a
    new connection each time, once that has been seen. Times run from when the turn comes.
    """

    def __init__(self, server: Endpoint, at_once: int) -> None:
        self._server = server
        self._turns = asyncio.Semaphore(at_once)
        self._waiting = 0
        self._free: list[_Connection] = []
        self._shares = True

    @asynccontextmanager
    async def lend(self, who: str, asked: str, *, connect_s: float, timeout_s: float) -> AsyncGenerator[Stream]:
        """Lend a connection for one request and the whole of its answer.

        Raises UnreachableError where none comes about within `connect_s`, OwnLackError, TimedOutError where what is
        done with it takes longer than `timeout_s`, connecting included.
        """
        self._waiting += 1
        try:
            await self._turns.acquire()
        finally:
            self._waiting -= 1
        connection: _Connection | None = None
        ends = asyncio.get_running_loop().time() + timeout_s
        try:
            used = connection = self._take()
            connection = used or await _connect(self._server, who, connect_s=min(connect_s, timeout_s))
            async with asyncio.timeout_at(ends):
                yield Stream(*connection, who, asked)
            self._give_back(connection)
            connection = None
        except ClosedEarlyError:
            self._shares = self._shares and not used
            raise
        except TimeoutError as error:
            raise TimedOutError(
                f"{who} took the connection, but did not answer {asked} within {_seconds(timeout_s)}.",
                hint="Is the name server busy or frozen? See its log.",
            ) from error
        finally:
            if connection:
                connection[1].close()
            self._turns.release()

    def _take(self) -> _Connection | None:
        while self._free:
            connection = self._free.pop()
            reader, writer = connection
            if not reader.at_eof() and not writer.is_closing():
                return connection
            writer.close()
        return None

    def _give_back(self, connection: _Connection) -> None:
        self._free.append(connection)
        if not self._waiting or not self._shares:
            for _, writer in self._free:
                writer.close()
            self._free.clear()


async def _connect(server: Endpoint, who: str, *, connect_s: float) -> _Connection:
    try:
        async with asyncio.timeout(connect_s):
            return await asyncio.open_connection(server.address, server.port)
    except TimeoutError as error:
        raise UnreachableError(
            f"{who} did not take a TCP connection within {_seconds(connect_s)}; nothing was sent.",
            hint=f"Is it up, and is TCP port {server.port} open on the way to it?",
        ) from error
    except OSError as error:
        raise _unreachable(server, who, "TCP", error) from error


async def over_udp(
    server: Endpoint, who: str, asked: str, query: bytes, read: Callable[[bytes], Read | None], *, timeout_s: float
) -> Read:
    """Send `query`, once more after a third of the time, and return what `read` makes of the first fitting datagram.

    `read` returns None for a datagram that is no answer to this query: it is passed over, and waiting goes on. The
    socket is connected, so that only that server's datagrams arrive, and a closed port is known at once.
    """
    loop = asyncio.get_running_loop()
    transport: asyncio.DatagramTransport | None = None
    try:
        async with within(timeout_s):
            # Connected here: an event loop would take "no port is free" (EAGAIN, udp(7)) for a connection under way.
            transport, arriving = await loop.create_datagram_endpoint(_Datagrams, sock=_connected(server))
            transport.sendto(query)
            resend = loop.call_later(timeout_s * RESEND_SHARE, transport.sendto, query)
            try:
                while True:
                    answer = read(await arriving.next())
                    if answer is not None:
                        return answer
            finally:
                resend.cancel()
    except TimeoutError as error:
        raise TimedOutError(
            f"{who} did not answer {asked} within {_seconds(timeout_s)}.",
            hint=f"Is it up, and is UDP port {server.port} open on the way to it?",
        ) from error
    except OSError as error:
        raise _unreachable(server, who, "UDP", error) from error
    finally:
        if transport is not None:
            transport.close()


def _connected(server: Endpoint) -> socket.socket:
    """Return a UDP socket that is connected to `server`, which waits for nobody. Raises OSError."""
    family = socket.AF_INET6 if ":" in server.address else socket.AF_INET
    asking = socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
    try:
        asking.connect((server.address, server.port))
    except OSError:
        asking.close()
        raise
    return asking


class _Datagrams(asyncio.DatagramProtocol):
    """Keeps what arrives until it is asked for."""

    def __init__(self) -> None:
        self._arrived: asyncio.Queue[bytes | Exception] = asyncio.Queue(MOST_WAITING)

    async def next(self) -> bytes:
        """Return the next datagram. Raises the OSError that the network reported instead."""
        arrived = await self._arrived.get()
        if isinstance(arrived, Exception):
            raise arrived
        return arrived

    def datagram_received(self, data: bytes, addr: tuple[str | object, int]) -> None:  # noqa: ARG002
        self._keep(data)

    def error_received(self, exc: Exception) -> None:
        self._keep(exc)

    def _keep(self, arrived: bytes | Exception) -> None:
        # More than these is no answer to one question: what does not fit is as lost as any datagram may be.
        if not self._arrived.full():
            self._arrived.put_nowait(arrived)


def _seconds(length_s: float) -> str:
    return duration(timedelta(seconds=length_s))


def _unreachable(server: Endpoint, who: str, transport: str, error: OSError) -> UnreachableError | OwnLackError:
    if lack := own_lack(error, server.address):
        return lack
    if isinstance(error, ConnectionRefusedError):
        return UnreachableError(
            f"{who} is there, but nothing listens on {transport} port {server.port}.",
            hint="Start the name server, or fix its address and port in app.yaml (dns).",
        )
    reason = error.strerror or str(error)
    return UnreachableError(f"{who} cannot be reached over {transport}: {reason}.", hint="Is the network up?")


def soa_query_tcp(zone: str) -> bytes:
    """Return the bytes that ask for `zone`'s SOA over TCP, length prefix included, for a second vantage point.

    They can be sent as they are by whatever opens a TCP connection there (bash's /dev/tcp, nc). The id is always the
    same: over TCP it protects from nothing.
    """
    query = dns.message.make_query(zone, dns.rdatatype.SOA, flags=0, use_edns=False, id=SECOND_LOOK_ID)
    return query.to_wire(prepend_length=True)

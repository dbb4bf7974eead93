"""A conversation in lines over TCP, of which both sides are short: with limits, and TLS that begins in the middle.

The standard library's smtplib and imaplib wait in a thread without a time for the whole, and hold an answer of any
length; whoever is asked here may be hostile.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

from core.errors import MailError, SharpnetError
from core.wording import duration
from ops.own_lack import own_lack, within
from ops.probe.tcp import trouble_of

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncGenerator

LIMIT_BYTES = 1 << 20
LONGEST_LINE_BYTES = 64 * 1024


class LineWire:
    """One connection: says bytes, and hears lines.

    answer_s: for each answer. `hear` and `literal` raise MailError where there is none by then, where the other side
    ends it, or says too much, and OwnLackError. slowest: what took longest to be answered, and how long that was.
    """

    def __init__(self, answer_s: float) -> None:
        self.slowest: tuple[str, float] = ("", 0.0)
        self._answer_s = answer_s
        self._heard = _Heard()
        self._transport: asyncio.Transport | None = None

    async def connect(self, address: str, port: int) -> None:
        """Connect. Raises OwnLackError, MailError."""
        loop = asyncio.get_running_loop()
        try:
            async with within(self._answer_s):
                transport, _ = await loop.create_connection(lambda: self._heard, address, port)
        except (OSError, TimeoutError) as error:
            raise self._broken(error, "connection", address, port) from error
        self._transport = transport

    def say(self, line: bytes) -> None:
        """Send bytes; where nobody takes them any more, the next answer says so."""
        if self._transport is not None:
            self._transport.write(line)

    async def hear(self, awaited: str) -> bytes:
        """Return the next line, without its end."""
        return await self._within(self._heard.line(), awaited)

    async def literal(self, size: int, awaited: str) -> bytes:
        """Return the next `size` bytes."""
        return await self._within(self._heard.exactly(size), awaited)

    async def begin_tls(self, context: ssl.SSLContext, name: str | None = None) -> bytes:
        """Go on in TLS, and return the certificate shown (DER). Raises MailError.

        What the other side has said before it counts for nothing after it (RFC 3207, section 6).
        """
        loop = asyncio.get_running_loop()
        if self._transport is None or self._transport.is_closing() or self._heard.waiting():
            raise MailError("it said something between STARTTLS and TLS")
        try:
            async with within(self._answer_s):
                made = await loop.start_tls(self._transport, self._heard, context, server_hostname=name)
        except (OSError, TimeoutError) as error:
            raise self._broken(error, "TLS connection") from error
        if made is None:
            raise MailError("it broke the connection off")
        self._transport = made
        tls: ssl.SSLObject = made.get_extra_info("ssl_object")
        return tls.getpeercert(binary_form=True) or b""

    def local_and_peer(self) -> tuple[str, str]:
        """Return the addresses of both ends."""
        if self._transport is None:
            return "", ""
        ends = (self._transport.get_extra_info(name) for name in ("sockname", "peername"))
        local, peer = (str(end[0]) if end else "" for end in ends)
        return local, peer

    def close(self) -> None:
        """Let go at once, without waiting for the other side's goodbye."""
        if self._transport is not None:
            self._transport.abort()

    async def _within(self, hearing: object, awaited: str) -> bytes:
        loop = asyncio.get_running_loop()
        begun_s = loop.time()
        try:
            async with within(self._answer_s):
                heard: bytes = await hearing  # type: ignore[misc]
        except (OSError, TimeoutError) as error:
            raise self._broken(error, f"answer to {awaited}") from error
        took_s = loop.time() - begun_s
        if took_s > self.slowest[1]:
            self.slowest = awaited, took_s
        return heard

    def _broken(self, error: OSError, awaited: str, address: str = "", port: int = 0) -> SharpnetError:
        if lack := own_lack(error, address):
            return lack
        if isinstance(error, TimeoutError):
            return MailError(f"no {awaited} within {duration(timedelta(seconds=self._answer_s))}")
        return MailError(trouble_of(error, port))


class _Heard(asyncio.Protocol):
    """What was heard and is not taken yet."""

    def __init__(self) -> None:
        self._bytes = bytearray()
        self._total_bytes = 0
        self._changed = asyncio.Event()
        self._ended: OSError | None = None

    def waiting(self) -> bool:
        return bool(self._bytes)

    async def line(self) -> bytes:
        while (end := self._bytes.find(b"\n")) < 0:
            if len(self._bytes) > LONGEST_LINE_BYTES:
                raise MailError(f"it says a line of more than {LONGEST_LINE_BYTES:,} bytes")
            await self._more()
        found = bytes(self._bytes[:end]).removesuffix(b"\r")
        del self._bytes[: end + 1]
        return found

    async def exactly(self, size: int) -> bytes:
        if size > LONGEST_LINE_BYTES:
            raise MailError(f"it announces {size:,} bytes")
        while len(self._bytes) < size:
            await self._more()
        found = bytes(self._bytes[:size])
        del self._bytes[:size]
        return found

    async def _more(self) -> None:
        if self._total_bytes > LIMIT_BYTES:
            raise MailError(f"it says more than {LIMIT_BYTES:,} bytes")
        if self._ended is not None:
            raise self._ended
        self._changed.clear()
        await self._changed.wait()

    def data_received(self, data: bytes) -> None:
        self._total_bytes += len(data)
        # What comes past the limit is not kept: the next one who listens is told.
        if self._total_bytes <= LIMIT_BYTES:
            self._bytes += data
        self._changed.set()

    def connection_lost(self, exc: Exception | None) -> None:
        self._ended = exc if isinstance(exc, OSError) else ConnectionResetError("closed")
        self._changed.set()

    def eof_received(self) -> None:
        self._ended = self._ended or ConnectionResetError("closed")
        self._changed.set()


@asynccontextmanager
async def connected(address: str, port: int, *, answer_s: float, whole_s: float) -> AsyncGenerator[LineWire]:
    """Give a connection for at most `whole_s`, with `answer_s` for each answer. Raises OwnLackError, MailError."""
    wire = LineWire(answer_s)
    try:
        async with within(whole_s):
            await wire.connect(address, port)
            yield wire
    except TimeoutError as error:
        raise MailError(f"it took more than {duration(timedelta(seconds=whole_s))} in all") from error
    finally:
        wire.close()


def plain(line: bytes) -> str:
    """Return a line as text; what is no UTF-8 is replaced."""
    return line.decode("utf-8", "replace")

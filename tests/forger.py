"""Somebody on the way to a name server: passes TCP on both ways, and writes answers of his own."""

from __future__ import annotations

import asyncio
import contextlib
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import dns.message
import dns.opcode
import dns.rcode
import dns.tsig

from core.fleet import Endpoint

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    Forgery = Callable[[dns.message.Message], bytes]


class Forger:
    """Answers what `forges` says yes to with `forgery`, or hangs up where that is empty.

    The request still gets there, unless he `holds_back`.
    """

    def __init__(self, server: Endpoint, forgery: Forgery) -> None:
        self._server = server
        self._forgery = forgery
        self._ways: list[tuple[asyncio.StreamWriter, asyncio.Task[None]]] = []
        self.forges: Callable[[dns.message.Message], bool] = is_update
        self.holds_back = False
        self.held: list[bytes] = []
        self.forged = 0

    async def release(self) -> None:
        """Deliver what was held back."""
        for request in self.held:
            reader, writer = await asyncio.open_connection(self._server.address, self._server.port)
            writer.write(request)
            await reader.readexactly(int.from_bytes(await reader.readexactly(2)))
            writer.close()

    async def end(self) -> None:
        """Hang up on everybody, and return when all have gone."""
        for writer, _ in self._ways:
            writer.close()
        await asyncio.gather(*(back for _, back in self._ways))

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        forged: set[bytes] = set()
        there, onward = await asyncio.open_connection(self._server.address, self._server.port)
        self._ways.append((writer, asyncio.create_task(self._bring_back(there, writer, forged))))
        try:
            with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
                while True:
                    request = await whole(reader)
                    query = dns.message.from_wire(request[2:], keyring=False)
                    if not self.forges(query):
                        onward.write(request)
                        continue
                    forged.add(request[2:4])
                    self.forged += 1
                    if self.holds_back:
                        self.held.append(request)
                        answer = self._forgery(query)
                        writer.write(len(answer).to_bytes(2) + answer)
                    else:
                        onward.write(request)
        finally:
            onward.close()
            writer.close()

    async def _bring_back(self, there: asyncio.StreamReader, writer: asyncio.StreamWriter, forged: set[bytes]) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                reply = await whole(there)
                if reply[2:4] in forged:
                    answer = self._forgery(dns.message.from_wire(reply[2:], keyring=False))
                    if not answer:
                        break
                    reply = len(answer).to_bytes(2) + answer
                writer.write(reply)
        writer.close()


async def whole(reader: asyncio.StreamReader) -> bytes:
    """Return the next message with its length before it."""
    length = await reader.readexactly(2)
    return length + await reader.readexactly(int.from_bytes(length))


def is_update(query: dns.message.Message) -> bool:
    return query.opcode() == dns.opcode.UPDATE


def everything(_query: dns.message.Message) -> bool:
    return True


def header(said: dns.message.Message, rcode: dns.rcode.Rcode) -> dns.message.Message:
    """Make an answer to `said`, request or reply, as somebody does who knows no key."""
    answer = dns.message.Message(said.id)
    answer.flags = said.flags | 0x8000
    answer.set_opcode(said.opcode())
    answer.set_rcode(rcode)
    answer.sections[0] = list(said.sections[0])
    return answer


def unsigned(rcode: dns.rcode.Rcode) -> Forgery:
    """Say `rcode` without a signature."""
    return lambda said: header(said, rcode).to_wire()


def rejecting(error: dns.rcode.Rcode, mac: bytes = b"") -> Forgery:
    """Say that the signature is not good, as a server does that cannot sign that; or with a made-up signature."""

    def forgery(said: dns.message.Message) -> bytes:
        answer = header(said, dns.rcode.NOTAUTH)
        answer.use_tsig(dns.tsig.Key("bot-update", b"guessed"), original_id=said.id, tsig_error=error)
        forged = dns.message.from_wire(answer.to_wire(), keyring=False)
        assert forged.tsig is not None
        record = forged.tsig[0].replace(mac=mac)
        forged.tsig.clear()
        forged.tsig.add(record)
        return forged.to_wire()

    return forgery


@asynccontextmanager
async def forging(server: Endpoint, forgery: Forgery) -> AsyncIterator[tuple[Endpoint, Forger]]:
    """Give the address at which somebody sits before `server`."""
    forger = Forger(server, forgery)
    listening = await asyncio.start_server(forger.serve, "127.0.0.1")
    async with listening:
        yield Endpoint(*listening.sockets[0].getsockname()), forger
        await forger.end()

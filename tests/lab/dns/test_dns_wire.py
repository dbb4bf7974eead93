"""Name servers that lie, hang up or lose packets: nothing they do is taken for success."""

from __future__ import annotations

import asyncio
import base64
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import dns.tsig
import pytest

from core.dns.records import RecordChange, RecordSet
from core.errors import DnsChangedError, DnsError, DnsRefusedError, TimedOutError, TooMuchError, UnreachableError
from core.fleet import DnsSettings, Endpoint, Fleet, SecretRef, Tsig
from ops.dns import open_dns
from ops.dns.reply import UnverifiedError
from ops.dns.transfer import MOST_ZONE_BYTES
from ops.dns.wire import MOST_WAITING, _Datagrams

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from ops.contracts import Dns

    Answering = Callable[[dns.message.Message], list[bytes]]

SECRET = b"shared by both sides"
KEY = dns.tsig.Key("bot-update", SECRET)
ZONE = "garden.example"
ADDED = RecordChange(None, RecordSet(ZONE, "A", 300, ("192.0.2.1",)))


def opened(*, signed: bool = True) -> Dns:
    tsig = Tsig("bot-update", "hmac-sha256", SecretRef("env", "KEY")) if signed else None
    fleet = Fleet("test", "UTC", {}, {}, DnsSettings((), (), (ZONE,), tsig))
    return open_dns(fleet, lambda _: base64.b64encode(SECRET).decode())


class TcpServer:
    """Answers each request with the messages that `answer` makes of it, on as many connections as come."""

    def __init__(self, answer: Answering, *, hangs_up: bool = False) -> None:
        self._answer = answer
        self._hangs_up = hangs_up
        self.connections = 0
        self.open = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.open += 1
        try:
            while length := await reader.read(2):
                request = await reader.readexactly(int.from_bytes(length))
                query = dns.message.from_wire(request, keyring=KEY)
                for message in self._answer(query):
                    writer.write(len(message).to_bytes(2) + message)
                await writer.drain()
                if self._hangs_up:
                    break
        finally:
            self.open -= 1
            writer.close()


class UdpServer(asyncio.DatagramProtocol):
    """Answers the nth datagram with what `answer` makes of it and n."""

    def __init__(self, answer: Callable[[dns.message.Message, int], list[bytes]]) -> None:
        self._answer = answer
        self.heard = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: object) -> None:
        self.heard += 1
        for message in self._answer(dns.message.from_wire(data), self.heard):
            self._transport.sendto(message, addr)  # type: ignore[attr-defined]


@asynccontextmanager
async def tcp(answer: Answering, *, hangs_up: bool = False) -> AsyncIterator[tuple[Endpoint, TcpServer]]:
    serving = TcpServer(answer, hangs_up=hangs_up)
    server = await asyncio.start_server(serving.serve, "127.0.0.1")
    async with server:
        yield Endpoint(*server.sockets[0].getsockname()), serving


@asynccontextmanager
async def udp(answer: Callable[[dns.message.Message, int], list[bytes]]) -> AsyncIterator[tuple[Endpoint, UdpServer]]:
    loop = asyncio.get_running_loop()
    transport, serving = await loop.create_datagram_endpoint(lambda: UdpServer(answer), ("127.0.0.1", 0))
    try:
        yield Endpoint(*transport.get_extra_info("sockname")), serving
    finally:
        transport.close()


def reply(query: dns.message.Message, rcode: dns.rcode.Rcode = dns.rcode.NOERROR, *, signed: bool = True) -> bytes:
    """Make an answer as a proper server would; unsigned where asked."""
    message = dns.message.make_response(query)
    message.set_rcode(rcode)
    if not signed:
        message.tsig, message.want_tsig_sign = None, False
    return message.to_wire()


def forged(query: dns.message.Message) -> bytes:
    message = dns.message.make_response(query)
    message.use_tsig(dns.tsig.Key("bot-update", b"some other secret"))
    message.request_mac = query.mac or b""
    return message.to_wire()


def with_other_id(query: dns.message.Message) -> bytes:
    message = bytearray(reply(query, signed=False))
    message[0] ^= 0xFF
    return bytes(message)


def addresses(query: dns.message.Message, *values: str) -> bytes:
    message = dns.message.make_response(query)
    message.flags |= dns.flags.AA
    message.answer = [dns.rrset.from_text(query.question[0].name, 300, "IN", "A", *values)]
    return message.to_wire()


async def test_a_properly_signed_yes_is_a_yes() -> None:
    async with tcp(lambda query: [reply(query)]) as (server, _):
        await opened().update(server, ZONE, (ADDED,))


@pytest.mark.parametrize(
    "answer",
    [
        lambda query: [reply(query, signed=False)],
        lambda query: [reply(query, dns.rcode.NXRRSET, signed=False)],
        lambda query: [reply(query, dns.rcode.NOTIMP, signed=False)],
        lambda query: [forged(query)],
        lambda query: [with_other_id(query)],
        lambda _: [b"\x00" * 40],
        lambda _: [b"x"],
    ],
    ids=["unsigned yes", "unsigned no", "unsigned refusal", "forged", "another id", "nonsense", "too short"],
)
async def test_a_reply_that_does_not_verify_leaves_open_what_happened(answer: Answering) -> None:
    async with tcp(answer) as (server, _):
        with pytest.raises(TimedOutError, match="may or may not have happened"):
            await opened().update(server, ZONE, (ADDED,))


async def test_an_unsigned_yes_to_a_trial_update_is_an_error() -> None:
    async with tcp(lambda query: [reply(query, signed=False)]) as (server, _):
        with pytest.raises(UnverifiedError, match="does not count"):
            await opened().try_update(server, ZONE)


async def test_a_refusal_counts_where_it_is_signed() -> None:
    async with tcp(lambda query: [reply(query, dns.rcode.NOTIMP)]) as (server, _):
        with pytest.raises(DnsRefusedError, match="takes no updates"):
            await opened().update(server, ZONE, (ADDED,))


async def test_without_a_key_an_unsigned_yes_is_a_yes_and_an_unsigned_no_a_no() -> None:
    async with tcp(lambda query: [reply(query)]) as (server, _):
        await opened(signed=False).update(server, ZONE, (ADDED,))
    async with tcp(lambda query: [reply(query, dns.rcode.YXRRSET)]) as (server, _):
        with pytest.raises(DnsChangedError):
            await opened(signed=False).update(server, ZONE, (ADDED,))


async def test_a_connection_that_ends_before_the_answer_leaves_open_what_happened() -> None:
    async with tcp(lambda _: [], hangs_up=True) as (server, _):
        with pytest.raises(TimedOutError, match=r"closed the connection.*may or may not"):
            await opened().update(server, ZONE, (ADDED,))


async def test_a_burst_of_updates_shares_connections_and_leaves_none_open() -> None:
    async with tcp(lambda query: [reply(query)]) as (server, serving):
        dns_of_fleet = opened()
        await asyncio.gather(*(dns_of_fleet.update(server, ZONE, (ADDED,)) for _ in range(200)))
        assert serving.connections <= 16
        for _ in range(1000):
            if serving.open == 0:
                break
            await asyncio.sleep(0.001)
        assert serving.open == 0


async def test_a_server_that_hangs_up_after_each_answer_costs_at_most_one_burst() -> None:
    async with tcp(lambda query: [reply(query)], hangs_up=True) as (server, _):
        dns_of_fleet = opened()
        bursts = [
            await asyncio.gather(
                *(dns_of_fleet.update(server, ZONE, (ADDED,)) for _ in range(100)), return_exceptions=True
            )
            for _ in range(2)
        ]
    assert [None] * 100 in bursts
    assert all(result is None or isinstance(result, TimedOutError) for burst in bursts for result in burst)


async def test_a_transfer_that_is_not_signed_is_not_believed() -> None:
    async with tcp(lambda query: [reply(query, signed=False)]) as (server, _):
        with pytest.raises(UnverifiedError, match="does not count"):
            await opened().read_zone(server, ZONE, ())


async def test_a_transfer_that_breaks_off_is_not_taken_for_the_zone() -> None:
    def half(query: dns.message.Message) -> list[bytes]:
        message = dns.message.make_response(query)
        soa = "ns.garden.example. host.garden.example. 7 3600 600 86400 300"
        message.answer = [dns.rrset.from_text(query.question[0].name, 300, "IN", "SOA", soa)]
        return [message.to_wire(multi=True)]

    async with tcp(half, hangs_up=True) as (server, _):
        with pytest.raises(UnreachableError, match="closed the connection"):
            await opened().read_zone(server, ZONE, ())


async def test_an_unsigned_refusal_in_the_middle_of_a_transfer_does_not_count() -> None:
    def begun(query: dns.message.Message) -> list[bytes]:
        message = dns.message.make_response(query)
        soa = "ns.garden.example. host.garden.example. 7 3600 600 86400 300"
        message.answer = [dns.rrset.from_text(query.question[0].name, 300, "IN", "SOA", soa)]
        return [message.to_wire(multi=True), reply(query, dns.rcode.REFUSED, signed=False)]

    async with tcp(begun) as (server, _):
        with pytest.raises(UnverifiedError, match="unsigned"):
            await opened().read_zone(server, ZONE, ())


async def test_a_transfer_without_end_is_given_up_and_said() -> None:
    def endless(query: dns.message.Message) -> list[bytes]:
        name = query.question[0].name
        soa = "ns.garden.example. host.garden.example. 7 3600 600 86400 300"
        messages = []
        for number in range(MOST_ZONE_BYTES // 50_000 + 2):
            message = dns.message.make_response(query)
            texts = [f'"{number} {"x" * 200} {one}"' for one in range(240)]
            first = [dns.rrset.from_text(name, 300, "IN", "SOA", soa)] if number == 0 else []
            message.answer = [*first, dns.rrset.from_text(f"n{number}.{name}", 300, "IN", "TXT", *texts)]
            messages.append(message.to_wire(max_size=65_535))
        return messages

    async with tcp(endless, hangs_up=True) as (server, _):
        with pytest.raises(TooMuchError, match=r"is longer than 8\.0 MB"):
            await opened(signed=False).read_zone(server, ZONE, ())


async def test_a_lost_datagram_is_sent_once_more() -> None:
    def second_time(query: dns.message.Message, number: int) -> list[bytes]:
        return [addresses(query, "192.0.2.1")] if number == 2 else []

    async with udp(second_time) as (server, serving):
        answer = await opened().ask(server, ZONE, "A", timeout_s=0.9)
    assert answer.values == ("192.0.2.1",)
    assert serving.heard == 2


async def test_a_server_that_never_answers_is_asked_no_more_than_twice() -> None:
    async with udp(lambda _query, _number: []) as (server, serving):
        with pytest.raises(TimedOutError):
            await opened().ask(server, ZONE, "A", timeout_s=0.3)
    assert serving.heard == 2


async def test_datagrams_that_do_not_answer_the_question_are_passed_over() -> None:
    def after_others(query: dns.message.Message, _number: int) -> list[bytes]:
        elsewhere = dns.message.make_response(dns.message.make_query("other.example", "A", id=query.id)).to_wire()
        return [b"", b"nonsense", with_other_id(query), elsewhere, addresses(query, "192.0.2.1")]

    async with udp(after_others) as (server, _):
        answer = await opened().ask(server, ZONE, "A")
    assert answer.values == ("192.0.2.1",)


async def test_a_flood_of_datagrams_is_kept_up_to_a_limit() -> None:
    waiting = _Datagrams()
    for number in range(10 * MOST_WAITING):
        waiting.datagram_received(str(number).encode(), ("192.0.2.1", 53))
        waiting.error_received(OSError())
    assert waiting._arrived.qsize() == MOST_WAITING
    assert await waiting.next() == b"0"


async def test_a_truncated_answer_where_tcp_is_closed_is_no_answer() -> None:
    def truncated(query: dns.message.Message, _number: int) -> list[bytes]:
        message = bytearray(addresses(query, "192.0.2.1"))
        message[2] |= 0x02
        return [bytes(message[:-3])]

    async with udp(truncated) as (server, _):
        with pytest.raises(UnreachableError, match="TCP"):
            await opened().ask(server, ZONE, "A")


async def test_an_answer_without_authority_says_so_and_gives_no_serial() -> None:
    def without(query: dns.message.Message, _number: int) -> list[bytes]:
        message = dns.message.make_response(query)
        soa = "ns.garden.example. host.garden.example. 7 3600 600 86400 300"
        message.answer = [dns.rrset.from_text(query.question[0].name, 300, "IN", "SOA", soa)]
        return [message.to_wire()]

    async with udp(without) as (server, _):
        answer = await opened().ask(server, ZONE, "SOA")
        assert not answer.authoritative
        with pytest.raises(DnsError, match="without authority"):
            await opened().serial(server, ZONE)


@pytest.mark.parametrize(
    ("rcode", "words"),
    [(dns.rcode.SERVFAIL, "no usable copy"), (dns.rcode.NOTIMP, "NOTIMP")],
    ids=["SERVFAIL", "NOTIMP"],
)
async def test_an_error_is_said_in_words(rcode: dns.rcode.Rcode, words: str) -> None:
    async with udp(lambda query, _: [reply(query, rcode)]) as (server, _):
        with pytest.raises(DnsError, match=words):
            await opened().ask(server, ZONE, "A")


async def test_aliases_that_chase_each_other_are_an_error() -> None:
    def loop(query: dns.message.Message, _number: int) -> list[bytes]:
        message = dns.message.make_response(query)
        message.answer = [dns.rrset.from_text(query.question[0].name, 300, "IN", "CNAME", "garden.example.")]
        return [message.to_wire()]

    async with udp(loop) as (server, _):
        with pytest.raises(DnsError, match="senseless"):
            await opened().ask(server, ZONE, "A")

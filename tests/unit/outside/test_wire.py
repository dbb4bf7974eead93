"""Whatever arrives over a connection that the bot has opened is a look, an answer or a refusal."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import dns.exception
import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import dns.tsig
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import DnsError, SharpnetError
from core.fleet import DnsSettings, Endpoint, Fleet, SecretRef, SiteCheck, Tsig
from ops.checks.imap import ImapDialogue
from ops.checks.smtp import SmtpDialogue
from ops.dns.backends.rfc2136 import Rfc2136
from ops.dns.refusals import DnsRequest
from ops.dns.reply import read_reply
from ops.probe.expect import BannerListener, SiteListener
from ops.probe.tcp import talk

if TYPE_CHECKING:
    from collections.abc import Callable

    from ops.contracts import Look
    from ops.probe.lines import Listener

HTTP = (
    b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 301 Moved\r\n", b"\r\n", b"\n", b"Location: ",
    b"Content-Length: ", b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n", b"7", b"-1", b"+1", b"\xb2",
    b"Transfer-Encoding: chunked\r\n\r\n", b"a\r\n", b"0x1\r\n", b"1_0\r\n", b"f" * 1000, b"0\r\n\r\n", b";", b"\0",
    b"\xff", b"\xe2\x80\xae",
)  # fmt: skip
MAIL = (
    b"220 ", b"220-", b"250-STARTTLS\r\n", b"250 STARTTLS\r\n", b"* OK ", b"* CAPABILITY STARTTLS\r\n", b"a OK\r\n",
    b"b OK\r\n", b"* BYE ", b"\r\n", b"\r", b"\n", b"421 ", b"\xff", b"\0", b"x" * 2000,
)  # fmt: skip
SSH = (b"SSH-2.0-", b"SSH-1.99-", b"\n", b"\r\n", b"\0", b"\xff", b"x" * 20_000)
TLS = (b"\x16\x03\x01", b"\x15\x03\x03\x00\x02\x02\x28", b"\x00\x00", b"\xff\xff", b"\x02", b"\x0b\x00\x00\x03")

LISTENERS: dict[str, tuple[Callable[[], Listener], tuple[bytes, ...]]] = {
    "HTTP": (lambda: SiteListener("shop.test", SiteCheck("/", 200, "shop", None)), HTTP),
    "HTTP, a redirect": (lambda: SiteListener("shop.test", SiteCheck("/", 301, None, "https://shop.test/")), HTTP),
    "SMTP": (SmtpDialogue, MAIL),
    "IMAP": (ImapDialogue, MAIL),
    "SSH": (BannerListener, SSH),
}


def pieces(marks: tuple[bytes, ...]) -> st.SearchStrategy[list[bytes]]:
    """Draw what arrives: mostly beginning as it should, in any pieces."""
    rest = st.lists(st.sampled_from(marks) | st.binary(max_size=8), max_size=10)
    return st.builds(lambda first, more: [first, *more], st.just(marks[0]) | st.binary(max_size=8), rest)


@pytest.mark.parametrize("protocol", LISTENERS)
@given(data=st.data())
def test_any_bytes_in_any_pieces_are_a_look_and_what_it_says_is_short_and_printable(
    protocol: str, data: st.DataObject
) -> None:
    make, marks = LISTENERS[protocol]
    listener = make()
    listener.say = lambda _said: None  # type: ignore[attr-defined]
    listener.opening()
    found = None
    for piece in data.draw(pieces(marks)):
        found = found or listener.heard(piece)
    found = found or listener.ended()
    assert found.why.isprintable()
    assert len(found.why) < 400


async def looked(said: bytes, listener: Listener, *, tls: bool) -> Look:
    """Look at a server that says `said` to whoever connects, and hangs up."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        del reader
        with contextlib.suppress(OSError):
            writer.write(said)
            writer.close()
            await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        context = (ssl.create_default_context(), "shop.test") if tls else None
        return await talk("127.0.0.1", port, listener, timeout_s=5.0, tls=context)


@given(said=pieces((*TLS, *HTTP)).map(b"".join))
async def test_what_is_no_tls_is_a_look_that_failed(said: bytes) -> None:
    listener = SiteListener("shop.test", SiteCheck("/", 200, "shop", None))
    assert not (await looked(said, listener, tls=True)).ok


@given(said=pieces(HTTP).map(b"".join))
async def test_what_a_listener_is_told_by_a_real_connection_is_a_look_too(said: bytes) -> None:
    listener = SiteListener("shop.test", SiteCheck("/", 200, "shop", None))
    look = await looked(said, listener, tls=False)
    assert look.why.isprintable()
    assert look.ok == (look.why == "")


KEY = dns.tsig.Key("bot-update", b"secret")
ASKED = DnsRequest("ns1", "the update", "shop.test", Tsig("bot-update", "hmac-sha256", SecretRef("env", "KEY")))
TYPES = st.sampled_from(["A", "AAAA", "CNAME", "SOA", "TXT", "MX", "LOC", "SVCB", "TSIG", "OPT", "TYPE65280"])
ERRORS = (dns.rcode.NOERROR, dns.rcode.BADTIME, dns.rcode.BADKEY, dns.rcode.BADSIG, dns.rcode.BADTRUNC)


@dataclass(frozen=True)
class Forger:
    """Makes a reply: one like a server's, with records of any kind, some bytes changed, put in or cut off."""

    rcode: dns.rcode.Rcode
    records: list[tuple[str, bytes]]
    error: dns.rcode.Rcode
    other: bytes
    edits: list[tuple[float, int, bytes]]
    kept: float

    def reply(self, query: bytes, *, signed: bool) -> bytes:
        """Answer `query`."""
        answer = dns.message.make_response(dns.message.from_wire(query, keyring=KEY if signed else None))
        answer.flags |= dns.flags.AA
        answer.set_rcode(self.rcode)
        for rdtype, value in self.records:
            with contextlib.suppress(ValueError, SyntaxError, dns.exception.DNSException):
                text = f"\\# {len(value)} {value.hex()}"
                answer.answer.append(dns.rrset.from_text("shop.test.", 60, "IN", rdtype, text))
        if signed:
            answer.use_tsig(KEY, tsig_error=self.error, other_data=self.other)
        wire = bytearray(answer.to_wire())
        for share, taken, put in self.edits:
            at = int(share * len(wire))
            wire[at : at + taken] = put
        return bytes(wire[: max(12, int(self.kept * len(wire)))])


SHARES = st.floats(0, 1, exclude_max=True)
FORGERS = st.builds(
    Forger,
    rcode=st.sampled_from([dns.rcode.NOERROR, dns.rcode.REFUSED, dns.rcode.NOTAUTH, dns.rcode.YXDOMAIN]),
    records=st.lists(st.tuples(TYPES, st.binary(max_size=20)), max_size=3),
    error=st.sampled_from(ERRORS),
    other=st.binary(max_size=40),
    edits=st.lists(st.tuples(SHARES, st.integers(0, 2), st.binary(max_size=3)), max_size=3),
    kept=st.just(1.0) | SHARES,
)


@given(forger=FORGERS, signed=st.booleans())
def test_any_reply_to_a_request_is_read_or_refused(forger: Forger, signed: bool) -> None:
    query = dns.message.make_query("shop.test", "SOA", flags=0)
    if signed:
        query.use_tsig(KEY)
    with contextlib.suppress(DnsError):
        read_reply(forger.reply(query.to_wire(), signed=signed), query, ASKED)


class ForgingServer(asyncio.DatagramProtocol):
    """Answers each question as its forger does."""

    def __init__(self, forger: Forger) -> None:
        self._forger = forger

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep what answers go by."""
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str | object, int]) -> None:
        """Answer."""
        self._transport.sendto(self._forger.reply(data, signed=False), addr)


@given(forger=FORGERS, rdtype=st.sampled_from(["A", "SOA"]))
async def test_any_datagram_that_answers_a_question_is_an_answer_or_a_refusal(forger: Forger, rdtype: str) -> None:
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(lambda: ForgingServer(forger), local_addr=("127.0.0.1", 0))
    place = Endpoint("127.0.0.1", transport.get_extra_info("sockname")[1])
    dns_of = Rfc2136(Fleet("test", "UTC", {}, {}, DnsSettings((), (), ("shop.test",))), lambda _ref: "")
    try:
        with contextlib.suppress(SharpnetError):
            await dns_of.ask(place, "shop.test", rdtype, timeout_s=0.05)
            await dns_of.serial(place, "shop.test", timeout_s=0.05)
    finally:
        transport.close()

"""Whether a reply counts: where the request was signed, only what is signed with the same key does (RFC 8945).

Anybody on the way can send an unsigned refusal after the server has made the change. A server that rejects our
signature with BADKEY or BADSIG cannot sign that; BADTIME it signs (section 5.2.3).
"""

from __future__ import annotations

import hmac
import struct
from datetime import timedelta
from typing import TYPE_CHECKING, cast

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdataclass
import dns.rrset
import dns.tsig
import dns.wire

from core.dns.promises import SIGNED_FOR
from core.errors import DnsClockError, DnsError, DnsRefusedError
from core.wording import duration
from ops.dns.presentation import from_name

if TYPE_CHECKING:
    from dns.rdtypes.ANY.TSIG import TSIG

    from ops.dns.refusals import DnsRequest

HEADER_BYTES = 12
# RFC 8945, section 5.2.3: the server's time, in 48 bits, which is more than any clock shows.
TIME_BYTES = 6
MOST_APART = timedelta(days=36_500)
ARCOUNT_AT = 10
FLAGS_AT = 2  # the first byte of flags in a message, and TC in it (RFC 1035, section 4.1.1)
TRUNCATED = 0x02
COUNTS_AT = 8  # NSCOUNT and ARCOUNT
NOTHING_BESIDE = bytes(4)
_FORGED_PERHAPS = "Unless it was that server itself, something between here and there changes its replies."


class UnverifiedError(DnsError):
    """What came is not signed as it must be, so it is no answer: what was asked may have happened or not."""

    code = "dns-unverified"


def read_reply(reply: bytes, query: dns.message.Message, asked: DnsRequest) -> dns.message.Message:
    """Return the reply to `query`, its signature checked where the query was signed; its rcode may be anything.

    Raises DnsClockError or DnsRefusedError where the server rejects our signature and that is signed, UnverifiedError
    where the reply does not verify, answers something else, or is cut off.
    """
    try:
        message = dns.message.from_wire(reply, keyring=query.keyring, request_mac=query.mac)
    except dns.tsig.PeerError as error:
        raise signature_rejected(reply, query, error, asked) from error
    except dns.exception.DNSException as error:
        raise UnverifiedError(
            f"{asked.who} answered {asked.what}, but the reply does not count: {_trouble(reply, query, error)}.",
            hint=_FORGED_PERHAPS,
        ) from error
    if not query.is_response(message):
        raise UnverifiedError(f"{asked.who} answered something else than {asked.what}.", hint="See that server's log.")
    if message.flags & dns.flags.TC:
        raise UnverifiedError(f"{asked.who} cut its answer to {asked.what} off.", hint="See that server's log.")
    return message


def read_datagram(query: dns.message.Message, datagram: bytes) -> dns.message.Message | None:
    """Return the reply to an unsigned question, without what stands beside the answer; None where it is none.

    Where a server adds its zone's NS records, reading those takes seven times as long.
    """
    # What is left of a truncated answer may end in the middle of a record: only its question is of use.
    truncated = len(datagram) > FLAGS_AT and bool(datagram[FLAGS_AT] & TRUNCATED)
    try:
        answered = datagram[:COUNTS_AT] + NOTHING_BESIDE + datagram[COUNTS_AT + len(NOTHING_BESIDE) :]
        reply = dns.message.from_wire(answered, question_only=truncated, ignore_trailing=True)
    except dns.exception.DNSException:
        return None
    return reply if query.is_response(reply) else None


def record_set_of(reply: dns.message.Message, who: str) -> tuple[dns.name.Name, dns.rrset.RRset] | None:
    """Return what a reply answers to its question; None where there is no such record. Raises DnsError."""
    asked = reply.question[0]
    if not reply.flags & dns.flags.AA:
        raise DnsError(
            f"{who} answers without authority for {from_name(asked.name)}.",
            hint="Under dns.update in app.yaml belongs the zone's primary server.",
        )
    rrset = reply.get_rrset(reply.answer, asked.name, dns.rdataclass.IN, asked.rdtype)
    return (asked.name, rrset) if rrset else None


def _trouble(reply: bytes, query: dns.message.Message, error: dns.exception.DNSException) -> str:
    if isinstance(error, dns.tsig.BadTime):
        return "it is signed for another time than now"
    if isinstance(error, dns.tsig.BadSignature | dns.tsig.BadKey | dns.tsig.BadAlgorithm | dns.message.UnknownTSIGKey):
        return "its signature does not verify"
    unsigned = _unsigned(reply)
    if unsigned is not None and query.is_response(unsigned):
        return f"it says {dns.rcode.to_text(unsigned.rcode())}, but is not signed"
    return f"it is malformed ({str(error) or type(error).__name__})"


def _unsigned(reply: bytes) -> dns.message.Message | None:
    """Return a reply that carries no signature at all, else None."""
    try:
        message = dns.message.from_wire(reply, keyring=False)
    except dns.exception.DNSException:
        return None
    return None if message.had_tsig else message


def signature_rejected(
    reply: bytes, query: dns.message.Message, error: dns.tsig.PeerError, asked: DnsRequest
) -> DnsRefusedError | UnverifiedError:
    """Return what to raise where the server rejects our signature: BADKEY, BADSIG, BADTIME or another TSIG error.

    DnsRefusedError, DnsClockError: it proves to be that server's word, and nothing changed.
    """
    proven = _is_signed(reply, query)
    if isinstance(error, dns.tsig.PeerBadTime):
        why, code = _clocks(reply), "BADTIME"
        hint = "Compare `timedatectl` there and here, and let both follow NTP."
    elif isinstance(error, dns.tsig.PeerBadKey):
        why, code = f"it does not know {_key(asked)}", "BADKEY"
        hint = "Name and algorithm under dns.tsig must be those of a key there; with Knot, of one whose acl allows it."
    elif isinstance(error, dns.tsig.PeerBadSignature):
        where = f" ({asked.tsig.secret})" if asked.tsig else ""
        why, code = f"it knows {_key(asked)} with another secret", "BADSIG"
        hint = f"The secret in dns.tsig{where} must be the one on that server."
    else:
        why, code = "it refuses the signature", str(error) or type(error).__name__
        hint = "See that server's log."
    if not proven:
        return UnverifiedError(
            f"{asked.who} answered {asked.what} unsigned, which does not count: {why} ({code}).", hint=hint
        )
    kind = DnsClockError if code == "BADTIME" else DnsRefusedError
    return kind(f"{asked.who} refused {asked.what}: {why} ({code}). Nothing changed.", hint=hint)


def _key(asked: DnsRequest) -> str:
    return f"the key {asked.tsig.name!r} ({asked.tsig.algorithm})" if asked.tsig else "the key"


def _signature_of(reply: bytes) -> dns.rrset.RRset | None:
    return dns.message.from_wire(reply, keyring=False, ignore_trailing=True).tsig


def _is_signed(reply: bytes, query: dns.message.Message) -> bool:
    """Return whether a reply with a TSIG error is signed for `query`: dnspython raises the error before it looks."""
    signed = _signature_of(reply)
    key = query.keyring
    if signed is None or not isinstance(key, dns.tsig.Key) or signed.name != key.name:
        return False
    rdata = cast("TSIG", signed[0])
    if not rdata.mac or rdata.algorithm != key.algorithm:
        return False
    start, additional = _signature_starts(reply)
    covered = reply[:ARCOUNT_AT] + struct.pack("!H", additional - 1) + reply[HEADER_BYTES:start]
    ours, _ = dns.tsig.sign(covered, key, rdata, rdata.time_signed, query.mac)  # type: ignore[no-untyped-call]
    return hmac.compare_digest(ours.mac, rdata.mac)


def _signature_starts(reply: bytes) -> tuple[int, int]:
    """Return where the last record of a well-formed message starts, and how many its last section counts."""
    parser = dns.wire.Parser(reply)
    _, _, questions, answers, authorities, additional = parser.get_struct("!HHHHHH")
    for _ in range(questions):
        parser.get_name(decompress=True)
        parser.get_struct("!HH")
    start = parser.current
    for _ in range(answers + authorities + additional):
        start = parser.current
        parser.get_name(decompress=True)
        *_, length = parser.get_struct("!HHIH")
        parser.get_bytes(length)
    return start, additional


def _clocks(reply: bytes) -> str:
    """Say how far the clocks are apart: a BADTIME reply carries our time and the server's (RFC 8945, section 5.2.3)."""
    signed = _signature_of(reply)
    rdata = cast("TSIG", signed[0]) if signed else None
    ahead_s = int.from_bytes(rdata.other) - rdata.time_signed if rdata and len(rdata.other) == TIME_BYTES else 0
    if rdata is None or not SIGNED_FOR.total_seconds() < abs(ahead_s) < MOST_APART.total_seconds():
        return f"its clock and ours are more than {duration(SIGNED_FOR)} apart"
    which = "ahead of" if ahead_s > 0 else "behind"
    apart = duration(timedelta(seconds=abs(ahead_s)))
    return f"its clock is {apart} {which} ours, and {duration(SIGNED_FOR)} is the most that is allowed"

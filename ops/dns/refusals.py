"""What a name server's reply means: whether it counts at all, and each refusal in words with what to do next."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, cast

import dns.exception
import dns.message
import dns.rcode
import dns.tsig

from core.errors import DnsChangedError, DnsClockError, DnsError, DnsRefusedError
from core.wording import duration

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dns.rdtypes.ANY.TSIG import TSIG

    from core.fleet import Tsig

# A reply with one of these says that the request was not even looked into, so that a server may be unable to sign it.
_REFUSED_UNSEEN = frozenset({dns.rcode.REFUSED, dns.rcode.NOTAUTH, dns.rcode.NOTIMP, dns.rcode.FORMERR})
_NOT_AS_PLANNED = frozenset({dns.rcode.NXRRSET, dns.rcode.YXRRSET, dns.rcode.NXDOMAIN, dns.rcode.YXDOMAIN})
# By how much clocks may differ: what dnspython signs with, as RFC 8945, section 10, recommends.
FUDGE = timedelta(seconds=300)
# RFC 8945, section 5.2.3: the server's time, in 48 bits.
TIME_BYTES = 6


class UnverifiedError(DnsError):
    """A reply came whose signature does not verify, so it does not count: what was asked may have happened or not."""

    code = "dns-unverified"


@dataclass(frozen=True, slots=True)
class DnsRequest:
    """One request in words, for messages: which server, for what, in which zone, and the key that signed it."""

    who: str
    what: str
    zone: str
    tsig: Tsig | None = None


def read_reply(reply: bytes, query: dns.message.Message, asked: DnsRequest) -> dns.message.Message:
    """Return the reply to `query`, its signature checked where the query was signed; its rcode may be anything.

    Raises DnsRefusedError or DnsClockError where the server rejects our signature (RFC 8945, section 5.3.2: such
    replies are not signed), UnverifiedError where the reply does not verify or answers something else.
    """
    try:
        message = dns.message.from_wire(reply, keyring=query.keyring, request_mac=query.mac)
    except dns.tsig.PeerError as error:
        raise signature_refused(reply, error, asked) from error
    except dns.exception.DNSException as error:
        bare = _unsigned(reply)
        if bare is not None and query.is_response(bare) and bare.rcode() in _REFUSED_UNSEEN:
            return bare
        raise UnverifiedError(
            f"{asked.who} answered {asked.what}, but the reply does not count: {_trouble(error)}.",
            hint="Something between here and that server may be changing its replies. Nothing is taken for done.",
        ) from error
    if not query.is_response(message):
        raise UnverifiedError(f"{asked.who} answered something else than {asked.what}.", hint="See that server's log.")
    return message


def _unsigned(reply: bytes) -> dns.message.Message | None:
    """Return a reply that carries no signature at all, else None."""
    try:
        message = dns.message.from_wire(reply, keyring=False)
    except dns.exception.DNSException:
        return None
    return None if message.had_tsig else message


def _trouble(error: dns.exception.DNSException) -> str:
    if isinstance(error, dns.tsig.BadTime):
        return "it is signed for another time than now"
    if isinstance(error, dns.tsig.BadSignature | dns.tsig.BadKey | dns.tsig.BadAlgorithm | dns.message.UnknownTSIGKey):
        return "its signature does not verify"
    return f"it is malformed or not signed ({str(error) or type(error).__name__})"


def signature_refused(reply: bytes, error: dns.tsig.PeerError, asked: DnsRequest) -> DnsRefusedError:
    """Return what to raise where the server rejects our signature: BADKEY, BADSIG, BADTIME or another TSIG error."""
    key = f"the key {asked.tsig.name!r} ({asked.tsig.algorithm})" if asked.tsig else "the key"
    if isinstance(error, dns.tsig.PeerBadTime):
        return DnsClockError(
            f"{asked.who} refused {asked.what}: {_clocks(reply)} (BADTIME). Nothing changed.",
            hint="Compare `timedatectl` there and here, and let both follow NTP.",
        )
    if isinstance(error, dns.tsig.PeerBadKey):
        return DnsRefusedError(
            f"{asked.who} refused {asked.what}: it does not know {key} (BADKEY). Nothing changed.",
            hint="Name and algorithm under dns.tsig in app.yaml must be those of a key on that server.",
        )
    if isinstance(error, dns.tsig.PeerBadSignature):
        where = f" ({asked.tsig.secret})" if asked.tsig else ""
        return DnsRefusedError(
            f"{asked.who} refused {asked.what}: it knows {key} with another secret (BADSIG). Nothing changed.",
            hint=f"The secret in dns.tsig{where} must be the one on that server.",
        )
    return DnsRefusedError(
        f"{asked.who} refused the signature of {asked.what}: {str(error) or type(error).__name__}. Nothing changed.",
        hint="See that server's log.",
    )


def _clocks(reply: bytes) -> str:
    """Say how far the clocks are apart: a BADTIME reply carries our time and the server's (RFC 8945, section 5.2.3)."""
    signed = dns.message.from_wire(reply, keyring=False).tsig
    rdata = cast("TSIG", signed[0]) if signed else None
    if rdata is None or len(rdata.other) != TIME_BYTES:
        return f"its clock and ours are more than {duration(FUDGE)} apart"
    ahead_s = int.from_bytes(rdata.other) - rdata.time_signed
    which = "ahead of" if ahead_s > 0 else "behind"
    apart = duration(timedelta(seconds=abs(ahead_s)))
    return f"its clock is {apart} {which} ours, and {duration(FUDGE)} is the most that is allowed"


def why_not_updated(rcode: dns.rcode.Rcode, asked: DnsRequest) -> DnsError | None:
    """Return what to raise for a verified reply to an update; None where it says NOERROR (RFC 2136, section 2.2)."""
    if rcode == dns.rcode.NOERROR:
        return None
    code = dns.rcode.to_text(rcode)
    if rcode in _NOT_AS_PLANNED:
        return DnsChangedError(
            f"{asked.who} did not make {asked.what}: a record there is no longer what the plan says ({code}). "
            "Nothing changed.",
            hint="Make a fresh plan from the zone as it is now.",
        )
    if rcode == dns.rcode.SERVFAIL:
        return DnsError(
            f"{asked.who} failed at {asked.what} (SERVFAIL); it should have changed nothing.",
            hint="See its log (journal, disk space), and read the zone before asking again.",
        )
    says, hint = _UPDATE_REFUSALS.get(rcode, (f"it says {code}", "See that server's log."))
    return DnsRefusedError(
        f"{asked.who} refused {asked.what}: {says} ({code}). Nothing changed.", hint=hint.format(key=_key_words(asked))
    )


def _key_words(asked: DnsRequest) -> str:
    return f"the key {asked.tsig.name!r}" if asked.tsig else "this machine's address (no dns.tsig is set)"


_UPDATE_REFUSALS: Mapping[dns.rcode.Rcode, tuple[str, str]] = {
    dns.rcode.REFUSED: (
        "it does not let us",
        "Allow {key} to update the zone there (BIND: allow-update or update-policy; Knot: an acl with action update).",
    ),
    dns.rcode.NOTAUTH: (
        "it is not the zone's primary",
        "Under dns.update in app.yaml belongs the zone's primary server.",
    ),
    dns.rcode.NOTIMP: (
        "it takes no updates at all",
        "Under dns.update belongs a server that takes RFC 2136 updates (BIND, Knot, PowerDNS).",
    ),
    dns.rcode.NOTZONE: ("a name lies outside the zone", "Compare dns.zones in app.yaml with the zones on that server."),
    dns.rcode.FORMERR: ("it could not read the request", "See that server's log."),
}


def why_not_answered(rcode: dns.rcode.Rcode, asked: DnsRequest) -> DnsError | None:
    """Return what to raise for the reply to a question; None for NOERROR, and for NXDOMAIN, which is an answer."""
    if rcode in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
        return None
    code = dns.rcode.to_text(rcode)
    if rcode in (dns.rcode.REFUSED, dns.rcode.NOTAUTH):
        return DnsRefusedError(
            f"{asked.who} does not answer for {asked.zone} ({code}).",
            hint="Is the zone configured on that server, and may this machine ask it?",
        )
    if rcode == dns.rcode.SERVFAIL:
        return DnsError(
            f"{asked.who} has no usable copy of {asked.zone} (SERVFAIL).",
            hint="It could not load the zone, or not transfer it for too long. See its log.",
        )
    return DnsError(f"{asked.who} answered {asked.what} with {code}.", hint="See that server's log.")

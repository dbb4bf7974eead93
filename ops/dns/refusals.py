"""What a name server's refusal means, in words with what to do next."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import dns.rcode

from core.errors import DnsChangedError, DnsError, DnsRefusedError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from core.fleet import Tsig

_NOT_AS_PLANNED = frozenset({dns.rcode.NXRRSET, dns.rcode.YXRRSET, dns.rcode.NXDOMAIN, dns.rcode.YXDOMAIN})


@dataclass(frozen=True, slots=True)
class DnsRequest:
    """One request in words, for messages: which server, for what, in which zone, and the key that signed it."""

    who: str
    what: str
    zone: str
    tsig: Tsig | None = None


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
        "Allow {key} to change these names there: docs/update-key.md has it for BIND, Knot and PowerDNS.",
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

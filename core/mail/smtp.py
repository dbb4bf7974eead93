"""What an exchanger answered in one SMTP conversation, and what that means."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from core.mail.finding import Finding, Level
from core.wording import count, duration, foreign, listing

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

# Senders wait for minutes (RFC 5321, section 4.5.3.2), but not all of them.
SLOW_S = 10.0
MOST_SAID = 120
SHOWN_NAMES = 2
# What greylisting answers: code 450 or 451, and its name, or 4.7.1 with a wish to see the sender again. postscreen(8)
# does the same under 4.3.2.
_GREYLISTING = re.compile(r"gr[ea]y-?list|^4\.3\.2 |4\.7\.1\b.*\b(again|back|later)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class SmtpReply:
    """One answer: its code, and the text of its last line (RFC 5321, section 4.2)."""

    code: int
    text: str

    def __str__(self) -> str:
        return foreign(f"{self.code} {self.text}".strip(), MOST_SAID)

    @property
    def taken(self) -> bool:
        """Whether it says yes."""
        return 200 <= self.code < 300  # noqa: PLR2004 - the classes of RFC 5321

    @property
    def for_now(self) -> bool:
        """Whether it says no for now."""
        return 400 <= self.code < 500  # noqa: PLR2004

    @property
    def greylists(self) -> bool:
        """Whether it asks a sender that it does not know to come again (RFC 6647)."""
        return self.code in {450, 451} and bool(_GREYLISTING.search(self.text))


@dataclass(frozen=True, slots=True)
class Certificate:
    """Whom a certificate is for, and until when."""

    names: tuple[str, ...]
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class SmtpSeen:
    """What one conversation showed.

    broken: why it ended before all was asked; empty: all was. tls: what is wrong with STARTTLS; empty: nothing.
    certificate: None where there was no TLS. probe, unknown, relay: the answers to an address that must be accepted, to
    one that is nobody's, and to a stranger's; None: not asked. slowest: what was answered last of all, and the seconds
    that it took. own: the bot runs on that machine itself, which may send anywhere.
    """

    broken: str = ""
    tls: str = ""
    certificate: Certificate | None = None
    probe: SmtpReply | None = None
    unknown: SmtpReply | None = None
    relay: SmtpReply | None = None
    slowest: tuple[str, float] = ("", 0.0)
    own: bool = False


@dataclass(frozen=True, slots=True)
class SmtpAsked:
    """What was asked of a server: the addresses, and what its certificate must be for (None: any) and how long yet."""

    probe: str | None
    unknown: str
    name: str | None
    certificate: timedelta
    now: datetime


def judge_smtp(server: str, seen: SmtpSeen, asked: SmtpAsked) -> tuple[Finding, ...]:
    """Say everything that is not as it should be."""
    wrong = [*_connection(seen, asked)]
    found = [Finding(Level.WRONG, server, f"SMTP: {text}") for text in wrong]
    found += [Finding(level, server, text) for level, text in _probe(seen, asked)]
    return (*found, *judge_rejects(server, seen, asked))


def judge_rejects(server: str, seen: SmtpSeen, asked: SmtpAsked) -> tuple[Finding, ...]:
    """Say what it takes and must not."""
    return tuple(Finding(level, server, text) for level, text in (*_unknown(seen, asked), *_relay(seen)))


def _connection(seen: SmtpSeen, asked: SmtpAsked) -> Iterator[str]:
    if seen.broken:
        yield seen.broken
    if seen.tls:
        yield seen.tls
    if seen.certificate is not None:
        yield from _certificate(seen.certificate, asked)
    what, took_s = seen.slowest
    if took_s > SLOW_S:
        yield f"it takes {duration(timedelta(seconds=int(took_s)))} to answer {what}: not every sender waits so long"


def _certificate(certificate: Certificate, asked: SmtpAsked) -> Iterator[str]:
    if asked.name is not None and not any(is_for(name, asked.name) for name in certificate.names):
        names = listing([foreign(name, MOST_SAID) for name in certificate.names], SHOWN_NAMES) or "no name"
        yield f"its certificate is for {names}, not for {asked.name}"
    left = certificate.ends_at - asked.now
    if left <= timedelta(0):
        yield "its certificate has expired"
    elif left < asked.certificate:
        days = left // timedelta(days=1)
        yield f"its certificate ends {'in ' + count(days, 'day') if days else 'today'}"


def is_for(pattern: str, name: str) -> bool:
    """Return whether a certificate's name stands for this one; a star stands for one label (RFC 9525, section 6.3)."""
    pattern, name = pattern.lower(), name.lower()
    if pattern.startswith("*."):
        return name.partition(".")[2] == pattern[2:] and "." in pattern[2:]
    return pattern == name


def _probe(seen: SmtpSeen, asked: SmtpAsked) -> Iterator[tuple[Level, str]]:
    reply = seen.probe
    if reply is None or reply.taken:
        return
    if reply.greylists:
        yield Level.LATER, f"it greylists: {reply}. It is asked again later"
    elif reply.for_now:
        yield Level.WRONG, f"it does not take mail for {asked.probe} now: {reply}"
    else:
        yield Level.WRONG, f"it refuses mail for {asked.probe}: {reply}"


def _unknown(seen: SmtpSeen, asked: SmtpAsked) -> Iterator[tuple[Level, str]]:
    reply = seen.unknown
    if reply is None:
        return
    domain = asked.unknown.rpartition("@")[2]
    if reply.taken:
        yield (
            Level.WRONG,
            f"it takes mail for addresses at {domain} that nobody has, and so sends to strangers what comes back",
        )
    elif reply.for_now and not reply.greylists and (seen.probe is None or seen.probe.taken):
        yield (
            Level.WRONG,
            f"to addresses at {domain} that nobody has it says {reply}: senders go on for days, and are told nothing",
        )


def _relay(seen: SmtpSeen) -> Iterator[tuple[Level, str]]:
    if seen.relay is not None and seen.relay.taken and not seen.own:
        yield Level.WRONG, "it takes mail of strangers for strangers (an open relay), from the bot's address at least"

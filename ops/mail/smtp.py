"""Asks an exchanger by SMTP (RFC 5321) whom it takes mail for, and hands it a probe message."""

from __future__ import annotations

import hashlib
import re
from dataclasses import replace
from typing import TYPE_CHECKING

from core.errors import MailError
from core.mail.smtp import SmtpReply, SmtpSeen
from core.wording import foreign
from ops.mail.certificate import certificate_of
from ops.mail.wire import connected, plain
from ops.probe.trust import unverified, verifying

if TYPE_CHECKING:
    import ssl

    from core.mail.smtp import SmtpAsked
    from ops.mail.wire import LineWire

# Of a domain that takes no mail (RFC 7505), and is nobody's (RFC 2606).
STRANGER = "nobody@example.com"
# postscreen(8) waits for 6 s before it greets; a sleep of smtpd(8) after a mistake is 1 s.
MOST_SAID = 80
ANSWER_S = 20.0
WHOLE_S = 90.0
MOST_LINES = 200
_REPLY = re.compile(r"([2-5][0-9]{2})(?:([ -])(.*))?", re.ASCII | re.DOTALL)


def nobodys(domain: str) -> str:
    """Return an address at `domain` that nobody has; always the same one, which a greylisting server gets to know."""
    digest = hashlib.sha256(f"sharpnet: nobody at {domain}".encode()).hexdigest()
    return f"no-such-mailbox-{digest[:12]}@{domain}"


async def ask_smtp(
    address: str, port: int, asked: SmtpAsked, *, answer_s: float = ANSWER_S, whole_s: float = WHOLE_S
) -> SmtpSeen:
    """Return what a server shows of itself, and answers for each of the addresses; no message is ever sent.

    Raises OwnLackError.
    """
    seen = SmtpSeen()
    for tls in (True, False):
        asking = _Asking(asked, seen)
        try:
            async with connected(address, port, answer_s=answer_s, whole_s=whole_s) as wire:
                await asking.run(wire, tls=tls)
        except MailError as error:
            asking.seen = replace(asking.seen, broken=error.message)
        seen = asking.seen
        if not asking.tls_failed:
            break
        # Whoever sends mail goes on without TLS where it does not work: whom it takes mail for can be asked still.
        seen = SmtpSeen(tls=seen.broken)
    return seen


class _Asking:
    """One conversation; `seen` is what is known by now."""

    def __init__(self, asked: SmtpAsked, seen: SmtpSeen) -> None:
        self.seen = seen
        self.tls_failed = False
        self._asked = asked

    async def run(self, wire: LineWire, *, tls: bool) -> None:
        try:
            await self._ask(wire, tls=tls)
        finally:
            self.seen = replace(self.seen, slowest=wire.slowest)

    async def _ask(self, wire: LineWire, *, tls: bool) -> None:
        smtp = Smtp(wire)
        offered = await smtp.greet()
        local, peer = wire.local_and_peer()
        self.seen = replace(self.seen, own=local == peer != "")
        if tls and "STARTTLS" not in offered:
            self.seen = replace(self.seen, tls="it offers no STARTTLS")
        elif tls:
            await self._begin_tls(smtp)
        if self._asked.probe is not None:
            self.seen = replace(self.seen, probe=await smtp.would_take(self._asked.probe))
        if self._asked.unknown:
            self.seen = replace(self.seen, unknown=await smtp.would_take(self._asked.unknown))
            self.seen = replace(self.seen, relay=await smtp.would_take(STRANGER))
        wire.say(b"QUIT\r\n")

    async def _begin_tls(self, smtp: Smtp) -> None:
        self.tls_failed = True
        shown = await smtp.begin_tls()
        await smtp.greet_again()
        self.tls_failed = False
        self.seen = replace(self.seen, certificate=certificate_of(shown))


class Smtp:
    """What a client of SMTP says, each with its answer. Raises MailError where the conversation cannot go on."""

    def __init__(self, wire: LineWire) -> None:
        self._wire = wire

    async def greet(self) -> frozenset[str]:
        """Wait for the banner, say hello, and return the extensions that are offered, in capitals."""
        await self._wanted(await self._reply("its banner"), 220)
        return await self.greet_again()

    async def greet_again(self) -> frozenset[str]:
        """Say hello, as after STARTTLS; an address in brackets is a name that everybody has (RFC 5321, 4.1.4)."""
        local, _ = self._wire.local_and_peer()
        name = f"[IPv6:{local}]" if ":" in local else f"[{local}]"
        lines = await self._lines(f"EHLO {name}", "EHLO")
        await self._wanted(_read(lines[-1]), 250)
        return frozenset(line[4:].split(" ")[0].upper() for line in lines[1:])

    async def begin_tls(self, context: ssl.SSLContext | None = None, name: str | None = None) -> bytes:
        """Ask for TLS, begin it, and return the certificate (DER). context, name: to verify it, and for which name."""
        await self._wanted(await self.say("STARTTLS", "STARTTLS"), 220)
        return await self._wire.begin_tls(context or unverified(), name)

    async def would_take(self, recipient: str) -> SmtpReply:
        """Return the answer to a message from nobody for `recipient`, which is not sent then."""
        sender = await self.say("MAIL FROM:<>", "MAIL FROM")
        reply = await self.say(f"RCPT TO:<{recipient}>", "RCPT TO") if sender.taken else sender
        await self.say("RSET", "RSET")
        return reply

    async def send(self, recipient: str, message: bytes) -> SmtpReply:
        """Hand a message over, from nobody, so that it never comes back as a bounce; return the last answer."""
        for line, awaited in (("MAIL FROM:<>", "MAIL FROM"), (f"RCPT TO:<{recipient}>", "RCPT TO")):
            reply = await self.say(line, awaited)
            if not reply.taken:
                return reply
        ready = await self.say("DATA", "DATA")
        if ready.code != 354:  # noqa: PLR2004 - RFC 5321, section 3.3
            return ready
        # RFC 5321, section 4.5.2: a line that begins with a dot gets one more.
        self._wire.say(re.sub(rb"(?m)^\.", b"..", message) + b".\r\n")
        return await self._reply("the message")

    async def say(self, line: str, awaited: str) -> SmtpReply:
        """Say a line, and return the answer."""
        return _read((await self._lines(line, awaited))[-1])

    async def _lines(self, line: str, awaited: str) -> list[str]:
        if not line.isascii() or not line.isprintable():
            raise MailError("an address has letters in it that SMTP does not know")
        self._wire.say(line.encode("ascii") + b"\r\n")
        return await self._heard(awaited)

    async def _reply(self, awaited: str) -> SmtpReply:
        return _read((await self._heard(awaited))[-1])

    async def _heard(self, awaited: str) -> list[str]:
        lines: list[str] = []
        while len(lines) < MOST_LINES:
            line = plain(await self._wire.hear(awaited))
            found = _REPLY.fullmatch(line)
            if found is None:
                raise MailError(f"it says {said(line)}")
            lines.append(line)
            if found[2] != "-":
                return lines
        raise MailError(f"its answer to {awaited} has more than {MOST_LINES} lines")

    async def _wanted(self, reply: SmtpReply, code: int) -> None:
        if reply.code != code:
            raise MailError(f"it says {said(str(reply))}")


async def certificate_trouble(address: str, port: int, name: str) -> str:
    """Say what is wrong with a server's certificate for one that verifies it; empty: nothing. Raises OwnLackError."""
    try:
        async with connected(address, port, answer_s=ANSWER_S, whole_s=WHOLE_S) as wire:
            smtp = Smtp(wire)
            await smtp.greet()
            await smtp.begin_tls(verifying(), name)
            wire.say(b"QUIT\r\n")
    except MailError as error:
        return error.message
    return ""


def said(text: str) -> str:
    """Return what somebody else said, quoted and cut."""
    return repr(foreign(text, MOST_SAID)) if text else "nothing"


def _read(line: str) -> SmtpReply:
    return SmtpReply(int(line[:3]), line[4:])

"""Sends a message through one exchanger into a mailbox of nobody's, sees it arrive, and takes it away everywhere."""

from __future__ import annotations

import asyncio
import secrets
from typing import TYPE_CHECKING

from core.errors import MailError, SettingsError
from core.fleet import Mail
from core.mail.delivery import INBOX, Delivery, left_behind, message, token_at
from ops.mail.imap import mailbox
from ops.mail.smtp import ANSWER_S, WHOLE_S, Smtp
from ops.mail.wire import connected

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager

    from core.fleet import Fleet, MailDomain, ProbeMailbox, SecretRef
    from core.mail.smtp import SmtpReply
    from ops.contracts import Clock
    from ops.mail.imap import Imap

ARRIVES_S = 30.0
LOOK_EVERY_S = 0.5


class Prober:
    """Sends and looks for the probe messages of one fleet. secret: reads a secret, and raises SettingsError."""

    def __init__(
        self, fleet: Fleet, clock: Clock, secret: Callable[[SecretRef], str], *, arrives_s: float = ARRIVES_S
    ) -> None:
        self._fleet = fleet
        self._clock = clock
        self._secret = secret
        self._arrives_s = arrives_s
        self._ports = (fleet.mail or Mail({})).ports

    async def deliver(self, domain: MailDomain, box: ProbeMailbox, server: str) -> Delivery:
        """Return what came of a message through `server`. Raises OwnLackError.

        None is sent where it could not be taken away again: where the mailbox there cannot be looked into.
        """
        token = token_at(self._clock.now(), secrets.token_hex(16))
        try:
            password = self._secret(box.password)
            async with self._mailbox(server, box, password) as session:
                await self._take_away(session, INBOX, token)
                found = await self._there_and_back(session, domain, box, server, token)
        except (MailError, SettingsError) as error:
            return Delivery(why=error.message)
        if found.reply is None or not found.reply.taken:
            return found
        others = [name for name in domain.exchangers if name != server]
        kept = await asyncio.gather(*(self._clean(name, box, password, token) for name in others))
        lost = {server: "it was taken, and not found"} if found.folder is None else {}
        left = {name: why for name, why in zip(others, kept, strict=True) if why}
        return Delivery("", found.reply, found.folder, found.took_s, found.waited_s, lost | left)

    async def _there_and_back(
        self, session: Imap, domain: MailDomain, box: ProbeMailbox, server: str, token: str
    ) -> Delivery:
        try:
            reply = await self._send(server, domain, box, token)
        except MailError:
            # It may have been taken all the same.
            await self._clock.sleep(LOOK_EVERY_S)
            await self._take_away(session, INBOX, token)
            raise
        if not reply.taken:
            return Delivery(reply=reply)
        begun_s = self._clock.monotonic()
        while (waited_s := self._clock.monotonic() - begun_s) < self._arrives_s:
            if await self._take_away(session, INBOX, token):
                return Delivery(reply=reply, folder=INBOX, took_s=waited_s)
            await self._clock.sleep(LOOK_EVERY_S)
        for folder in (await session.folders())[1:]:
            if await self._take_away(session, folder, token):
                return Delivery(reply=reply, folder=folder.strip('"'), took_s=waited_s)
        return Delivery(reply=reply, waited_s=waited_s)

    async def _send(self, server: str, domain: MailDomain, box: ProbeMailbox, token: str) -> SmtpReply:
        address = box.address_in(domain.name)
        there, port = self._fleet.servers[server].address, self._ports.smtp
        async with connected(there, port, answer_s=ANSWER_S, whole_s=WHOLE_S) as wire:
            smtp = Smtp(wire)
            if "STARTTLS" in await smtp.greet():
                await smtp.begin_tls()
                await smtp.greet_again()
            reply = await smtp.send(address, message(token, address, self._clock.now()))
            wire.say(b"QUIT\r\n")
            return reply

    async def _clean(self, server: str, box: ProbeMailbox, password: str, token: str) -> str:
        """Take a message away where it may have been copied to; say why that is not known."""
        try:
            async with self._mailbox(server, box, password) as session:
                await self._take_away(session, INBOX, token)
        except MailError as error:
            return error.message
        return ""

    async def _take_away(self, session: Imap, folder: str, token: str) -> bool:
        """Remove a message and what earlier looks have left behind; return whether the message was there."""
        marks = await session.marks(folder)
        old = left_behind(marks.values(), self._clock.now())
        await session.remove([uid for uid, mark in marks.items() if mark == token or mark in old])
        return token in marks.values()

    def _mailbox(self, server: str, box: ProbeMailbox, password: str) -> AbstractAsyncContextManager[Imap]:
        there = self._fleet.servers[server]
        return mailbox(there.address, self._ports.imap, box.user, password, there.checks.mail_name)

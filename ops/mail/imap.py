"""Looks into one mailbox over IMAP (RFC 9051), and takes single messages out of it (RFC 4315)."""

from __future__ import annotations

import base64
import re
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from core.errors import MailError
from core.mail.delivery import HEADER, INBOX
from ops.mail.smtp import said
from ops.mail.wire import connected, plain
from ops.probe.trust import unverified, verifying

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from ops.mail.wire import LineWire

ANSWER_S = 20.0
WHOLE_S = 180.0
MOST_LINES = 10_000
MOST_FOLDERS = 100
# More than this nobody has left behind in the time that a mailbox is looked at.
MOST_MESSAGES = 500
_LITERAL = re.compile(rb"\{([0-9]{1,9})\+?\}$")
_FOLDER = re.compile(r'\* LIST \(([^)]*)\) (?:NIL|"(?:[^"\\]|\\.)*") (.+)', re.IGNORECASE | re.DOTALL)
_MARK = re.compile(rf"{HEADER}:\s*(\S+)", re.IGNORECASE)
_UID = re.compile(r"\bUID ([0-9]{1,10})\b", re.ASCII)


class Imap:
    """One session of one user, logged in. Raises MailError where it cannot go on."""

    def __init__(self, wire: LineWire) -> None:
        self._wire = wire
        self._number = 0

    async def log_in(self, user: str, password: str, name: str | None) -> None:
        """Begin TLS and log in; a password goes out under TLS only. A server that could not remove one message is none.

        name: what its certificate has to be valid for; None: any will do. Raises MailError.
        """
        greeting = plain(await self._wire.hear("its greeting"))
        if not greeting.upper().startswith("* OK"):
            raise MailError(f"it says {said(greeting)}")
        if "STARTTLS" not in await self._capabilities():
            raise MailError("it offers no STARTTLS, so the password was not said")
        await self._ask("STARTTLS")
        await self._wire.begin_tls(verifying() if name else unverified(), name)
        await self._authenticate(user, password)
        if "UIDPLUS" not in await self._capabilities():
            raise MailError("its IMAP has no UIDPLUS, without which a message cannot be removed alone")

    async def folders(self) -> list[str]:
        """Return the folders that can be looked into, as they are to be asked for; INBOX first."""
        found = [match for line in await self._ask('LIST "" "*"') if (match := _FOLDER.match(line))]
        names = [match[2] for match in found if "\\noselect" not in match[1].lower() and _is_plain(match[2])]
        others = [name for name in names if name.strip('"').upper() != INBOX]
        return [INBOX, *others[: MOST_FOLDERS - 1]]

    async def marks(self, folder: str) -> dict[int, str]:
        """Go into a folder, and return what marks each probe message in it, by its UID."""
        await self._ask(f"SELECT {folder}")
        lines = await self._ask(f'UID SEARCH HEADER {HEADER} "sharpnet-"')
        uids = [uid for line in lines if line.upper().startswith("* SEARCH") for uid in line.split()[2:]]
        uids = [uid for uid in uids if uid.isascii() and uid.isdigit()][:MOST_MESSAGES]
        if not uids:
            return {}
        fetched = await self._ask(f"UID FETCH {','.join(uids)} (UID BODY.PEEK[HEADER.FIELDS ({HEADER})])")
        pairs = [(_UID.search(line), _MARK.search(line)) for line in fetched]
        return {int(uid[1]): mark[1] for uid, mark in pairs if uid and mark}

    async def remove(self, uids: list[int]) -> None:
        """Remove messages of the folder that was gone into last, and no others."""
        if uids:
            listed = ",".join(map(str, uids))
            await self._ask(f"UID STORE {listed} +FLAGS.SILENT (\\Deleted)")
            await self._ask(f"UID EXPUNGE {listed}")

    async def _capabilities(self) -> set[str]:
        lines = await self._ask("CAPABILITY")
        return {word for line in lines if line.upper().startswith("* CAPABILITY") for word in line.upper().split()}

    async def _authenticate(self, user: str, password: str) -> None:
        """Log in by SASL PLAIN (RFC 4616), which takes any letters."""
        self._number += 1
        self._wire.say(f"a{self._number} AUTHENTICATE PLAIN\r\n".encode())
        line = plain(await self._wire.hear("AUTHENTICATE"))
        if not line.startswith("+"):
            raise MailError(f"it does not let {user} log in: {said(line)}")
        self._wire.say(base64.b64encode(f"\0{user}\0{password}".encode()) + b"\r\n")
        try:
            await self._until_done("AUTHENTICATE")
        except MailError as error:
            raise MailError(f"it does not let {user} log in: {error.message}") from error

    async def _ask(self, command: str) -> list[str]:
        """Say a command, and return what it answers before it is done; literals stand in their lines."""
        self._number += 1
        self._wire.say(f"a{self._number} {command}\r\n".encode())
        return await self._until_done(command.split(" ", 1)[0])

    async def _until_done(self, awaited: str) -> list[str]:
        tag = f"a{self._number} "
        lines: list[str] = []
        while len(lines) < MOST_LINES:
            line = await self._line(awaited)
            if line.startswith(tag):
                if line[len(tag) :].upper().startswith("OK"):
                    return lines
                raise MailError(f"it says {said(line[len(tag) :])}")
            if line.upper().startswith("* BYE"):
                raise MailError(f"it says {said(line)}")
            lines.append(line)
        raise MailError(f"its answer to {awaited} has more than {MOST_LINES:,} lines")

    async def _line(self, awaited: str) -> str:
        whole = await self._wire.hear(awaited)
        while (literal := _LITERAL.search(whole)) is not None:
            body = await self._wire.literal(int(literal[1]), awaited)
            whole = whole[: literal.start()] + body + await self._wire.hear(awaited)
        return plain(whole)


def _is_plain(name: str) -> bool:
    """Return whether a folder's name can be said again as it was heard: an atom, or a quoted string on one line."""
    return name.isascii() and name.isprintable()


@asynccontextmanager
async def mailbox(
    address: str,
    port: int,
    user: str,
    password: str,
    name: str | None,
    *,
    answer_s: float = ANSWER_S,
    whole_s: float = WHOLE_S,
) -> AsyncGenerator[Imap]:
    """Give a session of `user`, who is shown a certificate for `name`. Raises OwnLackError, MailError."""
    async with connected(address, port, answer_s=answer_s, whole_s=whole_s) as wire:
        session = Imap(wire)
        await session.log_in(user, password, name)
        yield session
        wire.say(b"z LOGOUT\r\n")

"""A process whose fleet keeps mailboxes alike, and what a test does to them by Dovecot's own tools."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mail.harness import DOMAIN, with_mail

from commands import answer, split_line
from core.people import Person, Role
from lab import mail
from lab.dovecot import MAIL

if TYPE_CHECKING:
    from collections.abc import Callable

    from sync.harness import Rig

    from core.reply import Reply
    from lab import Lab
    from ops.ports import Ports

BOSS = Person("boss", "terminal", frozenset(Role))
CONFS = {"oslo": "/etc/dovecot/dovecot.conf", "lima": "/srv/lima/dovecot/dovecot.conf"}
SERVERS = tuple(CONFS)


def with_mirror(tree: dict[str, Any]) -> None:
    """Give the fleet mail that is kept alike."""
    with_mail(tree)
    tree["mail"]["mirror"] = {"every": "1h"}


@dataclass(frozen=True)
class Post:
    """What a test has at hand."""

    rig: Rig

    @property
    def lab(self) -> Lab:
        """The lab."""
        return self.rig.lab

    @property
    def ports(self) -> Ports:
        """The ports of the process."""
        return self.rig.ports

    async def say(self, line: str, ask: Callable[[str], bool] | None = None) -> Reply:
        """Type a line and return the reply."""
        return await answer(split_line(line), BOSS, BOSS.via, self.ports, ask=ask)

    def doveadm(self, server: str, *words: str, stdin: str = "") -> str:
        """Have a server's root ask or change what Dovecot has, and give what it prints."""
        command = f"printf %s {shlex.quote(stdin)} | doveadm -c {CONFS[server]} {shlex.join(words)}"
        return mail.run(self.lab, server, command)

    def put(self, server: str, user: str, subject: str, mailbox: str = "INBOX") -> None:
        """Put a message into a mailbox."""
        text = f"Subject: {subject}\nMessage-ID: <{subject}@{server}.invalid>\n\nwords\n"
        self.doveadm(server, "save", "-u", user, "-m", mailbox, stdin=text)

    def subjects(self, server: str, user: str, mailbox: str = "INBOX") -> list[str]:
        """Return the subjects of the messages in a mailbox, sorted."""
        return sorted(subject for subject, _ in self._fetched(server, user, mailbox))

    def flags(self, server: str, user: str, subject: str) -> set[str]:
        """Return the flags of the one message with this subject, but the one that every session sets."""
        (flags,) = [flags for found, flags in self._fetched(server, user, "INBOX") if found == subject]
        return {*flags.split()} - {"\\Recent"}

    def _fetched(self, server: str, user: str, mailbox: str) -> list[tuple[str, str]]:
        said = self.doveadm(server, "-f", "tab", "fetch", "-u", user, "hdr.subject flags", "mailbox", mailbox, "all")
        rows = [line.split("\t") for line in said.splitlines()[1:]]
        return [(row[0], row[1]) for row in rows]

    def both(self, user: str, mailbox: str = "INBOX") -> list[str]:
        """Return the subjects of a mailbox that is the same on both servers."""
        here, there = (self.subjects(server, user, mailbox) for server in SERVERS)
        assert here == there
        return here

    def empty(self, user: str) -> None:
        """Let a user have no mailbox anywhere, as one who was just made."""
        for server in SERVERS:
            mail.run(self.lab, server, f"rm -rf {MAIL}/{DOMAIN}/{user.partition('@')[0]}")

    async def alike(self, user: str) -> None:
        """Make a user's mail alike, and have it well."""
        reply = await self.say(f"mail sync {user}")
        assert reply.exit_code == 0, reply

"""An IMAP server (RFC 9051): its banner, and that it offers and takes STARTTLS."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ops.checks import Check
from ops.dialogue import Dialogue
from ops.ports import Look
from ops.talk import talk

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import timedelta

    from core.fleet import Fleet
    from ops.ports import Ports


class ImapDialogue(Dialogue):
    """Waits for the greeting, asks for the capabilities, and asks for STARTTLS."""

    protocol = "IMAP"

    def __init__(self) -> None:
        super().__init__()
        self._greeted = False
        self._offered = False

    def line(self, line: bytes) -> Look | None:
        """Take in one line: a greeting, an untagged one, or how a command ended."""
        words = line.upper().split()
        if not self._greeted:
            if words[:2] != [b"*", b"OK"]:
                return self.trouble(line)
            self._greeted = True
            self.say(b"a CAPABILITY\r\n")
        elif words[:2] == [b"*", b"CAPABILITY"]:
            self._offered = b"STARTTLS" in words
        elif words[:2] == [b"A", b"OK"]:
            if not self._offered:
                return Look(ok=False, why="it offers no STARTTLS")
            self.say(b"b STARTTLS\r\n")
        elif words[:2] == [b"B", b"OK"]:
            return Look(ok=True)
        elif words[:1] != [b"*"]:
            return self.trouble(line)
        return None


def _targets(fleet: Fleet) -> Mapping[str, timedelta]:
    return {f"server:{name}": fleet.watch.every for name, server in fleet.servers.items() if server.checks.imap}


async def _look(ports: Ports, server: str) -> tuple[str, ...] | None:
    there = ports.fleet.servers[server]
    if there.checks.imap is None:
        return None
    timeout_s = ports.fleet.watch.timeout.total_seconds()
    look = await talk(there.address, there.checks.imap, ImapDialogue(), timeout_s=timeout_s)
    return () if look.ok else (f"IMAP: {look.why}",)


CHECK = Check("imap", _targets, _look)

"""An SMTP server (RFC 5321): its banner, and that it offers and takes STARTTLS (RFC 3207)."""

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

EHLO, STARTTLS = b"EHLO sharpnet.invalid\r\n", b"STARTTLS\r\n"


class SmtpDialogue(Dialogue):
    """Waits for the banner, says EHLO, and asks for STARTTLS."""

    protocol = "SMTP"

    def __init__(self) -> None:
        super().__init__()
        self._steps = [(b"220", EHLO), (b"250", STARTTLS), (b"220", b"")]
        self._offered = False

    def line(self, line: bytes) -> Look | None:
        """Take in one line; a code with a hyphen after it goes on."""
        wanted, answer = self._steps[0]
        if line[3:].lstrip(b"- ").upper() == b"STARTTLS":
            self._offered = True
        if not line.startswith(wanted):
            return self.trouble(line)
        if line[3:4] == b"-":
            return None
        self._steps.pop(0)
        if not self._steps:
            return Look(ok=True)
        if answer is STARTTLS and not self._offered:
            return Look(ok=False, why="it offers no STARTTLS")
        self.say(answer)
        return None


def _targets(fleet: Fleet) -> Mapping[str, timedelta]:
    return {f"server:{name}": fleet.watch.every for name, server in fleet.servers.items() if server.checks.smtp}


async def _look(ports: Ports, server: str) -> tuple[str, ...] | None:
    there = ports.fleet.servers[server]
    if there.checks.smtp is None:
        return None
    timeout_s = ports.fleet.watch.timeout.total_seconds()
    look = await talk(there.address, there.checks.smtp, SmtpDialogue(), timeout_s=timeout_s)
    return () if look.ok else (f"SMTP: {look.why}",)


CHECK = Check("smtp", _targets, _look)

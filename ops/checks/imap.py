"""An IMAP server (RFC 9051): its banner, STARTTLS, and the certificate."""

from __future__ import annotations

from ops.checks._starttls import mail_check
from ops.contracts import Look
from ops.probe.lines import Dialogue


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
        elif words[:2] == [b"*", b"BYE"]:
            return self.trouble(line)
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


CHECK = mail_check("imap", lambda checks: checks.imap, ImapDialogue)

"""An SMTP server (RFC 5321): its banner, STARTTLS (RFC 3207), and the certificate."""

from __future__ import annotations

from ops.checks._starttls import mail_check
from ops.contracts import Look
from ops.probe.lines import Dialogue

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
        if wanted == b"250" and line[4:].strip().upper() == b"STARTTLS":
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


CHECK = mail_check("smtp", lambda checks: checks.smtp, SmtpDialogue)

"""Whether a probe message that was handed to an exchanger was seen in its mailbox, and taken away again."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from core.mail.finding import Finding, Level
from core.wording import duration, foreign

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from core.mail.smtp import SmtpReply

HEADER = "X-Sharpnet-Probe"
INBOX = "INBOX"
# One that is younger may be somebody else's, who still looks for it.
LEFT_AFTER = timedelta(minutes=10)
MOST_NAME = 80
_TOKEN = re.compile(r"sharpnet-([0-9]{1,10})-[0-9a-f]{32}", re.ASCII)


def token_at(now: datetime, random: str) -> str:
    """Return what marks one probe message: when it was sent, and 32 random hexadecimal digits."""
    return f"sharpnet-{int(now.timestamp())}-{random}"


def left_behind(tokens: Iterable[str], now: datetime) -> tuple[str, ...]:
    """Return those that mark a probe message which an earlier look has not taken away."""
    found = []
    for token in tokens:
        match = _TOKEN.fullmatch(token)
        if match is not None and now - datetime.fromtimestamp(int(match[1]), UTC) >= LEFT_AFTER:
            found.append(token)
    return tuple(found)


def message(token: str, address: str, now: datetime) -> bytes:
    """Return a probe message (RFC 5322). It says what it is, and that nobody should answer it (RFC 3834)."""
    lines = [
        f"From: <{address}>",
        f"To: <{address}>",
        f"Date: {now.strftime('%a, %d %b %Y %H:%M:%S +0000')}",
        f"Message-ID: <{token}@sharpnet.invalid>",
        "Subject: Sharpnet looks whether mail arrives",
        "Auto-Submitted: auto-generated",
        f"{HEADER}: {token}",
        "",
        "Sharpnet sent this to see whether mail arrives, and takes it away by itself.",
        "",
    ]
    return "\r\n".join(lines).encode("ascii")


@dataclass(frozen=True, slots=True)
class Delivery:
    """What came of one probe message that was meant for one exchanger.

    why: why none was sent; empty: one was. reply: the exchanger's last answer. folder: where it was found; None: not.
    took_s: from its last word to the mailbox. waited_s: for how long was looked. kept: by server, why it could not be
    looked for and taken away there.
    """

    why: str = ""
    reply: SmtpReply | None = None
    folder: str | None = None
    took_s: float = 0.0
    waited_s: float = 0.0
    kept: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        if self.folder == INBOX:
            return f"arrived in {duration(timedelta(seconds=self.took_s))}"
        if self.folder is not None:
            return f"arrived in {foreign(self.folder, MOST_NAME)}"
        if self.reply is not None and self.reply.taken:
            return "not seen"
        return "tried again later" if self.reply is not None and self.reply.greylists else "not sent"


def judge_delivery(server: str, address: str, delivery: Delivery) -> tuple[Finding, ...]:
    """Say why a message did not arrive as it should, and where it may have been left behind."""
    found = [Finding(level, server, text) for level, text in _arrival(address, delivery)]
    for there, why in delivery.kept.items():
        left = "a probe message may be left in the mailbox"
        if there != server:
            left = f"not known whether the probe message of {server} was copied into the mailbox"
        found.append(Finding(Level.UNKNOWN, there, f"{left} {address}: {why}"))
    return tuple(found)


def _arrival(address: str, delivery: Delivery) -> list[tuple[Level, str]]:
    reply = delivery.reply
    if delivery.why:
        return [(Level.WRONG, f"no probe message was sent to {address}: {delivery.why}")]
    if reply is not None and reply.greylists:
        return [(Level.LATER, f"it greylists the probe message: {reply}. It is sent again later")]
    if reply is not None and not reply.taken:
        return [(Level.WRONG, f"it does not take a probe message for {address}: {reply}")]
    if delivery.folder is None:
        waited = duration(timedelta(seconds=delivery.waited_s))
        return [(Level.WRONG, f"a probe message for {address} was taken, and was not in the mailbox {waited} later")]
    if delivery.folder != INBOX:
        folder = foreign(delivery.folder, MOST_NAME)
        return [(Level.WRONG, f"a probe message for {address} went to the folder {folder}, not to {INBOX}")]
    return []

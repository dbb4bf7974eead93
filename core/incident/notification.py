"""What people are told by other ways than Slack, and when it is tried again where it did not get through.

These ways cannot edit a message: they get a card when it is new, and when what it says has changed for better or worse.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from core.reply import Text, Tone, Typed
from core.wording import clock_time

if TYPE_CHECKING:
    from datetime import datetime

    from core.reply import Reply

LONGEST_WAIT = timedelta(minutes=5)
# An alert that nobody could be given for so long is kept on record, and no longer in the way of the ones after it.
WORTH_SENDING_FOR = timedelta(hours=24)
# So long a route may fail before people are told so in the ops channel.
FAILING_FOR = timedelta(seconds=30)
LINES = 8


class AlertKind(StrEnum):
    """How an alert is meant, in the words that Apprise has for it."""

    INFO = "info"
    SUCCESS = "success"
    WARNING = "warning"
    FAILURE = "failure"


_KINDS = {Tone.GOOD: AlertKind.SUCCESS, Tone.WARN: AlertKind.WARNING, Tone.BAD: AlertKind.FAILURE}


@dataclass(frozen=True, slots=True)
class Message:
    """What is sent: plain text."""

    title: str
    body: str
    kind: AlertKind


def is_news(before: Tone | None, now: Tone) -> bool:
    """Return whether a card whose tone was `before` (None: it is new) and is `now` is worth a message of its own.

    That work goes on is not: how it ended will be.
    """
    return before is not now and now is not Tone.BUSY


def message_of(
    reply: Reply, at: datetime, number: int | None, *, fleet: str, timezone: str, again: bool = False
) -> Message:
    """Return a card as a message, with the time that it is about, however late it is sent.

    number: None where it has none, since nothing could be stored. again: whether it may have got through before.
    """
    texts = [
        part.line if isinstance(part, Typed) else part.text for part in reply.parts if isinstance(part, Text | Typed)
    ]
    typed = [
        f"{button.label}: sharpnet {button.line}" + (' "…"' if button.asks is not None else "")
        for button in reply.buttons
    ]
    about = f"{clock_time(at, timezone)}, fleet {fleet}" + (f", alert {number}" if number is not None else "")
    if again:
        about += "; this may be the second time that you get it"
    return Message(reply.title, "\n".join([*texts[:LINES], *typed, about]), _KINDS.get(reply.tone, AlertKind.INFO))


def retry_delay(tries: int) -> timedelta:
    """Return how long to wait after `tries` failures in a row: 1 s, 2 s, 4 s … 5 min."""
    return min(LONGEST_WAIT, timedelta(seconds=1 << min(tries - 1, 20)))


def is_worth_sending(at: datetime, now: datetime) -> bool:
    """Return whether an alert of `at` is still tried."""
    return now - at < WORTH_SENDING_FOR


def failure_reason(logged: str) -> str:
    """Say in a few words why a message did not get through, from what Apprise logged.

    What it logged is not repeated: addresses with passwords and tokens may stand in it.
    """
    for pattern, why in _WHY:
        found = pattern.search(logged)
        if found:
            return why.format(*found.groups())
    return "it was not taken"


_WHY: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), why)
    for pattern, why in (
        (r"unparseable|unsupported|could not load|unknown schema", "what it holds is no address that Apprise knows"),
        (r"error ?= ?(\d{3})\b", "HTTP status {0}"),
        (r"\[Errno 111\]|connection refused", "connection refused"),
        (r"timed? ?out", "no answer in time"),
        (r"name or service not known|getaddrinfo|name resolution", "its host name is not known"),
        (r"certificate", "its certificate is not valid"),
        (r"authentication|\b535\b", "its login was refused"),
        (r"\b([45]\d\d)\b.{0,40}(?:rejected|denied|unavailable)", "mail status {0}"),
        (r"\[Errno 11[03]\]|unreachable|reset by peer", "its host cannot be reached"),
    )
)

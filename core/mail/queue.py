"""What waits in a mail server's queue, as postqueue(1) or exim(8) prints it, and whether that is too much."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from core.mail.finding import Finding, Level
from core.wording import count, duration, foreign

if TYPE_CHECKING:
    from collections.abc import Iterator

    from core.fleet import MailQueue

MOST_REASON = 100
_EXIM = re.compile(r"\s*([0-9]{1,6})([mhd])\s+[0-9.]+[KMG]?\s+(\S+)\s+<", re.ASCII)
_EXIM_S = {"m": 60, "h": 3600, "d": 86_400}


@dataclass(frozen=True, slots=True)
class Queue:
    """How many messages wait, for how long the oldest has, and why most of them do (None: it is not said).

    cut: more wait than were counted.
    """

    messages: int
    oldest: timedelta | None = None
    reason: str | None = None
    cut: bool = False

    def __str__(self) -> str:
        if not self.messages:
            return "empty"
        most = "more than " if self.cut else ""
        since = f", oldest {duration(self.oldest)}" if self.oldest is not None else ""
        return f"{most}{count(self.messages, 'message')}{since}"


def judge_queue(server: str, queue: Queue, limits: MailQueue) -> tuple[Finding, ...]:
    """Say that too much waits, or for too long."""
    too_many = queue.messages > limits.messages
    too_old = queue.oldest is not None and queue.oldest > limits.oldest
    if not too_many and not too_old:
        return ()
    why = f": {queue.reason}" if queue.reason else ""
    return (Finding(Level.WRONG, server, f"{queue} in its mail queue{why}"),)


def postfix_queue(printed: str, now_s: float, *, cut: bool) -> Queue:
    """Read what `postqueue -j` prints: a JSON object a line. now_s: the server's own clock. cut: not all is here."""
    found = list(_messages(printed))
    arrived = [at_s for at_s, _ in found if at_s is not None]
    reasons = Counter(reason for _, reason in found if reason)
    oldest = timedelta(seconds=max(0, int(now_s) - min(arrived))) if arrived else None
    reason = foreign(reasons.most_common(1)[0][0], MOST_REASON) if reasons else None
    return Queue(len(found), oldest, reason, cut)


def _messages(printed: str) -> Iterator[tuple[int | None, str]]:
    for line in printed.splitlines():
        try:
            message = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if not isinstance(message, dict) or not isinstance(message.get("queue_id"), str):
            continue
        at_s, recipients = message.get("arrival_time"), message.get("recipients")
        known = isinstance(at_s, int) and not isinstance(at_s, bool) and 0 <= at_s < 1 << 40
        first = recipients[0] if isinstance(recipients, list) and recipients else None
        reason = first.get("delay_reason") if isinstance(first, dict) else None
        yield at_s if known else None, reason if isinstance(reason, str) else ""


def exim_queue(printed: str, *, cut: bool) -> Queue:
    """Read what `exim -bp` prints: a line a message, which begins with its age, size, id and sender."""
    found = [match for line in printed.splitlines() if (match := _EXIM.match(line))]
    ages = [timedelta(seconds=int(match[1]) * _EXIM_S[match[2]]) for match in found]
    return Queue(len(found), max(ages, default=None), None, cut)

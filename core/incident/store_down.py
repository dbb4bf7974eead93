"""What people are told when the bot cannot store what it sees: alerts go through its store, so none would come."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.incident.targets import subject_of
from core.reply import Reply, Text, Tone
from core.wording import clock_time, duration, listing

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from core.fleet.target import Target


def store_failed(why: str, since_at: datetime, down: Collection[Target], timezone: str, now: datetime) -> Reply:
    """Return what is told while nothing can be stored. down: the targets that are seen down meanwhile."""
    seen = f"Down as seen from here: {listing([subject_of(one) for one in sorted(down)])}"
    since = clock_time(since_at, timezone, now)
    return Reply(
        f"{seen if down else 'Nothing is seen down'}. This bot can store nothing since {since}",
        (Text(why), Text("Until it can, no other alert comes, and nothing can be moved or copied through it.")),
        tone=Tone.BAD,
    )


def store_recovered(since_at: datetime, timezone: str, now: datetime) -> Reply:
    """Return what is told once it can store again."""
    times = f"from {clock_time(since_at, timezone, now)} to {clock_time(now, timezone, now)}"
    return Reply(
        f"This bot stores what it sees again, after {duration(now - since_at)}",
        (Text(f"Nothing was stored {times}. What is down now is told in separate messages."),),
        tone=Tone.GOOD,
    )

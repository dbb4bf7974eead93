"""What the ops channel shows of a server that answers, but not in full, and of what flaps; values only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.incident.facts import OutageEnd
from core.incident.targets import span_of
from core.reply import Tone
from core.wording import clock_time, count, duration, listing

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from core.incident.facts import OutageFacts
    from core.incident.outage import Outage


def degraded_title(outage: Outage) -> str:
    """Say what a server, or only the sites on it, lack."""
    facts, name = outage.facts, outage.target.name
    if facts.affected and not facts.checks:
        return f"{count(facts.affected, 'site')} on {name} {_is(facts.affected)} degraded: {facts.why}"
    return f"{name} is degraded: {facts.why}"


def degraded_ended(outage: Outage, timezone: str, now: datetime) -> tuple[str, Tone]:
    """Say that a server lacks nothing any more, or that nobody looks any more."""
    facts, name, lasted = outage.facts, outage.target.name, duration(outage.lasted(now))
    if facts.ending is OutageEnd.UNWATCHED:
        return f"{name}: what made it degraded is no longer looked at (for {lasted}: {facts.why})", Tone.UNKNOWN
    return f"{name} is no longer degraded, after {lasted} ({span_of(outage, timezone, now)}): {facts.why}", Tone.GOOD


def several_degraded(outages: Sequence[Outage], still: Sequence[Outage], now: datetime) -> tuple[str, Tone]:
    """Sum up degraded servers that share a card, those of `still` being so now."""
    names = listing([outage.target.name for outage in still])
    if not still:
        longest = max(outage.lasted(now) for outage in outages)
        servers = count(len(outages), "server")
        return f"None of {servers} is degraded any more; the longest was for {duration(longest)}", Tone.GOOD
    return f"{count(len(still), 'server')} {_is(len(still))} degraded: {names}", Tone.WARN


def flapping_title(subject: str, outage: Outage) -> str:
    """Say how often something changed, and how it is now."""
    return f"{subject} {_be(subject)} flapping: {_changes(outage.facts)}; {_now(outage)} now"


def flapping_ended(subject: str, outage: Outage, timezone: str, now: datetime) -> tuple[str, Tone]:
    """Say how something that flapped is now."""
    facts = outage.facts
    since = clock_time(facts.last_change_at or now, timezone, now)
    if facts.ending is OutageEnd.JOINED:
        steady = f"it has been {_now(outage)} since {since}: see the next message"
        return f"{subject} flapped ({_changes(facts)}); {steady}", Tone.BAD
    return f"{subject} flapped ({_changes(facts)}); nothing has changed since {since}", Tone.GOOD


def _changes(facts: OutageFacts) -> str:
    if facts.first_change_at is None or facts.last_change_at is None:
        return count(facts.changes, "change")
    return f"{count(facts.changes, 'change')} in {duration(facts.last_change_at - facts.first_change_at)}"


def _is(number: int) -> str:
    return "is" if number == 1 else "are"


def _be(subject: str) -> str:
    return "are" if subject.startswith("Sites ") else "is"


def _now(outage: Outage) -> str:
    if not outage.facts.down_now:
        return "up"
    return "degraded" if outage.target.kind == "degraded" else "down"

"""How outages are named for people: their targets, the sites in them, when they were; values only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.wording import clock_time

if TYPE_CHECKING:
    from datetime import datetime

    from core.fleet.target import Target
    from core.incident.facts import OutageFacts
    from core.incident.outage import Outage


def subject_of(target: Target) -> str:
    """Say what a target is, in words: `uk`, `sites on uk`, `name server ns1`."""
    kind, name = target
    words = {
        "sites": f"sites on {name}",
        "nameserver": f"name server {name}",
        "link": "everything, as seen from here",
        "fleet": "the whole fleet",
    }
    return words.get(kind, name)


def capital(subject: str) -> str:
    """Let a sentence begin with what is no name of its own."""
    return subject[:1].upper() + subject[1:] if subject.startswith(("sites on ", "name server ")) else subject


def named_sites(facts: OutageFacts, most: int) -> str:
    """Name the first affected sites, and count the rest: of many, only the first are kept by name."""
    more = facts.affected - min(most, len(facts.sites))
    return ", ".join(facts.sites[:most]) + (f" and {more:,} more" if more > 0 else "")


def span_of(outage: Outage, timezone: str, now: datetime) -> str:
    """Say from when to when it was: `14:02:07 BST to 14:08:19 BST`."""
    return f"{clock_time(outage.opened_at, timezone, now)} to {clock_time(outage.closed_at or now, timezone, now)}"

"""What people are told again of an outage that nobody has acknowledged; values only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.incident.targets import subject_of
from core.reply import Button, Reply, Tone
from core.wording import duration, listing

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from core.incident.outage import Outage


def reminder(outages: Sequence[Outage], now: datetime) -> Reply:
    """Return the reminder of outages that share a card and that nobody has acknowledged; at least one.

    Its title is the line for the card's thread.
    """
    longest = duration(max(outage.lasted(now) for outage in outages))
    names = listing([subject_of(outage.target) for outage in outages])
    alone = len(outages) == 1
    # What flaps may well be up at the moment.
    still = "flapping" if all(outage.facts.changes for outage in outages) else "open"
    how_long = f"still {still} after {'' if alone else 'up to '}{longest}"
    ack = f"ack {outages[0].id}"
    title = f"{names}: {how_long}, not acknowledged. Acknowledge: `{ack}`"
    return Reply(title, buttons=(Button("Acknowledge", ack),), tone=Tone.BAD)

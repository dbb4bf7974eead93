"""What people are told of an outage that nobody looks after; values only."""

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
    """Return what is told again of outages that share a card and that nobody looks after; at least one.

    Its title is the line for the card's thread.
    """
    longest = duration(max(outage.lasted(now) for outage in outages))
    names = listing([subject_of(outage.target) for outage in outages])
    alone = len(outages) == 1
    # What flaps may well be up at the moment.
    goes_on = "flapping" if all(outage.facts.changes for outage in outages) else "open"
    how_long = f"still {goes_on} after {'' if alone else 'up to '}{longest}"
    ack = f"ack {outages[0].id}"
    title = f"{names}: {how_long}, and nobody looks after {'it' if alone else 'them'}. `{ack}` says that you do"
    return Reply(title, buttons=(Button("Acknowledge", ack),), tone=Tone.BAD)

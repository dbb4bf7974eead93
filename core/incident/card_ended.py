"""How the card of an outage says that it is over, and how it ended; values only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.incident.card_degraded import degraded_ended, flapping_ended
from core.incident.facts import OutageEnd
from core.incident.targets import capital, named_sites, span_of, subject_of
from core.reply import Tone
from core.wording import clock_time, count, duration

if TYPE_CHECKING:
    from datetime import datetime

    from core.incident.outage import Outage


def ended(outage: Outage, timezone: str, now: datetime) -> tuple[str, Tone]:
    """Return the title of the card of an outage that is over, and its tone."""
    facts, (kind, name) = outage.facts, outage.target
    lasted = duration(outage.lasted(now))
    subject = f"{facts.sites[0]} on {name}" if _is_one_site(outage) else capital(subject_of(outage.target))
    if facts.changes and facts.ending in {OutageEnd.UP, OutageEnd.DEGRADED, OutageEnd.JOINED}:
        return flapping_ended(subject, outage, timezone, now)
    if kind == "degraded":
        return degraded_ended(outage, timezone, now)
    if facts.ending is OutageEnd.UNWATCHED:
        return f"{subject}: no longer in app.yaml, so no longer watched (was down for {lasted})", Tone.UNKNOWN
    if facts.ending is OutageEnd.JOINED:
        return f"{subject}: {name} itself is down now, see its own message", Tone.BAD
    if facts.ending is OutageEnd.MOVED:
        return f"{subject}: what failed for {lasted} is served from elsewhere now", Tone.GOOD
    if kind == "link":
        again = f"This bot sees the fleet again after {lasted} ({span_of(outage, timezone, now)})"
        return f"{again}; what happened meanwhile is unknown", Tone.WARN
    title = f"{subject} {_back(outage, lasted, timezone, now)}"
    tone = Tone.GOOD
    if facts.ending is OutageEnd.DEGRADED:
        title, tone = f"{title}, but not in full: {facts.ending_why}", Tone.WARN
    if facts.quarantined:
        copies = count(facts.quarantined, "site is", "sites are")
        title, tone = (
            f"{title}; its {'copy' if facts.quarantined == 1 else 'copies'} of {copies} quarantined",
            Tone.WARN,
        )
    return title, tone


def _back(outage: Outage, lasted: str, timezone: str, now: datetime) -> str:
    """Say that it is back and since when; of sites, which."""
    facts, of_sites = outage.facts, outage.target.kind == "sites"
    alone = _is_one_site(outage)
    again = "answers again" if alone else "answer again"
    back = again if of_sites else "answers for all zones again" if facts.lame else "is back"
    if facts.unseen_from_at is not None and facts.unseen_until_at is not None:
        between = (
            f"between {clock_time(facts.unseen_from_at, timezone, now)} and "
            f"{clock_time(facts.unseen_until_at, timezone, now)}, while this bot did not watch"
        )
        said = f"{back}: that happened {between}"
    else:
        said = f"{back} after {lasted} ({span_of(outage, timezone, now)})"
    return f"{said}: {named_sites(facts, 3)}" if of_sites and facts.sites and not alone else said


def _is_one_site(outage: Outage) -> bool:
    """Return whether one site alone failed, all the time."""
    facts = outage.facts
    return outage.target.kind == "sites" and facts.affected == 1 and facts.at_first <= 1 and bool(facts.sites)

"""The title of an outage's card: the whole fact in one line, while it lasts and when it is over; values only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.incident.facts import OutageEnd
from core.incident.targets import capital, named_sites, span_of, subject_of
from core.reply import Tone
from core.wording import clock_time, count, duration, is_ahead, listing

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from core.incident.facts import OutageFacts
    from core.incident.outage import Outage


def open_title(outage: Outage, timezone: str, now: datetime) -> tuple[str, Tone]:
    """Return the title of the card of an outage that lasts, and its tone."""
    softer = outage.facts.lame or outage.target.kind in {"link", "degraded"}
    return _open_words(outage, timezone, now), Tone.WARN if softer else Tone.BAD


def ended_title(outage: Outage, timezone: str, now: datetime) -> tuple[str, Tone]:
    """Return the title of the card of an outage that is over, and its tone."""
    facts, (kind, name) = outage.facts, outage.target
    lasted = duration(outage.lasted(now))
    subject = f"{facts.sites[0]} on {name}" if _is_one_site(outage) else capital(subject_of(outage.target))
    if facts.changes and facts.ending in {OutageEnd.UP, OutageEnd.DEGRADED, OutageEnd.JOINED}:
        return _flapping_ended(subject, outage, timezone, now)
    if kind == "degraded":
        if facts.ending is OutageEnd.UNWATCHED:
            return f"{name}: what made it degraded is no longer looked at (for {lasted}: {facts.why})", Tone.UNKNOWN
        span = span_of(outage, timezone, now)
        return f"{name} is no longer degraded, after {lasted} ({span}): {facts.why}", Tone.GOOD
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
    if facts.ending is OutageEnd.DEGRADED:
        title += f", but not in full: {facts.ending_why}"
    if facts.quarantined:
        copies = count(facts.quarantined, "site is", "sites are")
        title += f"; its {'copy' if facts.quarantined == 1 else 'copies'} of {copies} quarantined"
    return title, Tone.WARN if facts.ending is OutageEnd.DEGRADED or facts.quarantined else Tone.GOOD


def shared_title(outages: Sequence[Outage], still: Sequence[Outage], timezone: str, now: datetime) -> tuple[str, Tone]:
    """Return the title of a card that several things share, those of `still` being in trouble now, and its tone."""
    number, longest = len(outages), duration(max(outage.lasted(now) for outage in outages))
    if all(outage.target.kind == "degraded" for outage in outages):
        if not still:
            return f"None of {count(number, 'server')} is degraded any more; the longest was for {longest}", Tone.GOOD
        names = listing([outage.target.name for outage in still])
        return f"{count(len(still), 'server')} {_is(len(still))} degraded: {names}", Tone.WARN
    down = "down or lame" if any(outage.facts.lame for outage in outages) else "down"
    if not still:
        return f"All {number:,} things that were {down} are over; the longest took {longest}", Tone.GOOD
    since = clock_time(min(outage.opened_at for outage in outages), timezone, now)
    names = listing([subject_of(outage.target) for outage in still], 6)
    how_many = f"{number:,} things are" if len(still) == number else f"{len(still):,} of {number:,} are"
    affected = sum(outage.facts.affected for outage in still)
    movable = sum(outage.facts.movable for outage in still)
    rest = f"; {count(affected, 'site')} affected, for {movable:,} another server is ready" if affected else ""
    return f"{how_many} {down}, the first since {since}: {names}{rest}", Tone.BAD


def _open_words(outage: Outage, timezone: str, now: datetime) -> str:
    facts, (kind, name), since = outage.facts, outage.target, clock_time(outage.opened_at, timezone, now)
    if facts.changes:
        subject = capital(subject_of(outage.target))
        return f"{subject} {'are' if kind == 'sites' else 'is'} flapping: {_changes(facts)}; {_now(outage)} now"
    if kind == "degraded":
        of_sites = facts.affected and not facts.checks
        subject = f"{count(facts.affected, 'site')} on {name} {_is(facts.affected)}" if of_sites else f"{name} is"
        return f"{subject} degraded: {facts.why}"
    if kind == "sites":
        failing = f"{count(facts.affected, 'site')} on {name} {_is(facts.affected)} failing since {since}"
        return _joined("; ", f"{failing}, {name} itself answers: {named_sites(facts, 3)}", _prospects(facts, now))
    if kind == "nameserver":
        server = f"Name server {name}" + (f" ({facts.place})" if facts.place else "")
        if facts.lame:
            return f"{server} is lame since {since}: {facts.why}"
        return f"{server} is down since {since}, {_seen_from(facts)}: {_other_name_servers(facts)}"
    if kind == "link":
        return (
            f"Nothing at all answers this bot since {since}: its own link may be gone, so nothing is called down. "
            f"It asked {facts.others} servers and name servers"
        )
    return f"{name} is down since {since}, {_seen_from(facts)}: {_affected(facts, now)}"


def _other_name_servers(facts: OutageFacts) -> str:
    if not facts.others:
        return "there is no other"
    if not facts.others_up:
        return "no other answers either"
    if facts.others_up < facts.others:
        return f"{facts.others_up} of the other {facts.others} answer"
    return f"the other {facts.others} answer" if facts.others > 1 else "the other one answers"


def _affected(facts: OutageFacts, now: datetime) -> str:
    moved = facts.at_first - facts.affected
    if not facts.affected:
        if not moved:
            return "no site is served from it"
        return f"its {count(moved, 'site is', 'sites are')} served from elsewhere now"
    elsewhere = f"{moved:,} served from elsewhere now" if moved else ""
    return _joined(", ", f"{count(facts.affected, 'site')} affected", elsewhere, _prospects(facts, now))


def _prospects(facts: OutageFacts, now: datetime) -> str:
    """Say what could be done for the affected sites: who is ready, how old the copies are, what has none."""
    said = []
    if facts.movable == facts.affected and len(facts.ready) == 1:
        said.append(f"{next(iter(facts.ready))} ready")
    else:
        said += [f"{server} ready for {number:,}" for server, number in facts.ready.items()]
    if facts.oldest_good_at is not None:
        age, copies = duration(now - facts.oldest_good_at), "copy" if facts.movable == 1 else "copies"
        if is_ahead(facts.oldest_good_at, now):
            said.append(f"{copies} of unknown age")
        else:
            said.append(f"copy {age} old" if facts.movable == 1 else f"copies up to {age} old")
    if facts.never_copied:
        said.append(f"{facts.never_copied:,} never copied")
    if facts.waiting:
        said.append(f"{count(facts.waiting, 'site')} with no mirror up")
    if facts.without_mirror:
        said.append(f"{count(facts.without_mirror, 'site has', 'sites have')} no mirror")
    return ", ".join(said)


def _joined(separator: str, *parts: str) -> str:
    return separator.join(filter(None, parts))


def _seen_from(facts: OutageFacts) -> str:
    return f"seen from {1 + len(facts.seen_from)} places" if facts.seen_from else "seen from one place only"


def _flapping_ended(subject: str, outage: Outage, timezone: str, now: datetime) -> tuple[str, Tone]:
    facts = outage.facts
    since = clock_time(facts.last_change_at or now, timezone, now)
    if facts.ending is OutageEnd.JOINED:
        steady = f"it has been {_now(outage)} since {since}: see the next message"
        return f"{subject} flapped ({_changes(facts)}); {steady}", Tone.BAD
    return f"{subject} flapped ({_changes(facts)}); nothing has changed since {since}", Tone.GOOD


def _changes(facts: OutageFacts) -> str:
    changes = count(facts.changes, "change")
    if facts.first_change_at is None or facts.last_change_at is None:
        return changes
    return f"{changes} in {duration(facts.last_change_at - facts.first_change_at)}"


def _is(number: int) -> str:
    return "is" if number == 1 else "are"


def _now(outage: Outage) -> str:
    if not outage.facts.down_now:
        return "up"
    return "degraded" if outage.target.kind == "degraded" else "down"


def _back(outage: Outage, lasted: str, timezone: str, now: datetime) -> str:
    """Say that it is back and since when; of sites, which."""
    facts, of_sites, alone = outage.facts, outage.target.kind == "sites", _is_one_site(outage)
    again = "answers again" if alone else "answer again"
    back = again if of_sites else "answers for all zones again" if facts.lame else "is back"
    if facts.unseen_from_at is not None and facts.unseen_until_at is not None:
        between = " and ".join(clock_time(at, timezone, now) for at in (facts.unseen_from_at, facts.unseen_until_at))
        said = f"{back}: that happened between {between}, while this bot did not watch"
    else:
        said = f"{back} after {lasted} ({span_of(outage, timezone, now)})"
    return f"{said}: {named_sites(facts, 3)}" if of_sites and facts.sites and not alone else said


def _is_one_site(outage: Outage) -> bool:
    """Return whether one site alone failed, all the time."""
    facts = outage.facts
    return outage.target.kind == "sites" and facts.affected == 1 and facts.at_first <= 1 and bool(facts.sites)

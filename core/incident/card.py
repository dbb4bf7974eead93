"""What the ops channel shows of outages: one card from the drop to the recovery; values only.

A card mostly shows one outage. Where many things died at once it shows all that followed the first few, so that a
thousand targets make three messages. The title carries the whole fact, because it is the push notification.
"""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from core.incident.card_degraded import degraded_title, flapping_title, several_degraded
from core.incident.card_ended import ended
from core.incident.card_people import ack_button, annotations_of_drops, cause_button, people_parts
from core.incident.notes import with_cause
from core.incident.targets import capital, named_sites, subject_of
from core.reply import Button, Reply, Row, Table, Text, Tone
from core.wording import ago, clock_time, count, duration, is_ahead, listing

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from core.incident.facts import OutageFacts
    from core.incident.outage import Outage

ROWS = 20
TYPED_SITES = 5
MOVE_BUTTONS = 2

LAME = (
    "Who asks it finds nothing there. Is the zone in its configuration, and did it transfer it? `dns ZONE` shows what "
    "each name server answers."
)
QUARANTINED = (
    "Nothing was overwritten. `failback {server}` compares its copies with the served ones and lets you choose; then "
    "it plans the failback."
)


def card_of(outages: Sequence[Outage], timezone: str, now: datetime) -> Reply:
    """Return what the card that these outages share shows; at least one of them."""
    # What flaps goes on in the message of an earlier drop.
    alone = len({outage.target for outage in outages}) == 1
    return _single(outages, timezone, now) if alone else _several(outages, timezone, now)


def _single(drops: Sequence[Outage], timezone: str, now: datetime) -> Reply:
    """Show one thing as its last drop is, with what was said of all of them."""
    outage, annotations = drops[-1], annotations_of_drops(drops)
    facts = outage.facts
    if outage.closed_at is not None:
        title, tone = ended(outage, timezone, now)
        title = with_cause(title, annotations)
    else:
        softer = facts.lame or outage.target.kind in {"link", "degraded"}
        title, tone = _title(outage, timezone, now), Tone.WARN if softer else Tone.BAD
    parts = [Text(text) for text in _details(outage, now) if text]
    if outage.closed_at is None:
        buttons = (*_move_buttons([outage]), *ack_button([outage]))
    else:
        buttons = _reconcile_button(outage) if facts.quarantined else ()
    people = people_parts([outage], annotations, timezone, now)
    return Reply(title, parts=(*parts, *people), buttons=(*buttons, *cause_button([outage])), tone=tone)


def _title(outage: Outage, timezone: str, now: datetime) -> str:
    facts, name, since = outage.facts, outage.target.name, clock_time(outage.opened_at, timezone, now)
    if facts.changes:
        return flapping_title(capital(subject_of(outage.target)), outage)
    if outage.target.kind == "degraded":
        return degraded_title(outage)
    if outage.target.kind == "sites":
        failing = f"{count(facts.affected, 'site')} on {name} {'is' if facts.affected == 1 else 'are'} failing"
        return _joined(
            f"{failing} since {since}, {name} itself answers: {named_sites(facts, 3)}", _prospects(facts, now)
        )
    if outage.target.kind == "nameserver":
        server = f"Name server {name}" + (f" ({facts.place})" if facts.place else "")
        if facts.lame:
            return f"{server} is lame since {since}: {facts.why}"
        return f"{server} is down since {since}, {_seen_from(facts)}{_other_name_servers(facts)}"
    if outage.target.kind == "link":
        return (
            f"Nothing at all answers this bot since {since}: its own link may be gone, so nothing is called down. "
            f"It asked {facts.others} servers and name servers"
        )
    return f"{name} is down since {since}, {_seen_from(facts)}: {_affected(facts, now)}"


def _other_name_servers(facts: OutageFacts) -> str:
    if facts.others and not facts.others_up:
        return ": no other answers either"
    if facts.others_up < facts.others:
        return f": {facts.others_up} of the other {facts.others} answer"
    if facts.others > 1:
        return f": the other {facts.others} answer"
    return ": the other one answers" if facts.others else ": there is no other"


def _affected(facts: OutageFacts, now: datetime) -> str:
    moved = facts.at_first - facts.affected
    if not facts.affected:
        if not moved:
            return "no site is served from it"
        return f"its {count(moved, 'site is', 'sites are')} served from elsewhere now"
    first = f"{count(facts.affected, 'site')} affected"
    if moved:
        first += f", {moved:,} served from elsewhere now"
    return _joined(first, _prospects(facts, now), separator=", ")


def _joined(first: str, rest: str, separator: str = "; ") -> str:
    return f"{first}{separator}{rest}" if rest else first


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


def _seen_from(facts: OutageFacts) -> str:
    places = 1 + len(facts.seen_from)
    return f"seen from {places} places" if places > 1 else "seen from one place only"


def _details(outage: Outage, now: datetime) -> list[str]:
    facts = outage.facts
    if outage.closed_at is not None:
        return [QUARANTINED.format(server=outage.target.name)] if facts.quarantined else []
    if outage.target.kind == "degraded":
        return [f"More: {named_sites(facts, 10)}."] if facts.affected > 1 else []
    if facts.lame:
        return [LAME]
    lines = [f"From here: {facts.why}." if facts.why else ""]
    if facts.seen_from:
        lines.append(f"{listing(facts.seen_from)} cannot reach it either.")
    if facts.affected > 1 and outage.target.kind != "sites":
        lines.append(f"Affected: {named_sites(facts, 10)}.")
    if facts.exceptions:
        lines.append(f"No server keeps a copy: {listing(facts.exceptions)}. `backup list` shows what is off-site.")
    if facts.oldest_good_at is not None:
        lines.append(f"The oldest copy that would serve was made {ago(facts.oldest_good_at, now)}.")
    return lines


def _state_of(outage: Outage) -> str:
    if outage.closed_at is not None:
        return "over"
    if outage.facts.lame:
        return "lame"
    return "degraded" if outage.target.kind == "degraded" else "down"


def _move_buttons(outages: Sequence[Outage]) -> list[Button]:
    movable = [outage for outage in outages if outage.closed_at is None and outage.facts.movable]
    alone = len(outages) == 1
    return [
        Button(
            "Prepare failover" if alone else f"Prepare failover of {outage.target.name}",
            _failover_line(outage),
            weight="primary",
        )
        for outage in movable[:MOVE_BUTTONS]
    ]


def _reconcile_button(outage: Outage) -> tuple[Button, ...]:
    return (Button("See what differs", f"failback {outage.target.name}", weight="primary"),)


def _failover_line(outage: Outage) -> str:
    facts = outage.facts
    movable = [site for site in facts.sites if site not in facts.exceptions]
    if outage.target.kind == "sites" and facts.affected <= len(facts.sites) and len(movable) <= TYPED_SITES:
        return shlex.join(["failover", *movable])
    return shlex.join(["failover", outage.target.name])


def _several(outages: Sequence[Outage], timezone: str, now: datetime) -> Reply:
    still = [outage for outage in outages if outage.closed_at is None]
    number = len(outages)
    down = "down or lame" if any(outage.facts.lame for outage in outages) else "down"
    if still:
        since = clock_time(min(outage.opened_at for outage in outages), timezone, now)
        names = listing([subject_of(outage.target) for outage in still], 6)
        how_many = f"{number:,} things are" if len(still) == number else f"{len(still):,} of {number:,} are"
        affected = sum(outage.facts.affected for outage in still)
        movable = sum(outage.facts.movable for outage in still)
        rest = f"; {count(affected, 'site')} affected, for {movable:,} another server is ready" if affected else ""
        title, tone = f"{how_many} {down}, the first since {since}: {names}{rest}", Tone.BAD
    else:
        longest = max(outage.lasted(now) for outage in outages)
        title = f"All {number:,} things that were {down} are over; the longest took {duration(longest)}"
        tone = Tone.GOOD
    if all(outage.target.kind == "degraded" for outage in outages):
        title, tone = several_degraded(outages, still, now)
    ordered = [*still, *(outage for outage in outages if outage.closed_at is not None)]
    rows = tuple(
        Row(
            (
                subject_of(outage.target),
                _state_of(outage),
                duration(outage.lasted(now))
                if outage.closed_at is not None
                else "since " + clock_time(outage.opened_at, timezone, now),
                outage.facts.why if outage.closed_at is None else "",
            ),
            Tone.BAD if outage.closed_at is None else Tone.GOOD,
        )
        for outage in ordered[:ROWS]
    )
    table = Table(("what", "state", "how long", "from here"), rows, left_out=max(0, number - ROWS))
    moves = _move_buttons(still)
    people = people_parts(outages, [it for outage in outages for it in outage.annotations], timezone, now)
    buttons = (*moves, *ack_button(still), *cause_button(outages))
    return Reply(title, parts=(table, *people), buttons=buttons, tone=tone)

"""What the ops channel shows of outages: one card from the drop to the recovery; values only.

A card mostly shows one outage. Where many things died at once it shows all that followed the first few, so that a
thousand targets make three messages. The title carries the whole fact, because it is the push notification.
"""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from core.incident.card_title import ended_title, open_title, shared_title
from core.incident.notes import annotation_parts, cause_hint, label_of, with_cause
from core.incident.outage import annotations_of_drops
from core.incident.targets import named_sites, subject_of
from core.reply import Button, Part, Reply, Row, Text, Tone, first_rows
from core.wording import ago, clock_time, duration, listing

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from core.incident.notes import Annotation
    from core.incident.outage import Outage

ROWS = 20
TYPED_SITES = 5
MOVE_BUTTONS = 2

WHY = "Cause (public, shown on the status pages)"
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


def reminder(outages: Sequence[Outage], now: datetime) -> Reply:
    """Return the reminder of outages that share a card and that nobody has acknowledged; at least one.

    Its title is the line for the card's thread.
    """
    longest = duration(max(outage.lasted(now) for outage in outages))
    names, ack = listing([subject_of(outage.target) for outage in outages]), f"ack {outages[0].id}"
    # What flaps may well be up at the moment.
    still = "flapping" if all(outage.facts.changes for outage in outages) else "open"
    after = longest if len(outages) == 1 else f"up to {longest}"
    title = f"{names}: still {still} after {after}, not acknowledged. Acknowledge: `{ack}`"
    return Reply(title, buttons=(Button("Acknowledge", ack),), tone=Tone.BAD)


def _single(drops: Sequence[Outage], timezone: str, now: datetime) -> Reply:
    """Show one thing as its last drop is, with what was said of all of them."""
    outage, annotations = drops[-1], annotations_of_drops(drops)
    buttons: tuple[Button, ...] = ()
    if outage.closed_at is None:
        title, tone = open_title(outage, timezone, now)
        buttons = (*_move_buttons([outage]), *_ack_button([outage]))
    else:
        title, tone = ended_title(outage, timezone, now)
        title = with_cause(title, annotations)
        if outage.facts.quarantined:
            buttons = (Button("See what differs", f"failback {outage.target.name}", weight="primary"),)
    parts = [Text(text) for text in _details(outage, now) if text]
    people = _people_parts([outage], annotations, timezone, now)
    return Reply(title, parts=(*parts, *people), buttons=(*buttons, *_cause_button([outage])), tone=tone)


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


def _failover_line(outage: Outage) -> str:
    facts = outage.facts
    movable = [site for site in facts.sites if site not in facts.exceptions]
    if outage.target.kind == "sites" and facts.affected <= len(facts.sites) and len(movable) <= TYPED_SITES:
        return shlex.join(["failover", *movable])
    return shlex.join(["failover", outage.target.name])


def _several(outages: Sequence[Outage], timezone: str, now: datetime) -> Reply:
    still = [outage for outage in outages if outage.closed_at is None]
    title, tone = shared_title(outages, still, timezone, now)
    ordered = [*still, *(outage for outage in outages if outage.closed_at is not None)]
    columns = ("what", "state", "how long", "from here")
    table = first_rows(columns, ordered, lambda outage: _row(outage, timezone, now), ROWS)
    people = _people_parts(outages, [it for outage in outages for it in outage.annotations], timezone, now)
    buttons = (*_move_buttons(still), *_ack_button(still), *_cause_button(outages))
    return Reply(title, parts=(table, *people), buttons=buttons, tone=tone)


def _row(outage: Outage, timezone: str, now: datetime) -> Row:
    what, state = subject_of(outage.target), _state_of(outage)
    if outage.closed_at is not None:
        return Row((what, state, duration(outage.lasted(now)), ""), Tone.GOOD)
    return Row((what, state, f"since {clock_time(outage.opened_at, timezone, now)}", outage.facts.why), Tone.BAD)


def _people_parts(
    outages: Sequence[Outage], annotations: Sequence[Annotation], timezone: str, now: datetime
) -> list[Part]:
    """Say who acknowledged the outages and what was said; once somebody has, how to say why."""
    parts: list[Part] = []
    acked = next((one for one in outages if one.acked_at is not None), None)
    if acked is not None and acked.acked_at is not None:
        parts.append(Text(f"Acknowledged by {acked.acked_by}, {clock_time(acked.acked_at, timezone, now)}."))
    parts += annotation_parts(annotations, timezone, now)
    asked = _without_cause(outages)
    return [*parts, cause_hint(label_of("outage", asked[0].id))] if asked else parts


def _cause_button(outages: Sequence[Outage]) -> list[Button]:
    return [Button("Add cause", f"cause {outage.id}", asks=WHY) for outage in _without_cause(outages)[:1]]


def _ack_button(outages: Sequence[Outage]) -> list[Button]:
    waiting = [outage for outage in outages if outage.acked_by is None]
    return [Button("Acknowledge", f"ack {waiting[0].id}")] if waiting else []


def _without_cause(outages: Sequence[Outage]) -> list[Outage]:
    return [outage for outage in outages if outage.acked_by is not None and outage.cause is None]

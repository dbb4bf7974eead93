"""What the Home tab shows: the fleet at a glance on a phone, what waits for a person first; values only.

The first reply is the whole. Each that follows it is one thing, the most pressing first, with its own buttons.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from core.monitor.detection import TargetState
from core.monitor.state import Condition, worst_first
from core.plan.plan import PlanState
from core.plan.verdict import Level
from core.reply import Button, Part, Reply, Row, Table, Text, Tone, first_rows
from core.status.overview import ROWS, ages_texts, condition_row, sites_parts, title_of_fleet
from core.wording import clock_time, count, duration, listing

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from core.plan.plan import Plan
    from core.status.overview import FleetPicture

# What does not fit is counted; the ops channel has all of it.
MOST_CARDS = 8
MOST_WARNINGS = 4
FULL = Button("Full status", "status")
# Every tab is written anew well within this while a bot runs.
STALE_AFTER = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Pending:
    """A plan that waits for approval, and what its card shows: its title and its buttons."""

    plan: Plan
    card: Reply
    approved_by: tuple[str, ...] = ()


def home_of(
    picture: FleetPicture, pending: Sequence[Pending] = (), cards: Sequence[Reply] = (), *, watched: bool = True
) -> tuple[Reply, ...]:
    """Return what the Home tab shows. `cards`: outages and planned work, as their cards in the ops channel show them.

    Ages are counted to the last full minute, so that a fleet in which nothing happens shows the same for a minute.
    """
    whole = _whole(picture, watched=watched)
    waiting = [_decision(one, picture) for one in pending if one.plan.expires_at > picture.now]
    picture = replace(picture, now=picture.now.replace(second=0, microsecond=0))
    pressing = [*waiting, *(replace(card, parts=_texts(card)) for card in cards)]
    left_out = len(pressing) - MOST_CARDS
    shown = pressing[:MOST_CARDS]
    if left_out > 0:
        shown.append(Reply(f"{left_out:,} more in the ops channel", tone=Tone.WARN))
    return (whole, *shown, *_going_on(picture), *_fleet(picture))


def _whole(picture: FleetPicture, *, watched: bool) -> Reply:
    title, tone = title_of_fleet(picture)
    if not watched:
        return Reply(title, (Text("Nothing was looked at lately: what stands here may be over."),), tone=Tone.UNKNOWN)
    return Reply(title, tone=tone)


def _decision(one: Pending, picture: FleetPicture) -> Reply:
    """Return a plan with its buttons; what is in its way stands beside them."""
    zone, now = picture.fleet.timezone, picture.now
    until = clock_time(one.plan.expires_at, zone, now)
    said = f"Plan {one.plan.id} waits for approval until {until}. Asked by {one.plan.asked_by}."
    said += f" Approved so far: {listing(one.approved_by)}." if one.approved_by else ""
    parts: list[Part] = [Text(said)]
    if one.plan.force is not None:
        parts.append(Text(f"Forced by {one.plan.asked_by}: {one.plan.force}", Tone.WARN))
    warnings = [verdict.text for verdict in one.plan.verdicts if verdict.level != Level.PASS]
    parts += [Text(f"{text}.", Tone.WARN) for text in warnings[:MOST_WARNINGS]]
    if len(warnings) > MOST_WARNINGS:
        parts.append(Text(f"{len(warnings) - MOST_WARNINGS:,} more on its card.", Tone.WARN))
    return Reply(one.card.title, tuple(parts), one.card.buttons, Tone.WARN)


def _texts(card: Reply) -> tuple[Part, ...]:
    """Return what a card says in one breath; its tables stay in the ops channel."""
    return tuple(part for part in card.parts if isinstance(part, Text))


def _going_on(picture: FleetPicture) -> list[Reply]:
    work, found = picture.work, []
    moving = [(plan_id, state, title) for plan_id, state, title in work.plans if state != PlanState.PLANNED]
    parts: list[Part] = [Text(f"Plan {plan_id} ({state}): {title}", Tone.BUSY) for plan_id, state, title in moving]
    if work.syncs:
        running = count(len(work.syncs), "sync runs", "syncs run")
        parts.append(Text(f"{running}: {listing(work.syncs)}.", Tone.BUSY))
    if parts:
        found.append(Reply("In progress", tuple(parts[:ROWS])))
    found += [
        Reply(
            f"{count(number, 'copy', 'copies')} on {server} in quarantine until someone has chosen",
            buttons=(Button("See what differs", f"failback {server}"),),
            tone=Tone.WARN,
        )
        for server, number in list(work.quarantined.items())[:MOST_CARDS]
    ]
    return found


def _fleet(picture: FleetPicture) -> list[Reply]:
    zone, now, served = picture.fleet.timezone, picture.now, picture.served
    servers = first_rows(
        ("server", "state", "since", "serves"),
        _worst(picture.servers),
        lambda item: condition_row(*item, zone, now, count(served.get(item[0], 0), "site")),
        ROWS,
    )
    return [
        Reply("Servers", (servers,)),
        Reply("Sites", tuple(sites_parts(picture))),
        Reply("Name servers", (_nameservers(picture),)),
        Reply("Copies", tuple(ages_texts(picture)), (FULL,)),
    ]


def _nameservers(picture: FleetPicture) -> Part:
    known = picture.nameservers
    troubled = [(name, one) for name, one in _worst(known) if one.state is not TargetState.UP]
    if not troubled:
        return Text(f"{len(known):,} of {len(known):,} in step.", Tone.GOOD)
    rows = tuple(condition_row(name, one, picture.fleet.timezone, picture.now) for name, one in troubled[:ROWS])
    rest = len(known) - len(troubled)
    rows += (Row((count(rest, "other"), "in step"), Tone.GOOD),) if rest else ()
    return Table(("name server", "state", "since"), rows, left_out=max(0, len(troubled) - ROWS))


def _worst(known: Mapping[str, Condition]) -> list[tuple[str, Condition]]:
    return sorted(known.items(), key=lambda item: worst_first(item[1].state, item[0]))


def as_of(now: datetime, timezone: str) -> str:
    """Say when this was written, and what it means when that is long ago."""
    return (
        f"As of {clock_time(now, timezone)}. Where that is more than {duration(STALE_AFTER)} ago, open this tab again."
    )

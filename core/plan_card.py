"""A plan as people see it, from the question to the measured end: one card that turns as things go on."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from core.plan import State, plan_to_json
from core.plan_parts import View, records_table, said_text, standings_table, times_text, trouble_texts
from core.preflight import Level
from core.reply import Button, Confirm, Heading, Part, Reply, Row, Table, Text, Tone, Typed
from core.words import clock_time, count, duration, listing

if TYPE_CHECKING:
    from collections.abc import Mapping

    from core.fleet import Fleet
    from core.plan import Plan

MOST_ZONES = 12
SHOWN_DIGEST = 16
_EXIT = {State.BLOCKED: 3, State.PARTIAL: 1, State.STALE: 3, State.CANCELLED: 3, State.EXPIRED: 3, State.UNFINISHED: 5}


def card_of(view: View, fleet: Fleet) -> Reply:
    """Return the card of a plan in any state, without facts: a card is shown, and kept, again and again."""
    title, tone = _title(view, fleet)
    parts, buttons = _SHOWS[view.state](view, fleet)
    return Reply(
        title=title,
        parts=parts,
        buttons=buttons,
        tone=tone,
        exit_code=_EXIT.get(view.state, 0),
        card=f"plan:{view.plan.id}",
    )


def reply_of(view: View, fleet: Fleet) -> Reply:
    """Return the card of a plan together with its facts, as a command answers it."""
    return replace(card_of(view, fleet), facts=facts_of(view))


def facts_of(view: View) -> Mapping[str, object]:
    """Return a plan and where it is as plain JSON values."""
    plain = plan_to_json(view.plan)
    return {
        **plain,
        "state": view.state.value,
        "digest": view.plan.digest,
        "title": view.plan.title,
        "may_be_approved": view.plan.may_be_approved,
        "approved_by": list(view.given),
        "why": list(view.why),
        "trouble": dict(view.progress.trouble),
        "nameservers": [
            {"name": s.name, "agrees": s.agrees, "serial": s.serial, "seconds": s.seconds, "why": s.why}
            for s in view.progress.standings
        ],
    }


def _title(view: View, fleet: Fleet) -> tuple[str, Tone]:
    plan, progress = view.plan, view.progress
    way = f"from {_places(fleet, plan.sources)} to {_places(fleet, plan.targets)}"
    what, moved = f"{_sites(plan)} {way}", f"{_sites(plan)} moved {way}"
    servers = len(fleet.dns.nameservers)
    in_step = f"{progress.in_step} of {count(servers, 'name server')} in step"
    records = sum(len(zone.changes) for zone in plan.zones)
    verb = "Roll back" if plan.kind == "rollback" else "Move"
    match view.state:
        case State.BLOCKED:
            stays = f"{_sites(plan)} {'stays' if len(plan.moves) == 1 else 'stay'} on {listing(plan.sources)}"
            return f"Cannot go ahead, {stays}: {_first_block(plan)}", Tone.BAD
        case State.PLANNED:
            until = clock_time(plan.expires_at, fleet.timezone, plan.asked_at)
            zones = count(len(plan.zones), "zone")
            warned = f", {count(len(plan.warnings), 'warning')}" if plan.warnings else ""
            title = f"{verb} {what}? {count(records, 'record')} in {zones}{warned}. Plan {plan.id}, until {until}"
            return title, Tone.WARN if plan.warnings or plan.blocks else Tone.PLAIN
        case State.APPROVED:
            return f"Moving {what}: {in_step}", Tone.BUSY
        case State.CONFIRMED:
            took = duration(progress.in_step_at - view.approved_at) if progress.in_step_at and view.approved_at else ""
            return f"Done: {moved}. All {count(servers, 'name server')} agree, {took} after approval", Tone.GOOD
        case State.UNFINISHED:
            late = listing([standing.name for standing in progress.standings if not standing.agrees])
            return f"Unfinished: {moved}, but only {in_step}; not yet: {late}", Tone.WARN
        case State.PARTIAL:
            made = len(progress.zones)
            return f"Done in part: {made} of {count(len(plan.zones), 'zone')} changed, moving {what}", Tone.BAD
        case State.STALE if progress.trouble:
            return f"Nothing changed: the {plan.title} could not be carried out", Tone.BAD
        case State.STALE:
            return f"Nothing changed: plan {plan.id} ({plan.title}) no longer fits", Tone.WARN
        case State.ROLLED_BACK:
            return f"Rolled back: {plan.title}", Tone.PLAIN
        case _:
            return f"{view.state.value.capitalize()}: {plan.title}. Nothing changed", Tone.PLAIN


def _planned(view: View, fleet: Fleet) -> tuple[tuple[Part, ...], tuple[Button, ...]]:
    plan = view.plan
    parts: list[Part] = []
    troubles = [verdict for verdict in plan.verdicts if verdict.level != Level.PASS]
    if troubles:
        rows = tuple(
            Row(
                (verdict.level.value, verdict.text, verdict.hint),
                Tone.BAD if verdict.level == Level.BLOCK else Tone.WARN,
            )
            for verdict in sorted(troubles, key=lambda verdict: verdict.level != Level.BLOCK)
        )
        parts.append(Table(("", "check", "what helps"), rows))
    if plan.force is not None:
        parts.append(Text(f"Forced by {plan.asked_by}: {plan.force}", Tone.WARN))
    parts += [Heading("What changes"), records_table(plan)]
    if plan.left_alone:
        stay = listing([f"{site} ({why})" for site, why in plan.left_alone])
        parts.append(Text(f"{count(len(plan.left_alone), 'site')} left alone: {stay}."))
    passed = [verdict.text for verdict in plan.verdicts if verdict.level == Level.PASS]
    if passed:
        parts.append(Text(f"{count(len(passed), 'check')} passed: {'; '.join(passed)}.", Tone.GOOD))
    asked = f"Asked by {plan.asked_by} at {clock_time(plan.asked_at, fleet.timezone, plan.asked_at)}."
    needed = fleet.approval.needed
    if needed > 1:
        asked += f" Needs {count(needed, 'approval')} by different people"
        asked += f"; approved so far: {listing(view.given)}." if view.given else "."
    parts.append(Text(asked))
    cancel = Button("Cancel", f"cancel {plan.id}")
    if view.state == State.BLOCKED:
        return tuple(parts), (Button("Check again", plan.line),) if plan.line else ()
    parts.append(Typed(f"sharpnet approve {plan.id}"))
    return tuple(parts), (_approve(plan, fleet), cancel)


def _approve(plan: Plan, fleet: Fleet) -> Button:
    servers = count(len(fleet.dns.nameservers), "name server")
    text = f"DNS of {count(len(plan.zones), 'zone')} changes on {servers}; visitors go to {listing(plan.targets)} "
    text += f"within {duration(timedelta(seconds=plan.longest_ttl_s))}."
    if plan.warnings:
        text += f" You accept {count(len(plan.warnings), 'warning')}: {plan.warnings[0].text}"
        text += f" and {len(plan.warnings) - 1} more." if len(plan.warnings) > 1 else "."
    confirm = Confirm(f"{plan.kind.capitalize()} {_sites(plan)}?", text, yes=f"Yes, {_verb(plan)}")
    return Button("Approve", f"approve {plan.id} --digest {plan.digest[:SHOWN_DIGEST]}", "danger", confirm)


def _moving(view: View, fleet: Fleet) -> tuple[tuple[Part, ...], tuple[Button, ...]]:
    doing = Text(f"{view.progress.doing}.", Tone.BUSY) if view.progress.doing else Text("Starting.", Tone.BUSY)
    return (doing, standings_table(view, fleet), *trouble_texts(view), said_text(view, fleet)), ()


def _confirmed(view: View, fleet: Fleet) -> tuple[tuple[Part, ...], tuple[Button, ...]]:
    return (
        standings_table(view, fleet),
        *trouble_texts(view),
        *times_text(view, fleet),
        said_text(view, fleet),
    ), _way_back(view)


def _unfinished(view: View, fleet: Fleet) -> tuple[tuple[Part, ...], tuple[Button, ...]]:
    asked = Text("The change is made. Who does not agree yet is asked again until it does; you need do nothing.")
    return (asked, standings_table(view, fleet), *times_text(view, fleet), said_text(view, fleet)), _way_back(view)


def _partial(view: View, fleet: Fleet) -> tuple[tuple[Part, ...], tuple[Button, ...]]:
    plan, made = view.plan, view.progress.zones
    rows = tuple(
        Row((zone.zone, "changed" if zone.key in made else view.progress.trouble.get(zone.key, "not changed")), tone)
        for zone in plan.zones
        for tone in (Tone.GOOD if zone.key in made else Tone.BAD,)
    )
    zones = Table(("zone", "what happened"), rows[:MOST_ZONES], left_out=max(0, len(rows) - MOST_ZONES))
    go_on = (Button("Plan the rest", plan.line),) if plan.line and plan.kind == "failover" else ()
    ways = Text("Two ways on: plan the rest again, or roll back what was changed.")
    parts = (ways, zones, standings_table(view, fleet), *times_text(view, fleet), said_text(view, fleet))
    return parts, (*go_on, *_way_back(view))


def _over(view: View, fleet: Fleet) -> tuple[tuple[Part, ...], tuple[Button, ...]]:
    tone = Tone.WARN if view.state == State.STALE else Tone.PLAIN
    parts: list[Part] = [Text(line, tone) for line in view.why]
    if view.by:
        at = f" at {clock_time(view.ended_at, fleet.timezone, view.plan.asked_at)}" if view.ended_at else ""
        parts.append(Text(f"By {view.by}{at}."))
    parts += trouble_texts(view)
    again = Button("Prepare again", view.plan.line)
    wanted = view.state in {State.STALE, State.EXPIRED} and view.plan.line
    return tuple(parts), (again,) if wanted else ()


_SHOWS = {
    State.PLANNED: _planned,
    State.BLOCKED: _planned,
    State.APPROVED: _moving,
    State.CONFIRMED: _confirmed,
    State.UNFINISHED: _unfinished,
    State.PARTIAL: _partial,
    State.STALE: _over,
    State.CANCELLED: _over,
    State.EXPIRED: _over,
    State.ROLLED_BACK: _over,
}


def _way_back(view: View) -> tuple[Button, ...]:
    if view.plan.kind == "rollback":
        return ()
    return (Button("Roll back", f"rollback {view.plan.id}"),)


def _first_block(plan: Plan) -> str:
    first = plan.blocks[0].text if plan.blocks else "no record would change"
    more = f", and {len(plan.blocks) - 1} more" if len(plan.blocks) > 1 else ""
    return f"{first}{more}"


def _sites(plan: Plan) -> str:
    return plan.moves[0].site if len(plan.moves) == 1 else count(len(plan.moves), "site")


def _verb(plan: Plan) -> str:
    return "roll back" if plan.kind == "rollback" else "move them" if len(plan.moves) > 1 else "move it"


def _places(fleet: Fleet, servers: tuple[str, ...]) -> str:
    places = [f"{name} ({fleet.servers[name].location})" if name in fleet.servers else name for name in servers]
    return listing(places)

"""A plan as people see it, from the question to the measured end: one card that turns as things go on."""

from __future__ import annotations

import shlex
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from core.cutover.card_parts import (
    View,
    caught_texts,
    hooks_table,
    name_servers_table,
    records_table,
    said_text,
    times_text,
    trouble_texts,
    until_text,
    waves_table,
)
from core.cutover.card_restore import restore_card
from core.cutover.card_title import sites_in_words, title_of, with_trouble
from core.plan.plan import PlanState, plan_to_json
from core.plan.verdict import Level
from core.reply import Button, Confirm, Heading, Part, Reply, Row, Table, Text, Tone, Typed
from core.wording import clock_time, count, duration, listing

if TYPE_CHECKING:
    from collections.abc import Mapping

    from core.fleet import Fleet
    from core.plan.plan import Plan

MOST_ZONES = 12
SHOWN_DIGEST = 16
# Slack lets a button hold 2,000 characters.
MOST_LINE = 1500
_EXIT = {
    PlanState.BLOCKED: 3,
    PlanState.PARTIAL: 1,
    PlanState.STALE: 3,
    PlanState.CANCELLED: 3,
    PlanState.EXPIRED: 3,
    PlanState.UNFINISHED: 5,
}


def card_of(view: View, fleet: Fleet) -> Reply:
    """Return the card of a plan in any state, without facts: a card is shown, and kept, again and again."""
    if view.plan.restore is not None:
        return restore_card(view, view.plan.restore, fleet)
    title, tone = title_of(view, fleet)
    parts, buttons = _SHOWS[view.state](view, fleet)
    return Reply(
        title=title,
        parts=parts,
        buttons=buttons,
        tone=tone,
        exit_code=1 if with_trouble(view) else _EXIT.get(view.state, 0),
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
            for s in view.progress.nameservers
        ],
    }


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
    if plan.wave_size:
        parts += [Heading("In waves, each when the one before is right"), waves_table(view)]
    if plan.hooks:
        parts += [Heading("What runs"), hooks_table(plan)]
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
    if view.state == PlanState.BLOCKED:
        return tuple(parts), (Button("Check again", plan.line),) if plan.line else ()
    parts.append(Typed(f"sharpnet approve {plan.id}"))
    return tuple(parts), (_approve(plan, fleet), cancel)


def _approve(plan: Plan, fleet: Fleet) -> Button:
    servers = count(len(fleet.dns.nameservers), "name server")
    text = f"DNS of {count(len(plan.zones), 'zone')} changes on {servers}; visitors go to {listing(plan.targets)} "
    text += f"within {duration(timedelta(seconds=plan.longest_ttl_s))}."
    text += f" In {count(plan.waves, 'wave')}." if plan.wave_size else ""
    text += f" {count(len(plan.hooks), 'hook')} run, as listed." if plan.hooks else ""
    if plan.warnings:
        text += f" You accept {count(len(plan.warnings), 'warning')}: {plan.warnings[0].text}"
        text += f" and {len(plan.warnings) - 1} more." if len(plan.warnings) > 1 else "."
    confirm = Confirm(f"{plan.kind.capitalize()} {sites_in_words(plan)}?", text, yes=f"Yes, {_verb(plan)}")
    return Button("Approve", f"approve {plan.id} --digest {plan.digest[:SHOWN_DIGEST]}", "danger", confirm)


def _moving(view: View, fleet: Fleet) -> tuple[tuple[Part, ...], tuple[Button, ...]]:
    doing = Text(f"{view.progress.doing}.", Tone.BUSY) if view.progress.doing else Text("Starting.", Tone.BUSY)
    return (doing, *_waves(view), name_servers_table(view, fleet), *trouble_texts(view), said_text(view, fleet)), ()


def _waves(view: View) -> tuple[Part, ...]:
    return (waves_table(view),) if view.plan.wave_size else ()


def _confirmed(view: View, fleet: Fleet) -> tuple[tuple[Part, ...], tuple[Button, ...]]:
    return (
        *_waves(view),
        name_servers_table(view, fleet),
        *trouble_texts(view),
        *caught_texts(view),
        *times_text(view, fleet),
        *until_text(view, fleet),
        said_text(view, fleet),
    ), _way_back(view)


def _unfinished(view: View, fleet: Fleet) -> tuple[tuple[Part, ...], tuple[Button, ...]]:
    asked = Text("The change is made. Who does not agree yet is asked again until it does; you need do nothing.")
    parts, buttons = _confirmed(view, fleet)
    return (asked, *parts), buttons


def _partial(view: View, fleet: Fleet) -> tuple[tuple[Part, ...], tuple[Button, ...]]:
    plan, made = view.plan, view.progress.zones
    rows = tuple(
        Row((zone.zone, "changed" if zone.key in made else view.progress.trouble.get(zone.key, "not changed")), tone)
        for zone in plan.zones
        for tone in (Tone.GOOD if zone.key in made else Tone.BAD,)
    )
    zones = Table(("zone", "what happened"), rows[:MOST_ZONES], left_out=max(0, len(rows) - MOST_ZONES))
    line = _rest_line(view, fleet)
    go_on = (Button("Plan the rest", line),) if line else ()
    parts = (
        Text("Two ways on: plan the rest again, or roll back what was changed."),
        *(_waves(view) or (zones,)),
        *trouble_texts(view, zones=bool(plan.wave_size)),
        *((name_servers_table(view, fleet),) if view.progress.nameservers else ()),
        *caught_texts(view),
        *times_text(view, fleet),
        *until_text(view, fleet),
        said_text(view, fleet),
    )
    return parts, (*go_on, *_way_back(view))


def _rest_line(view: View, fleet: Fleet) -> str:
    """Return the line that asks for what has not moved; asked for by name again, what has moved would go back."""
    plan, made = view.plan, view.progress.zones
    if not plan.line or plan.kind != "failover":
        return ""
    words = shlex.split(plan.line)
    if not {*words} & {*plan.sites}:
        return plan.line
    owners = {change.owner for zone in plan.zones if zone.key not in made for change in zone.changes}
    rest = {site for site in plan.sites if site not in fleet.sites or owners & {*fleet.sites[site].names}}
    gone = {*plan.sites} - rest
    line = shlex.join(word for word in words if word not in gone)
    return line if rest and len(line) <= MOST_LINE else ""


def _over(view: View, fleet: Fleet) -> tuple[tuple[Part, ...], tuple[Button, ...]]:
    tone = Tone.WARN if view.state == PlanState.STALE else Tone.PLAIN
    parts: list[Part] = [Text(line, tone) for line in view.why]
    if view.by:
        at = f" at {clock_time(view.ended_at, fleet.timezone, view.plan.asked_at)}" if view.ended_at else ""
        parts.append(Text(f"By {view.by}{at}."))
    parts += trouble_texts(view)
    again = Button("Prepare again", view.plan.line)
    wanted = view.state in {PlanState.STALE, PlanState.EXPIRED} and view.plan.line
    return tuple(parts), (again,) if wanted else ()


_SHOWS = {
    PlanState.PLANNED: _planned,
    PlanState.BLOCKED: _planned,
    PlanState.APPROVED: _moving,
    PlanState.CONFIRMED: _confirmed,
    PlanState.UNFINISHED: _unfinished,
    PlanState.PARTIAL: _partial,
    PlanState.STALE: _over,
    PlanState.CANCELLED: _over,
    PlanState.EXPIRED: _over,
    PlanState.ROLLED_BACK: _over,
}


def _way_back(view: View) -> tuple[Button, ...]:
    if view.plan.kind == "rollback":
        return ()
    return (Button("Roll back", f"rollback {view.plan.id}"),)


def _verb(plan: Plan) -> str:
    return "roll back" if plan.kind == "rollback" else "move them" if len(plan.moves) > 1 else "move it"

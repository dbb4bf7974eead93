"""A plan as people see it, from the question to the measured end: one card that turns as things go on."""

from __future__ import annotations

import shlex
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, assert_never

from core.cutover.card_parts import (
    EXIT_CODES,
    approve_button,
    asked_text,
    cancel_button,
    caught_texts,
    ended_early_texts,
    hooks_table,
    lost_texts,
    moved_on_texts,
    name_servers_table,
    records_table,
    said_text,
    times_text,
    trouble_texts,
    until_text,
    verdicts_parts,
    waves_table,
)
from core.cutover.card_restore import restore_card
from core.cutover.card_title import sites_in_words, title_of, with_trouble
from core.plan.plan import Failover, PlanState, Rollback, plan_to_json
from core.plan.restore import Restore
from core.plan.verdict import Level
from core.reply import Button, Confirm, Heading, Part, Reply, Row, Text, Tone, Typed, first_rows
from core.wording import clock_time, count, duration, listing

if TYPE_CHECKING:
    from collections.abc import Mapping

    from core.fleet import Fleet
    from core.plan.plan import Plan, ZoneChange
    from core.plan.stored import StoredPlan

MOST_ZONES = 12
# Slack lets a button hold 2,000 characters.
MOST_LINE = 1500


def card_of(stored: StoredPlan, fleet: Fleet, *, why: tuple[str, ...] = (), by: str = "") -> Reply:
    """Return the card of a plan in any state, without facts: a card is shown, and kept, again and again.

    why, by: why it ended early, and who ended it.
    """
    if isinstance(stored.plan.purpose, Restore):
        return restore_card(stored, stored.plan.purpose, fleet, why)
    title, tone = title_of(stored, fleet)
    match stored.state:
        case PlanState.PLANNED | PlanState.BLOCKED:
            parts, buttons = _planned(stored, fleet)
        case PlanState.APPROVED:
            cancelled = bool(stored.progress.cancelled_by)
            parts, buttons = _moving(stored, fleet), () if cancelled else (cancel_button(stored.plan),)
        case PlanState.CONFIRMED | PlanState.UNFINISHED:
            parts, buttons = _made(stored, fleet), _way_back(stored)
        case PlanState.OVERTAKEN:
            parts, buttons = _made(stored, fleet), ()
        case PlanState.PARTIAL:
            parts, buttons = _partial(stored, fleet)
        case PlanState.STALE | PlanState.CANCELLED | PlanState.EXPIRED | PlanState.ROLLED_BACK | PlanState.LOST:
            parts, buttons = _over(stored, fleet, why, by)
        case _:
            assert_never(stored.state)
    return Reply(
        title=title,
        parts=parts,
        buttons=buttons,
        tone=tone,
        exit_code=1 if with_trouble(stored) else EXIT_CODES.get(stored.state, 0),
        card=stored.card,
    )


def reply_of(stored: StoredPlan, fleet: Fleet, *, why: tuple[str, ...] = (), by: str = "") -> Reply:
    """Return the card of a plan together with its facts, as a command answers it."""
    return replace(card_of(stored, fleet, why=why, by=by), facts=_facts_of(stored, why))


def _facts_of(stored: StoredPlan, why: tuple[str, ...]) -> Mapping[str, object]:
    return plan_to_json(stored.plan) | {
        "state": stored.state.value,
        "digest": stored.plan.digest,
        "title": stored.title,
        "may_be_approved": stored.plan.may_be_approved,
        "approved_by": list(stored.approved_by),
        "why": list(why),
        "trouble": dict(stored.progress.trouble),
        "nameservers": [
            {"name": s.name, "agrees": s.agrees, "serial": s.serial, "seconds": s.seconds, "why": s.why}
            for s in stored.progress.nameservers
        ],
    }


def _planned(stored: StoredPlan, fleet: Fleet) -> tuple[tuple[Part, ...], tuple[Button, ...]]:
    plan = stored.plan
    parts = verdicts_parts(plan.verdicts)
    if plan.force is not None:
        parts.append(Text(f"Forced by {plan.asked_by}: {plan.force}", Tone.WARN))
    parts += [Heading("What changes"), records_table(plan)]
    if plan.wave_size:
        parts += [Heading("In waves, each when the one before is right"), waves_table(stored)]
    if plan.hooks:
        parts += [Heading("What runs"), hooks_table(plan)]
    if plan.left_alone:
        stay = listing([f"{site} ({why})" for site, why in plan.left_alone])
        parts.append(Text(f"{count(len(plan.left_alone), 'site')} left alone: {stay}."))
    passed = [verdict.text for verdict in plan.verdicts if verdict.level == Level.PASS]
    if passed:
        parts.append(Text(f"{count(len(passed), 'check')} passed: {'; '.join(passed)}.", Tone.GOOD))
    parts.append(asked_text(stored, fleet))
    cancel = Button("Cancel", f"cancel {plan.id}")
    if stored.state == PlanState.BLOCKED:
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
    confirm = Confirm(f"{plan.purpose.kind.capitalize()} {sites_in_words(plan)}?", text, yes=f"Yes, {_verb(plan)}")
    return approve_button(plan, confirm)


def _moving(stored: StoredPlan, fleet: Fleet) -> tuple[Part, ...]:
    step = Text(f"{stored.progress.doing or 'Starting'}.", Tone.BUSY)
    table = name_servers_table(stored, fleet)
    return (
        step,
        *_waves(stored),
        table,
        *ended_early_texts(stored),
        *trouble_texts(stored),
        said_text(stored, fleet),
    )


def _waves(stored: StoredPlan) -> tuple[Part, ...]:
    return (waves_table(stored),) if stored.plan.wave_size else ()


def _made(stored: StoredPlan, fleet: Fleet) -> tuple[Part, ...]:
    asked = Text("The change is made. Who does not agree yet is asked again until it does; you need do nothing.")
    return (
        *((asked,) if stored.state == PlanState.UNFINISHED else ()),
        *moved_on_texts(stored),
        *_waves(stored),
        name_servers_table(stored, fleet),
        *trouble_texts(stored),
        *_ended_texts(stored, fleet),
    )


def _ended_texts(stored: StoredPlan, fleet: Fleet) -> tuple[Part, ...]:
    about_time = (*times_text(stored, fleet), *until_text(stored, fleet))
    return (*caught_texts(stored), *ended_early_texts(stored), *about_time, said_text(stored, fleet))


def _partial(stored: StoredPlan, fleet: Fleet) -> tuple[tuple[Part, ...], tuple[Button, ...]]:
    plan, made = stored.plan, stored.progress.zones

    def row(zone: ZoneChange) -> Row:
        if zone.key in made:
            return Row((zone.zone, "changed"), Tone.GOOD)
        return Row((zone.zone, stored.progress.trouble.get(zone.key, "not changed")), Tone.BAD)

    zones = first_rows(("zone", "what happened"), plan.zones, row, MOST_ZONES)
    line = _rest_line(stored, fleet)
    go_on = (Button("Plan the rest", line),) if line else ()
    parts = (
        Text("Two ways on: plan the rest again, or roll back what was changed."),
        *(_waves(stored) or (zones,)),
        *trouble_texts(stored, zones=bool(plan.wave_size)),
        *((name_servers_table(stored, fleet),) if stored.progress.nameservers else ()),
        *_ended_texts(stored, fleet),
    )
    return parts, (*go_on, *_way_back(stored))


def _rest_line(stored: StoredPlan, fleet: Fleet) -> str:
    """Return the line that asks for what has not moved; asked for by name again, what has moved would go back."""
    plan, made = stored.plan, stored.progress.zones
    if not plan.line or not isinstance(plan.purpose, Failover):
        return ""
    words = shlex.split(plan.line)
    if not {*words} & {*plan.sites}:
        return plan.line
    owners = {change.owner for zone in plan.zones if zone.key not in made for change in zone.changes}
    rest = {site for site in plan.sites if site not in fleet.sites or owners & {*fleet.sites[site].names}}
    gone = {*plan.sites} - rest
    line = shlex.join(word for word in words if word not in gone)
    return line if rest and len(line) <= MOST_LINE else ""


def _over(
    stored: StoredPlan, fleet: Fleet, why: tuple[str, ...], by: str
) -> tuple[tuple[Part, ...], tuple[Button, ...]]:
    tone = Tone.WARN if stored.state in {PlanState.STALE, PlanState.LOST} else Tone.PLAIN
    parts: list[Part] = [Text(line, tone) for line in why]
    parts += lost_texts(stored) if stored.state == PlanState.LOST else ()
    parts += ended_early_texts(stored)
    if by:
        at = f" at {clock_time(stored.ended_at, fleet.timezone, stored.plan.asked_at)}" if stored.ended_at else ""
        parts.append(Text(f"By {by}{at}."))
    parts += trouble_texts(stored)
    again = Button("Prepare again", stored.plan.line)
    wanted = stored.state in {PlanState.STALE, PlanState.EXPIRED, PlanState.LOST} and stored.plan.line
    return tuple(parts), (again,) if wanted else ()


def _way_back(stored: StoredPlan) -> tuple[Button, ...]:
    if isinstance(stored.plan.purpose, Rollback):
        return ()
    return (Button("Roll back", f"rollback {stored.plan.id}"),)


def _verb(plan: Plan) -> str:
    return "roll back" if isinstance(plan.purpose, Rollback) else "move them" if len(plan.moves) > 1 else "move it"

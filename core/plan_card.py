"""A plan as people see it, from the question to the measured end: one card that turns as things go on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from core.plan import State, plan_to_json
from core.preflight import Level
from core.progress import Progress
from core.reply import Button, Confirm, Heading, Part, Reply, Row, Table, Text, Tone, Typed
from core.words import clock_time, count, duration, listing

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from core.cutover import Standing
    from core.fleet import Fleet
    from core.plan import Plan
    from core.records import RecordSet

MOST_NAMES = 40
MOST_TURNS = 12
MOST_ZONES = 12
SHOWN_DIGEST = 16
_EXIT = {State.PARTIAL: 1, State.STALE: 3, State.CANCELLED: 3, State.EXPIRED: 3, State.UNFINISHED: 5}


@dataclass(frozen=True, slots=True)
class View:
    """What a card shows: a plan, where it is, who said what, and how far it is. `why` says why it ended early."""

    plan: Plan
    state: State
    given: tuple[str, ...] = ()
    approved_at: datetime | None = None
    ended_at: datetime | None = None
    progress: Progress = Progress()  # noqa: RUF009 - frozen, and empty
    why: tuple[str, ...] = ()
    by: str = ""


def card_of(view: View, fleet: Fleet) -> Reply:
    """Return the card of a plan in any state."""
    title, tone = _title(view, fleet)
    parts, buttons = _SHOWS[view.state](view, fleet)
    return Reply(
        title=title,
        parts=parts,
        buttons=buttons,
        tone=tone,
        facts=facts_of(view),
        exit_code=_exit_code(view),
        card=f"plan:{view.plan.id}",
    )


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


def _exit_code(view: View) -> int:
    if view.state == State.PLANNED and not view.plan.may_be_approved:
        return 3
    return _EXIT.get(view.state, 0)


def _title(view: View, fleet: Fleet) -> tuple[str, Tone]:
    plan, progress = view.plan, view.progress
    way = f"from {_places(fleet, plan.sources)} to {_places(fleet, plan.targets)}"
    what, moved = f"{_sites(plan)} {way}", f"{_sites(plan)} moved {way}"
    servers = len(fleet.dns.nameservers)
    in_step = f"{progress.in_step} of {count(servers, 'name server')} in step"
    records = sum(len(zone.changes) for zone in plan.zones)
    verb = "Roll back" if plan.kind == "rollback" else "Move"
    match view.state:
        case State.PLANNED if not plan.may_be_approved:
            return f"Cannot go ahead: {_sites(plan)} stay on {listing(plan.sources)}. {_first_block(plan)}", Tone.BAD
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
    parts += [Heading("What changes"), _records(plan)]
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
    if not plan.may_be_approved:
        again = Button("Check again", plan.line)
        return tuple(parts), (again, cancel) if plan.line else (cancel,)
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
    return (doing, _standings(view, fleet), *_trouble(view), _said(view, fleet)), ()


def _confirmed(view: View, fleet: Fleet) -> tuple[tuple[Part, ...], tuple[Button, ...]]:
    return (_standings(view, fleet), *_trouble(view), *_times(view, fleet), _said(view, fleet)), _way_back(view)


def _unfinished(view: View, fleet: Fleet) -> tuple[tuple[Part, ...], tuple[Button, ...]]:
    asked = Text("The change is made. Who does not agree yet is asked again until it does; you need do nothing.")
    return (asked, _standings(view, fleet), *_times(view, fleet), _said(view, fleet)), _way_back(view)


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
    parts = (ways, zones, _standings(view, fleet), *_times(view, fleet), _said(view, fleet))
    return parts, (*go_on, *_way_back(view))


def _over(view: View, fleet: Fleet) -> tuple[tuple[Part, ...], tuple[Button, ...]]:
    tone = Tone.WARN if view.state == State.STALE else Tone.PLAIN
    parts: list[Part] = [Text(line, tone) for line in view.why]
    if view.by:
        at = f" at {clock_time(view.ended_at, fleet.timezone, view.plan.asked_at)}" if view.ended_at else ""
        parts.append(Text(f"By {view.by}{at}."))
    parts += _trouble(view)
    again = Button("Prepare again", view.plan.line)
    wanted = view.state in {State.STALE, State.EXPIRED} and view.plan.line
    return tuple(parts), (again,) if wanted else ()


_SHOWS = {
    State.PLANNED: _planned,
    State.APPROVED: _moving,
    State.CONFIRMED: _confirmed,
    State.UNFINISHED: _unfinished,
    State.PARTIAL: _partial,
    State.STALE: _over,
    State.CANCELLED: _over,
    State.EXPIRED: _over,
    State.ROLLED_BACK: _over,
}


def _records(plan: Plan) -> Table:
    """Show every record set, those that change alike in one row: a phone shows a hundred names, not a hundred rows."""
    alike: dict[tuple[str, str, str], list[str]] = {}
    for zone in plan.zones:
        for change in zone.changes:
            turn = (change.type, f"{_values(change.old)} → {_values(change.new)}", _ttl(change.new or change.old))
            alike.setdefault(turn, []).append(change.owner)
    rows = [
        Row((f"{rdtype} {turn}", ttl, listing(list(dict.fromkeys(owners)), most=MOST_NAMES)))
        for (rdtype, turn, ttl), owners in alike.items()
    ]
    return Table(("now → then", "TTL", "names"), tuple(rows[:MOST_TURNS]), max(0, len(rows) - MOST_TURNS))


def _values(record: RecordSet | None) -> str:
    return "none" if record is None else ", ".join(record.values)


def _ttl(record: RecordSet | None) -> str:
    return "" if record is None else f"{record.ttl_s} s"


def _standings(view: View, fleet: Fleet) -> Table:
    by_name = {standing.name: standing for standing in view.progress.standings}
    rows = []
    for server in fleet.dns.nameservers:
        standing = by_name.get(server.name)
        said, tone = _says(standing)
        serial = str(standing.serial) if standing and standing.serial is not None else ""
        seconds = duration(timedelta(seconds=standing.seconds)) if standing and standing.seconds is not None else ""
        rows.append(Row((server.name, server.location, said, serial, seconds), tone))
    return Table(("name server", "place", "answers", "serial", "after"), tuple(rows))


def _says(standing: Standing | None) -> tuple[str, Tone]:
    if standing is None:
        return "no answer yet", Tone.UNKNOWN
    if standing.agrees:
        return "new", Tone.GOOD
    if standing.why:
        return standing.why, Tone.BAD
    if standing.wrong:
        return "something else", Tone.BAD
    return ("old" if standing.old else "old serial"), Tone.BUSY


def _times(view: View, fleet: Fleet) -> tuple[Part, ...]:
    plan, progress = view.plan, view.progress

    def at(moment: datetime) -> str:
        return clock_time(moment, fleet.timezone, plan.asked_at)

    words = [f"Asked {at(plan.asked_at)}", *(f"approved {at(moment)}" for moment in (view.approved_at,) if moment)]
    if progress.zones:
        changed_at = max(done.at for done in progress.zones.values())
        words.append(f"changed {at(changed_at)}")
        if progress.in_step_at is not None:
            words.append(f"last name server in step {at(progress.in_step_at)}")
        until = (progress.in_step_at or changed_at) + timedelta(seconds=plan.longest_ttl_s)
        cached = f"Resolvers may answer the old address until {at(until)}"
        ttl = f"(TTL {plan.longest_ttl_s} s)"
        if progress.in_step_at is None:
            cached = "Resolvers may answer the old address while a name server does"
        return (Text(", ".join(words) + f". {cached} {ttl}."),)
    return (Text(", ".join(words) + "."),)


def _trouble(view: View) -> tuple[Part, ...]:
    return tuple(Text(f"{about}: {why}", Tone.BAD) for about, why in view.progress.trouble.items())


def _said(view: View, fleet: Fleet) -> Text:
    at = f" at {clock_time(view.approved_at, fleet.timezone, view.plan.asked_at)}" if view.approved_at else ""
    forced = f" Forced: {view.plan.force}" if view.plan.force else ""
    return Text(f"Plan {view.plan.id}, asked by {view.plan.asked_by}, approved by {listing(view.given)}{at}.{forced}")


def _way_back(view: View) -> tuple[Button, ...]:
    if view.plan.kind == "rollback":
        return ()
    return (Button("Roll back", f"rollback {view.plan.id}"),)


def _first_block(plan: Plan) -> str:
    first = plan.blocks[0].text if plan.blocks else "no record would change"
    more = f", and {len(plan.blocks) - 1} more" if len(plan.blocks) > 1 else ""
    return f"{first[:1].upper()}{first[1:]}{more}"


def _sites(plan: Plan) -> str:
    return plan.moves[0].site if len(plan.moves) == 1 else count(len(plan.moves), "site")


def _verb(plan: Plan) -> str:
    return "roll back" if plan.kind == "rollback" else "move them" if len(plan.moves) > 1 else "move it"


def _places(fleet: Fleet, servers: tuple[str, ...]) -> str:
    places = [f"{name} ({fleet.servers[name].location})" if name in fleet.servers else name for name in servers]
    return listing(places)

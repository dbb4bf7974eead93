"""The parts of a plan's card: its records, its name servers, its times, and who said what."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from core.plan.plan import PlanState, Rollback
from core.plan.restore import Restore
from core.plan.verdict import Level
from core.reply import Button, Confirm, Part, Row, Table, Text, Tone, first_rows
from core.wording import clock_time, count, duration, listing

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from core.dns.records import RecordSet
    from core.fleet import Fleet
    from core.plan.plan import Plan
    from core.plan.progress import NameServerProgress
    from core.plan.stored import StoredPlan
    from core.plan.verdict import Verdict

MOST_NAMES = 40
MOST_TURNS = 12
MOST_WAVES = 12
MOST_HOOKS = 12
WAVES_BEFORE = 3
SHOWN_DIGEST = 16
# What a command that shows a plan in such a state ends with; any other is 0.
EXIT_CODES = {
    PlanState.BLOCKED: 3,
    PlanState.PARTIAL: 1,
    PlanState.STALE: 3,
    PlanState.CANCELLED: 3,
    PlanState.EXPIRED: 3,
    PlanState.UNFINISHED: 5,
    PlanState.OVERTAKEN: 5,
    PlanState.LOST: 1,
}


def records_table(plan: Plan) -> Table:
    """Show every record set, those that change alike in one row: a phone shows a hundred names, not a hundred rows."""
    alike: dict[tuple[str, str, str], list[str]] = {}
    for zone in plan.zones:
        for change in zone.changes:
            turn = (change.type, f"{_values(change.old)} → {_values(change.new)}", _ttl(change.new or change.old))
            alike.setdefault(turn, []).append(change.owner)

    def row(item: tuple[tuple[str, str, str], list[str]]) -> Row:
        (rdtype, turn, ttl), owners = item
        return Row((f"{rdtype} {turn}", ttl, listing(list(dict.fromkeys(owners)), most=MOST_NAMES)))

    return first_rows(("now → then", "TTL", "names"), list(alike.items()), row, MOST_TURNS)


def hooks_table(plan: Plan) -> Table:
    """Show what runs where and when, those that are alike in one row: who approves the plan approves this too."""
    alike: dict[tuple[str, str, str], list[str]] = {}
    for hook in plan.hooks:
        alike.setdefault((hook.moment, hook.server, hook.shown), []).append(hook.site)
    columns, hooks = ("when", "where", "command", "sites"), list(alike.items())
    return first_rows(columns, hooks, lambda hook: Row((*hook[0], listing(list(dict.fromkeys(hook[1]))))), MOST_HOOKS)


def verdicts_parts(verdicts: Sequence[Verdict]) -> list[Part]:
    """Show what is in the way of a plan, what blocks it first; nothing where nothing is."""
    found = [one for one in verdicts if one.level != Level.PASS]
    rows = tuple(
        Row((one.level.value, one.text, one.hint), Tone.BAD if one.level == Level.BLOCK else Tone.WARN)
        for one in sorted(found, key=lambda one: one.level != Level.BLOCK)
    )
    return [Table(("", "check", "what helps"), rows)] if rows else []


def waves_table(stored: StoredPlan) -> Table:
    """Show one row a wave: its sites and where it is; of many, those around the one under way."""
    plan = stored.plan
    sites: dict[int, list[str]] = {}
    for move in plan.moves:
        sites.setdefault(move.wave, []).append(move.site)
    zones: dict[int, list[bool]] = {}
    for zone in plan.zones:
        zones.setdefault(zone.wave, []).append(zone.key in stored.progress.zones)
    rows = []
    for wave, of_wave in sites.items():
        said, tone = _wave_says(stored, wave, zones.get(wave, []))
        rows.append(Row((str(wave + 1), listing(of_wave), said), tone))
    first = max(0, min(stored.progress.wave - WAVES_BEFORE, len(rows) - MOST_WAVES))
    shown = tuple(rows[first : first + MOST_WAVES])
    return Table(("wave", "sites", ""), shown, len(rows) - len(shown))


def _wave_says(stored: StoredPlan, wave: int, changed: list[bool]) -> tuple[str, Tone]:
    if stored.state in {PlanState.PLANNED, PlanState.BLOCKED}:
        return "", Tone.PLAIN
    here = wave == stored.progress.wave
    if here and stored.state == PlanState.APPROVED:
        return "under way", Tone.BUSY
    if not any(changed):
        waits = stored.state == PlanState.APPROVED
        return ("waits" if waits else "stays"), (Tone.BAD if here and stored.progress.trouble else Tone.PLAIN)
    if not all(changed):
        return "moved in part", Tone.BAD
    return ("moved, with trouble", Tone.WARN) if here and stored.progress.trouble else ("moved", Tone.GOOD)


def caught_texts(stored: StoredPlan) -> tuple[Part, ...]:
    """Say what arrived at the old server meanwhile and was brought over, and how much of it was left there."""
    caught = stored.progress.caught
    files = sum(one.files for one in caught.values())
    left = sum(one.left for one in caught.values())
    parts: list[Part] = []
    if files:
        first = [f"{site}: {path}" for site, one in caught.items() for path in one.first]
        more = f" and {files - len(first[:5]):,} more" if files > len(first[:5]) else ""
        verb = "was" if files == 1 else "were"
        said = f"{count(files, 'file')} that arrived meanwhile {verb} brought over: {', '.join(first[:5])}{more}."
        parts.append(Text(said))
    if left:
        where = listing([site for site, one in caught.items() if one.left])
        said = f"{count(left, 'file')} that arrived meanwhile stayed, as something newer is served: {where}."
        parts.append(Text(f"{said} They stay recoverable there after the next sync.", Tone.WARN))
    return tuple(parts)


def ended_early_texts(stored: StoredPlan) -> tuple[Part, ...]:
    """Say what had to give way to an emergency, and that somebody has cancelled it."""
    progress, parts = stored.progress, list[Part]()
    if progress.gave_way:
        work = listing([f"{site} ({words})" for site, words in progress.gave_way.items()])
        parts.append(Text(f"It did not wait for what ran on these sites, and ended that: {work}.", Tone.WARN))
    if progress.cancelled_by:
        consequence = {
            PlanState.APPROVED: "it ends after the step under way",
            PlanState.CANCELLED: "nothing was changed, and what was frozen is thawed",
            PlanState.PARTIAL: "what had not begun was left as it was",
        }.get(stored.state, "by then everything was changed")
        parts.append(Text(f"Cancelled by {progress.cancelled_by}: {consequence}.", Tone.WARN))
    return tuple(parts)


def lost_texts(stored: StoredPlan) -> tuple[Part, ...]:
    """Say what to look at where nobody knows what has become of a plan."""
    frozen = listing(sorted({hook.site for hook in stored.plan.hooks if hook.moment == "freeze"}))
    thaw = Text(f"{frozen} may still be frozen: do by hand what the thaw hook would have done.", Tone.WARN)
    look = Text("`sites` says what is served from where now. It is never carried out from here on.")
    return (look, thaw) if frozen else (look,)


def cancel_button(plan: Plan) -> Button:
    """Return the button that ends a plan that is being carried out."""
    text = "It ends after the step under way. What is changed by then stays changed, and can be rolled back."
    if isinstance(plan.purpose, Restore):
        text = "It ends where what is there is still as it was; once that is being replaced, it goes on."
    return Button(
        "Cancel", f"cancel {plan.id}", "danger", Confirm(f"Cancel the {plan.title}?", text, yes="Yes, end it")
    )


def until_text(stored: StoredPlan, fleet: Fleet) -> tuple[Part, ...]:
    """Say until when a cutover can be rolled back; one that was overtaken cannot."""
    overtaken = stored.state == PlanState.OVERTAKEN
    if isinstance(stored.plan.purpose, Rollback) or stored.ended_at is None or overtaken:
        return ()
    until = clock_time(stored.ended_at + fleet.dns.rollback_within, fleet.timezone, stored.ended_at)
    return (Text(f"It can be rolled back until {until}."),)


def _values(record: RecordSet | None) -> str:
    return "none" if record is None else ", ".join(record.values)


def _ttl(record: RecordSet | None) -> str:
    return "" if record is None else f"{record.ttl_s} s"


def name_servers_of(stored: StoredPlan, fleet: Fleet) -> Mapping[str, str]:
    """Return the places of a plan's name servers by name: those it was approved with, and others that were asked."""
    there = {one.name: one.location for one in fleet.dns.nameservers}
    basis = stored.plan.basis
    approved = {one.name: one.location for one in basis.nameservers} if basis is not None else there
    asked = {one.name: there.get(one.name, "") for one in stored.progress.nameservers if one.name not in approved}
    return approved | asked


def moved_on_texts(stored: StoredPlan) -> tuple[Part, ...]:
    """Say which of its names a later plan has changed since, so that nobody is asked about them any more."""
    by_plan: dict[str, list[str]] = {}
    for name, plan_id in stored.progress.moved_on.items():
        by_plan.setdefault(plan_id, []).append(name)
    said = "Moved on since by plan {}, so nobody is asked about it any more: {}."
    return tuple(Text(said.format(plan_id, listing(names))) for plan_id, names in by_plan.items())


def name_servers_table(stored: StoredPlan, fleet: Fleet) -> Table:
    """Show one row a name server: place, what it answers, serial, seconds."""
    by_name = {one.name: one for one in stored.progress.nameservers}
    rows = []
    for name, place in name_servers_of(stored, fleet).items():
        one = by_name.get(name)
        said, tone = _says(one)
        serial = str(one.serial) if one and one.serial is not None else ""
        seconds = duration(timedelta(seconds=one.seconds)) if one and one.seconds is not None else ""
        rows.append(Row((name, place, said, serial, seconds), tone))
    return Table(("name server", "place", "answers", "serial", "after"), tuple(rows))


def _says(one: NameServerProgress | None) -> tuple[str, Tone]:
    if one is None:
        return "no answer yet", Tone.UNKNOWN
    if one.agrees:
        return "new", Tone.GOOD
    if one.gone:
        return "not waited for: no longer in the fleet file", Tone.WARN
    if one.why:
        return one.why, Tone.BAD
    if one.wrong:
        return "something else", Tone.BAD
    return ("old" if one.old else "old serial"), Tone.BUSY


def times_text(stored: StoredPlan, fleet: Fleet) -> tuple[Part, ...]:
    """Say the measured times, and until when resolvers may answer the old address."""
    plan, progress = stored.plan, stored.progress

    def at(moment: datetime) -> str:
        return clock_time(moment, fleet.timezone, plan.asked_at)

    words = [f"Asked {at(plan.asked_at)}", *(f"approved {at(moment)}" for moment in (stored.approved_at,) if moment)]
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


def trouble_texts(stored: StoredPlan, *, zones: bool = True) -> tuple[Part, ...]:
    """Say what went wrong on the way, one line each; of zones only where `zones`."""
    of_zones = set() if zones else {zone.key for zone in stored.plan.zones}
    trouble, groups = stored.progress.trouble, stored.progress.members_unknown
    unknown = f"Nobody could say who is in {listing(groups)} when it began: who was when they approved was taken to be."
    return (
        *((Text(unknown, Tone.WARN),) if groups else ()),
        *(Text(f"{about}: {why}", Tone.BAD) for about, why in trouble.items() if about not in of_zones),
    )


def said_text(stored: StoredPlan, fleet: Fleet) -> Text:
    """Say who asked and who approved, when."""
    at = f" at {clock_time(stored.approved_at, fleet.timezone, stored.plan.asked_at)}" if stored.approved_at else ""
    forced = f" Forced: {stored.plan.force}" if stored.plan.force else ""
    approved = f"approved by {listing(stored.approved_by)}{at}"
    return Text(f"Plan {stored.id}, asked by {stored.plan.asked_by}, {approved}.{forced}")


def asked_text(stored: StoredPlan, fleet: Fleet) -> Text:
    """Say who asked, and how many have approved of those who have to."""
    plan, needed = stored.plan, fleet.approval.needed
    asked = f"Asked by {plan.asked_by} at {clock_time(plan.asked_at, fleet.timezone, plan.asked_at)}."
    if needed > 1:
        asked += f" Needs {count(needed, 'approval')} by different people"
        asked += f"; approved so far: {listing(stored.approved_by)}." if stored.approved_by else "."
    return Text(asked)


def approve_button(plan: Plan, confirm: Confirm) -> Button:
    """Return the button that approves exactly what is shown, once its question is answered."""
    return Button("Approve", f"approve {plan.id} --digest {plan.digest[:SHOWN_DIGEST]}", "danger", confirm)

"""The parts of a plan's card: its records, its name servers, its times, and who said what."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from core.progress import Progress
from core.reply import Part, Row, Table, Text, Tone
from core.words import clock_time, duration, listing

if TYPE_CHECKING:
    from datetime import datetime

    from core.cutover import Standing
    from core.fleet import Fleet
    from core.plan import Plan, State
    from core.records import RecordSet

MOST_NAMES = 40
MOST_TURNS = 12


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


def records_table(plan: Plan) -> Table:
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


def standings_table(view: View, fleet: Fleet) -> Table:
    """Show one row a name server: place, what it answers, serial, seconds."""
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


def times_text(view: View, fleet: Fleet) -> tuple[Part, ...]:
    """Say the measured times, and until when resolvers may answer the old address."""
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


def trouble_texts(view: View) -> tuple[Part, ...]:
    """Say what went wrong on the way, one line each."""
    return tuple(Text(f"{about}: {why}", Tone.BAD) for about, why in view.progress.trouble.items())


def said_text(view: View, fleet: Fleet) -> Text:
    """Say who asked and who approved, when."""
    at = f" at {clock_time(view.approved_at, fleet.timezone, view.plan.asked_at)}" if view.approved_at else ""
    forced = f" Forced: {view.plan.force}" if view.plan.force else ""
    return Text(f"Plan {view.plan.id}, asked by {view.plan.asked_by}, approved by {listing(view.given)}{at}.{forced}")

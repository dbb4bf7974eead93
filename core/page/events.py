"""What a status page says of outages and of moves, in words for everybody."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.fleet.servers import with_place
from core.incident.maintenance import Phase
from core.page.model import PageIncident, PlannedWork, Stage
from core.wording import count, listing

if TYPE_CHECKING:
    from datetime import datetime

    from core.fleet import Fleet
    from core.fleet.target import Target
    from core.incident.facts import OutageFacts
    from core.incident.maintenance import Maintenance
    from core.incident.outage import Outage
    from core.page.redaction import Redaction
    from core.plan.plan import Plan

STAGES = {
    Phase.PLANNED: Stage.PLANNED,
    Phase.RUNNING: Stage.RUNNING,
    Phase.OVERRUN: Stage.LATE,
    Phase.ENDED: Stage.OVER,
    Phase.CANCELLED: Stage.CANCELLED,
}


def incident_of(outage: Outage, fleet: Fleet, public: Redaction) -> PageIncident | None:
    """Return what is said of an outage; None: it concerns nothing that is on the page."""
    facts = outage.facts
    what = _what(outage.target, facts, fleet, over=outage.closed_at is not None)
    if what is None:
        return None
    seen = public.observed(facts.why)
    if facts.unseen_until_at is not None:
        seen = "; ".join([*([seen] if seen else []), "nobody watched when it ended, so it may have been shorter"])
    return PageIncident(
        key=f"outage:{outage.id}",
        what=what,
        opened_at=outage.opened_at,
        closed_at=outage.closed_at,
        seen=seen,
        cause=public.written(outage.cause or ""),
    )


def work_of_plan(plan: Plan, begun_at: datetime | None, fleet: Fleet, public: Redaction) -> PlannedWork | None:
    """Return what is said of a plan that is being carried out; None: it moves nothing that is on the page."""
    moves = [move for move in plan.moves if move.site not in public.hidden]
    if not moves:
        return None
    sources = listing([with_place(name, fleet.servers) for name in dict.fromkeys(move.source for move in moves)], 3)
    targets = listing([with_place(name, fleet.servers) for name in dict.fromkeys(move.target for move in moves)], 3)
    what = f"Moving {count(len(moves), 'site')} from {sources} to {targets}"
    return PlannedWork(f"plan:{plan.id}", what, Stage.RUNNING, begun_at=begun_at, updated_at=begun_at)


def work_of_maintenance(one: Maintenance, fleet: Fleet, public: Redaction, now: datetime) -> PlannedWork | None:
    """Return what is said of a maintenance; None: it concerns nothing that is on the page."""
    what = _subject(one.scope, fleet, public)
    if what is None:
        return None
    phase = one.phase(now)
    updated_at = one.ended_at or one.began_at or one.asked_at
    return PlannedWork(
        key=f"maintenance:{one.id}",
        what=f"Work on {what}",
        stage=STAGES[phase],
        why=public.written(one.why),
        from_at=one.starts_at,
        until_at=one.ends_at,
        begun_at=one.began_at,
        ended_at=one.ended_at,
        updated_at=updated_at,
    )


def _subject(scope: Target, fleet: Fleet, public: Redaction) -> str | None:
    kind, name = scope
    if kind == "fleet":
        return "all servers and sites"
    if kind == "nameserver":
        where = next((one.location for one in fleet.dns.nameservers if one.name == name), None)
        return f"a name server in {where}" if where is not None else None
    if kind == "site":
        return name if name in fleet.sites and name not in public.hidden else None
    return with_place(name, fleet.servers) if name in fleet.servers else None


def _what(target: Target, facts: OutageFacts, fleet: Fleet, *, over: bool) -> str | None:
    kind, name = target
    was, sites = "was" if over else "is", facts.at_first or facts.affected
    if kind == "link":
        return "Nothing could be observed" if over else "Nothing can be observed"
    if kind == "nameserver":
        server = f"A name server in {facts.place}" if facts.place else "A name server"
    elif name in fleet.servers:
        server = with_place(name, fleet.servers)
    else:
        return None
    if facts.changes:
        where = f"Sites on {server}" if kind == "sites" else server
        return f"{where}: up and down by turns, {count(facts.changes, 'change')}"
    if kind == "nameserver":
        return f"{server} {was} {'up in part' if facts.lame else 'down'}"
    if kind == "server":
        return f"{server} {was} down" + (f", with {count(sites, 'site')}" if sites else "")
    if kind == "sites":
        return f"{count(sites, 'site')} on {server} {'failed' if over else 'fail' if sites != 1 else 'fails'}"
    return f"{server} {was} up in part"

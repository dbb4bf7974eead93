"""`incidents`: what happened and why, outages and maintenance together."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from commands import Command, Request, argument
from core.incident.card import card_of
from core.incident.outage import Outage
from core.incident.report import incidents_of, list_reply, maintenance_reply, outage_reply
from ops.gather.incidents import incident_named

if TYPE_CHECKING:
    from core.reply import Reply
    from ops.ports import Ports

DAYS = 7
# One answer has so many outages and so many maintenances, besides the outages that are open.
MOST = 500
EVER = datetime(1970, 1, 1, tzinfo=UTC)


async def run(request: Request, ports: Ports) -> Reply:
    """List incidents, or show one."""
    now, zone = ports.clock.now(), ports.fleet.timezone
    if request.options.id is not None:
        one = await incident_named(request.options.id, ports)
        if isinstance(one, Outage):
            return outage_reply(one, card_of([one], zone, now), zone, now)
        suppressed = await ports.store.maintenance.suppressed(one.id)
        return maintenance_reply(one, [(it.target, it.from_at, it.until_at) for it in suppressed], zone, now)
    since_at = EVER if request.options.all else now - timedelta(days=DAYS)
    outages = await ports.store.outages.since(since_at, MOST)
    maintenances = await ports.store.maintenance.since(since_at, MOST)
    # What goes on is among them, however long ago it began.
    known = {one.id: one for one in (*outages, *await ports.store.outages.all_open())}
    span = "" if request.options.all else f" in the last {DAYS} days"
    cut_off = MOST in {len(outages), len(maintenances)}
    found = incidents_of(tuple(known.values()), maintenances)
    return list_reply(found, f"{span}; older ones are not counted" if cut_off else span, zone, now)


COMMAND = Command(
    name="incidents",
    summary="what happened and why: outages and maintenance, the newest first",
    run=run,
    arguments=(
        argument("id", nargs="?", metavar="ID", help="one incident, with who did what when: 7, or M3"),
        argument("--all", action="store_true", help=f"the newest {MOST} of all time, not only the last {DAYS} days'"),
    ),
    examples=("incidents", "incidents 7", "incidents --all"),
    answers_json=True,
)

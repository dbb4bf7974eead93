"""`incidents`: what happened and why, outages and maintenance together."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from commands import Command, Request
from core.incident.card import card_of
from core.incident.outage import Outage
from core.incident.report import incidents_of, list_reply, maintenance_reply, outage_reply
from ops.gather.incidents import incident_named

if TYPE_CHECKING:
    import argparse

    from core.reply import Reply
    from ops.ports import Ports

DAYS = 7
EVER = datetime(1970, 1, 1, tzinfo=UTC)


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("id", nargs="?", metavar="ID", help="one incident, with who did what when: 7, or M3")
    parser.add_argument("--all", action="store_true", help=f"all there ever were, not only the last {DAYS} days'")


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
    outages = await ports.store.outages.since(since_at)
    found = incidents_of(outages, await ports.store.maintenance.since(since_at))
    return list_reply(found, "" if request.options.all else f" in the last {DAYS} days", zone, now)


COMMAND = Command(
    name="incidents",
    summary="what happened and why: outages and maintenance, the newest first",
    run=run,
    arguments=_arguments,
    examples=("incidents", "incidents 7", "incidents --all"),
    answers_json=True,
)

"""`dns`: what each name server answers, who is out of step, and which records still point at which server."""

from __future__ import annotations

from typing import TYPE_CHECKING

from commands import Command, argument
from core.dns import report
from core.dns.pointing import living_too_long, names_pointing
from core.dns.report_json import dns_facts
from core.fleet.lookup import zone_named
from core.reply import Reply
from ops.gather.dns_survey import survey

if TYPE_CHECKING:
    from commands import Request
    from ops.ports import Ports

MOST_ZONES_BY_NAME = 200


async def run(request: Request, ports: Ports) -> Reply:
    """Ask all name servers and update servers side by side, and say how they stand. Exit code 1: not all in step."""
    fleet = ports.fleet
    asked: str | None = request.options.zone
    zones = (zone_named(asked, fleet),) if asked else fleet.dns.zones
    by_name = len(zones) <= MOST_ZONES_BY_NAME
    surveyed = await survey(ports.dns, fleet, zones, by_name=by_name)
    verdicts = [one.verdict for one in surveyed]
    records = [record for one in surveyed for reading in one.readings[:1] for record in reading.records]
    pointing = names_pointing(fleet, records, await ports.store.copies.active())
    too_long = living_too_long(fleet, records)
    return Reply(
        title=report.title(verdicts, len(fleet.dns.nameservers)),
        parts=(
            *(report.one_zone(fleet, surveyed[0]) if asked else report.all_zones(fleet, verdicts)),
            *report.where_names_point(pointing),
            *report.lives_too_long(too_long, fleet),
            *report.limits(surveyed, by_name=by_name),
        ),
        tone=report.tone(verdicts),
        facts=dns_facts(fleet, surveyed, pointing, too_long),
        exit_code=0 if all(verdict.in_step for verdict in verdicts) else 1,
    )


COMMAND = Command(
    name="dns",
    summary="what each name server answers, who is out of step, and which records point at which server",
    run=run,
    arguments=(argument("zone", nargs="?", metavar="ZONE", help="only this zone (or the one that holds this name)"),),
    examples=("dns", "dns ZONE"),
    answers_json=True,
)

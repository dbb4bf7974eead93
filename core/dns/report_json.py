"""What the `dns` command answers as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.dns.consistency import by_server

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from core.dns.consistency import RecordDifference, ZoneSurvey
    from core.dns.pointing import PointingRecord
    from core.dns.records import RecordSet
    from core.fleet import Fleet
    from core.reply import Json


def dns_facts(
    fleet: Fleet,
    surveyed: Sequence[ZoneSurvey],
    pointing: Sequence[PointingRecord],
    too_long: Sequence[RecordSet],
) -> Mapping[str, Json]:
    """Return everything that was found, as plain JSON values."""
    places = {server.name: server.location for server in fleet.dns.nameservers}
    return {
        "in_step": all(one.verdict.in_step for one in surveyed),
        "nameservers": [
            {
                "name": one.nameserver,
                "location": places[one.nameserver],
                "state": one.worst.words,
                "zones": one.zones,
                "zones_in_step": one.in_step,
                "slowest_s": one.slowest_s,
            }
            for one in by_server([one.verdict for one in surveyed])
        ],
        "zones": [_zone_facts(one) for one in surveyed],
        "pointing": [
            {
                "name": one.owner,
                "type": one.type,
                "value": one.value,
                "server": one.server,
                "site": one.site,
                "served_from": one.served_from,
                "left_behind": one.left_behind,
            }
            for one in pointing
        ],
        "ttl_too_long": [{"name": r.owner, "type": r.type, "ttl_s": r.ttl_s} for r in too_long],
    }


def _zone_facts(surveyed: ZoneSurvey) -> Mapping[str, Json]:
    verdict = surveyed.verdict
    return {
        "zone": verdict.zone,
        "serial": verdict.serial,
        "in_step": verdict.in_step,
        "update_server_answers": verdict.confirmed,
        "read_whole": bool(surveyed.readings) and all(reading.complete for reading in surveyed.readings),
        "trouble": verdict.why,
        "update_servers_differ": [_difference_facts(one) for one in verdict.split],
        "nameservers": [
            {
                "name": one.said.nameserver,
                "state": one.step.words,
                "serial": one.said.serial,
                "behind_by": one.behind_by,
                "took_s": one.said.took_s,
                "trouble": one.said.why,
                "answers": [
                    {"name": owner, "type": rdtype, "values": list(values)}
                    for (owner, rdtype), values in one.said.values.items()
                ],
                "differences": [_difference_facts(difference) for difference in one.differences],
            }
            for one in verdict.judged
        ],
    }


def _difference_facts(difference: RecordDifference) -> Mapping[str, Json]:
    return {
        "name": difference.owner,
        "type": difference.type,
        "answered": list(difference.answered),
        "held": list(difference.held),
    }

"""Whether a name server gives the exchangers of the mail domains in the order of app.yaml."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from core.fleet.target import Target
from core.mail.finding import wrong_texts
from core.mail.mx import judge_mx
from ops.checks import Check
from ops.mail.exchangers import in_zones, mx_answer, servers_behind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from core.fleet import Fleet
    from ops.ports import Ports

EVERY = timedelta(minutes=5)


def _targets(fleet: Fleet) -> Mapping[Target, timedelta]:
    domains = fleet.mail.domains if fleet.mail is not None else ()
    if not any(in_zones(fleet, domain) for domain in domains):
        return {}
    return {Target.nameserver(server.name): EVERY for server in fleet.dns.nameservers}


async def _look(ports: Ports, nameserver: str) -> tuple[str, ...] | None:
    fleet = ports.fleet
    asked = next(server for server in fleet.dns.nameservers if server.name == nameserver)
    found = []
    for domain in fleet.mail.domains.values() if fleet.mail is not None else ():
        if in_zones(fleet, domain.name):
            answer = await mx_answer(ports.dns, asked, domain.name)
            leads_to = await servers_behind(ports.dns, fleet, [answer])
            judged = judge_mx(domain.exchangers, [answer], leads_to)
            found += [f"mail of {domain.name}: {text}" for text in wrong_texts(judged)]
    return tuple(found)


CHECK = Check("mx", _targets, _look)

"""Whether a server takes the mail of its domains: the probe address of each, STARTTLS, the name in its certificate."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from core.fleet.target import Target
from core.mail.finding import wrong_texts
from core.mail.smtp import judge_smtp
from ops.checks import Check
from ops.mail.exchangers import name_of
from ops.mail.smtp import ask_smtp
from ops.mail.survey import asked_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from core.fleet import Fleet
    from core.mail.finding import Finding
    from ops.ports import Ports

EVERY = timedelta(minutes=5)


def _targets(fleet: Fleet) -> Mapping[Target, timedelta]:
    return {Target.server(name): EVERY for name in fleet.mail.exchangers} if fleet.mail is not None else {}


async def _look(ports: Ports, server: str) -> tuple[str, ...] | None:
    mail = ports.fleet.mail
    if mail is None:
        return None
    found: list[Finding] = []
    for domain in mail.domains_of(server):
        name = await name_of(ports.dns, ports.fleet, domain.name, server)
        asked = asked_of(ports, server, domain, name, rejects=False)
        seen = await ask_smtp(ports.fleet.servers[server].address, mail.ports.smtp, asked)
        found += judge_smtp(server, seen, asked)
    return wrong_texts(found)


CHECK = Check("mail", _targets, _look)

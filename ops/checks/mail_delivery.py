"""Whether a message that a server takes arrives in the mailbox for probes there."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from core.fleet.target import Target
from core.mail.delivery import judge_delivery
from core.mail.finding import Level, wrong_texts
from ops.checks import Check
from ops.fleetfile import secret_reader
from ops.mail.probe import Prober

if TYPE_CHECKING:
    from collections.abc import Mapping

    from core.fleet import Fleet, MailDomain
    from core.mail.finding import Finding
    from ops.ports import Ports

EVERY = timedelta(minutes=15)


def _targets(fleet: Fleet) -> Mapping[Target, timedelta]:
    domains = fleet.mail.domains.values() if fleet.mail is not None else ()
    return {Target.server(name): EVERY for one in domains if one.mailbox is not None for name in one.exchangers}


async def _look(ports: Ports, server: str) -> tuple[str, ...] | None:
    domains = ports.fleet.mail.domains_of(server) if ports.fleet.mail is not None else ()
    found = [finding for domain in domains for finding in await _findings(ports, domain, server)]
    if any(one.level == Level.LATER for one in found) and not wrong_texts(found):
        return None
    return wrong_texts(found)


async def _findings(ports: Ports, domain: MailDomain, server: str) -> tuple[Finding, ...]:
    if domain.mailbox is None:
        return ()
    prober = Prober(ports.fleet, ports.clock, secret_reader(ports.fleet))
    delivery = await prober.deliver(domain, domain.mailbox, server)
    return judge_delivery(server, domain.mailbox.address_in(domain.name), delivery)


CHECK = Check("mail_delivery", _targets, _look)

"""Whether a server knows the same recipients as the other exchangers of its mail domains, over SSH."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

from core.errors import OwnLackError, SharpnetError
from core.fleet.target import Target
from core.mail.finding import wrong_texts
from core.mail.recipients import Recipients, judge_recipients
from ops.checks import Check
from ops.mail.host import recipients_on

if TYPE_CHECKING:
    from collections.abc import Mapping

    from core.fleet import Fleet
    from ops.ports import Ports

EVERY = timedelta(minutes=30)


def _targets(fleet: Fleet) -> Mapping[Target, timedelta]:
    domains = fleet.mail.domains.values() if fleet.mail is not None else ()
    return {Target.server(name): EVERY for one in domains if len(one.exchangers) > 1 for name in one.exchangers}


async def _look(ports: Ports, server: str) -> tuple[str, ...] | None:
    domains = ports.fleet.mail.domains_of(server) if ports.fleet.mail is not None else ()
    others = dict.fromkeys(name for domain in domains for name in domain.exchangers)
    lists = await asyncio.gather(*(_recipients(ports, name) for name in others))
    known = dict(zip(others, lists, strict=True))
    if known.get(server) is None:
        return None
    found = [
        finding
        for domain in domains
        for finding in judge_recipients(
            domain.name, {name: one for name, one in known.items() if one is not None and name in domain.exchangers}
        )
        if finding.where == server
    ]
    return wrong_texts(found)


async def _recipients(ports: Ports, server: str) -> Recipients | None:
    try:
        return await recipients_on(ports.ssh, server, ports.fleet.servers[server].mail)
    except OwnLackError:
        raise
    except SharpnetError:
        return None


CHECK = Check("mail_recipients", _targets, _look)

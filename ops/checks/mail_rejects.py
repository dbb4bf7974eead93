"""Whether a server refuses mail for addresses that nobody has, and mail of strangers for strangers."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from core.fleet.target import Target
from core.mail.finding import wrong_texts
from core.mail.smtp import judge_rejects
from ops.checks import Check
from ops.mail.smtp import ask_smtp
from ops.mail.survey import asked_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from core.fleet import Fleet
    from ops.ports import Ports

# Each look is refused twice, and who is refused often is locked out by many a server.
EVERY = timedelta(minutes=30)


def _targets(fleet: Fleet) -> Mapping[Target, timedelta]:
    return {Target.server(name): EVERY for name in fleet.mail.exchangers} if fleet.mail is not None else {}


async def _look(ports: Ports, server: str) -> tuple[str, ...] | None:
    domains = ports.fleet.mail.domains_of(server) if ports.fleet.mail is not None else ()
    if ports.fleet.mail is None or not domains:
        return None
    # Another domain each time, so that all have their turn.
    domain = domains[int(ports.clock.monotonic() / EVERY.total_seconds()) % len(domains)]
    asked = asked_of(ports, server, domain, None, rejects=True)
    seen = await ask_smtp(ports.fleet.servers[server].address, ports.fleet.mail.ports.smtp, asked)
    if seen.relay is None:
        # That it does not answer, another check says.
        return None
    return wrong_texts(judge_rejects(server, seen, asked))


CHECK = Check("mail_rejects", _targets, _look)

"""Whether a name server lets anybody transfer a zone (AXFR, RFC 5936), where the fleet says that none may."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import dns.exception
import dns.message
import dns.rcode
import dns.rdatatype

from core.errors import SharpnetError
from core.fleet.target import Target
from ops.checks import Check
from ops.dns.wire import Connections

if TYPE_CHECKING:
    from collections.abc import Mapping

    from core.fleet import Endpoint, Fleet
    from ops.ports import Ports

# A transfer costs a name server something, and who may have one seldom changes.
EVERY = timedelta(minutes=15)


async def transfers(endpoint: Endpoint, zone: str, *, timeout_s: float) -> bool | None:
    """Return whether the server begins to transfer `zone` to us, unsigned; None: it cannot be known."""
    query = dns.message.make_query(zone, dns.rdatatype.AXFR, flags=0)
    try:
        async with Connections(endpoint, 1).lend(
            str(endpoint), f"a transfer of {zone}", connect_s=timeout_s, timeout_s=timeout_s
        ) as stream:
            await stream.send(query.to_wire())
            answer = dns.message.from_wire(await stream.receive(), xfr=True)
    except (SharpnetError, dns.exception.DNSException):
        # Where it hangs up rather than answers, or does not answer at all: there is a check for that.
        return None
    return answer.rcode() == dns.rcode.NOERROR and bool(answer.answer)


def _targets(fleet: Fleet) -> Mapping[Target, timedelta]:
    if fleet.dns.open_transfers:
        return {}
    return {Target.nameserver(server.name): EVERY for server in fleet.dns.nameservers}


async def _look(ports: Ports, nameserver: str) -> tuple[str, ...] | None:
    fleet = ports.fleet
    endpoint = next(server.endpoint for server in fleet.dns.nameservers if server.name == nameserver)
    # Another zone each time, so that all have their turn.
    zone = fleet.dns.zones[int(ports.clock.monotonic() / EVERY.total_seconds()) % len(fleet.dns.zones)]
    found = await transfers(endpoint, zone, timeout_s=fleet.watch.timeout.total_seconds())
    if found is None:
        return None
    return (f"it lets anybody transfer {zone}",) if found else ()


CHECK = Check("transfers", _targets, _look)

"""Looks at a mail server's port: its banner, that it offers and takes STARTTLS, the handshake, and the certificate.

The certificate is judged only where the fleet file says for which name. Between mail servers TLS is opportunistic: a
sender takes any certificate rather than none (RFC 7435), and one that signs itself is common. Those who asked are told.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.fleet.target import Target
from core.monitor.site_limits import ends_soon
from ops.checks import Check
from ops.probe.tcp import talk
from ops.probe.trust import unverified, verifying

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import timedelta

    from core.fleet import Fleet, ServerChecks
    from ops.ports import Ports
    from ops.probe.lines import Dialogue


def mail_check(name: str, port_of: Callable[[ServerChecks], int | None], dialogue: Callable[[], Dialogue]) -> Check:
    """Return the check of the servers that have a port for it; `dialogue` ends well where STARTTLS was taken."""

    def targets(fleet: Fleet) -> Mapping[Target, timedelta]:
        asked = [server.name for server in fleet.servers.values() if port_of(server.checks) is not None]
        return {Target.server(server): fleet.watch.every for server in asked}

    async def look(ports: Ports, server: str) -> tuple[str, ...] | None:
        there = ports.fleet.servers[server]
        port = port_of(there.checks)
        if port is None:
            return None
        timeout_s = ports.fleet.watch.timeout.total_seconds()
        speaks, named = dialogue(), there.checks.mail_name
        starttls = (unverified() if named is None else verifying(), named)
        found = await talk(there.address, port, speaks, timeout_s=timeout_s, starttls=starttls)
        lacks = ends_soon(found.certificate_ends_at, there.checks.mail_certificate, ports.clock.now())
        why = lacks if found.ok else found.why
        return (f"{speaks.protocol}: {why}",) if why else ()

    return Check(name, targets, look)

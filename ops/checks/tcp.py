"""Ports of a server that must accept connections."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from core.fleet.target import Target
from ops.checks import Check
from ops.contracts import Look
from ops.probe.lines import Listener
from ops.probe.tcp import talk

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import timedelta

    from core.fleet import Fleet
    from ops.ports import Ports


class ConnectListener(Listener):
    """Is content with a connection."""

    def heard(self, _received: bytes) -> Look | None:
        """Return a good look: it is connected."""
        return Look(ok=True)

    def ended(self) -> Look:
        """Return a good look: it was connected."""
        return Look(ok=True)


def _targets(fleet: Fleet) -> Mapping[Target, timedelta]:
    return {Target.server(name): fleet.watch.every for name, server in fleet.servers.items() if server.checks.tcp}


async def _look(ports: Ports, server: str) -> tuple[str, ...] | None:
    there, timeout_s = ports.fleet.servers[server], ports.fleet.watch.timeout.total_seconds()
    looks = await asyncio.gather(
        *(talk(there.address, port, ConnectListener(), timeout_s=timeout_s) for port in there.checks.tcp)
    )
    return tuple(
        f"TCP port {port}: {look.why}" for port, look in zip(there.checks.tcp, looks, strict=True) if not look.ok
    )


CHECK = Check("tcp", _targets, _look)

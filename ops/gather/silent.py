"""Which servers do not answer at all, asked before something is begun that needs them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from core.failure import Failure, FailureCode

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from ops.ports import Ports


async def silent_servers(ports: Ports, servers: Collection[str]) -> Mapping[str, Failure]:
    """Return those of `servers` whose SSH does not answer from here now, with why."""
    timeout_s = ports.fleet.watch.timeout.total_seconds()
    looks = await asyncio.gather(*(ports.probe.ssh_banner(server, timeout_s=timeout_s) for server in servers))
    return {
        server: Failure(
            FailureCode.UNREACHABLE, f"{server} does not answer: {look.why}", "Nothing was changed. Try when it is up."
        )
        for server, look in zip(servers, looks, strict=True)
        if not look.ok
    }

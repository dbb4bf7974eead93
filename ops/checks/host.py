"""What a server says of itself over SSH: disk, inodes, memory, load, clock, failed units, a pending reboot."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.errors import HostKeyError, LoginRefusedError, SharpnetError, TooMuchError
from core.fleet.target import Target
from core.monitor.host_checks import ENDLESS, HostMeasurement, host_command, paths_of, remarks_of
from ops.checks import Check

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import timedelta

    from core.fleet import Fleet
    from ops.ports import Ports

TIMEOUT_S = 20.0


def _targets(fleet: Fleet) -> Mapping[Target, timedelta]:
    return {
        Target.server(name): server.checks.host.every
        for name, server in fleet.servers.items()
        if server.checks.host is not None
    }


async def _look(ports: Ports, server: str) -> tuple[str, ...] | None:
    limits = ports.fleet.servers[server].checks.host
    if limits is None:
        return None
    begun_s = ports.clock.now().timestamp()
    try:
        ran = await ports.ssh.run(server, host_command(paths_of(ports.fleet, server)), timeout_s=TIMEOUT_S)
    except LoginRefusedError:
        return ("it does not let the bot log in",)
    except HostKeyError:
        return ("its SSH host key cannot be confirmed",)
    except TooMuchError:
        return (ENDLESS,)
    except SharpnetError:
        return None
    measure = HostMeasurement(limits, begun_s, ports.clock.now().timestamp())
    return remarks_of(ran.out.decode("utf-8", "replace"), measure)


CHECK = Check("host", _targets, _look)

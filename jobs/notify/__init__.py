"""Telling people by other ways than Slack, and a dead-man's switch that the bot lives.

`tell_others(ports)` and `show_life(ports)` are started by the bot and go on until they are cancelled.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from jobs import Job
from jobs.notify.heartbeat import Heart
from jobs.notify.relay import Relay
from ops.fleetfile import secret_reader
from ops.notify import Ways

if TYPE_CHECKING:
    from datetime import datetime

    from ops.ports import Ports

__all__ = ["JOB", "show_life", "tell_others"]


async def tell_others(ports: Ports) -> None:
    """Send alerts by every route of the fleet file until cancelled."""
    await Relay(ports, Ways(secret_reader(ports.fleet))).run()


async def show_life(ports: Ports) -> None:
    """Ping the dead-man's switch, where the fleet file has one, until cancelled."""
    if ports.fleet.heartbeat is not None:
        await Heart(ports, Ways(secret_reader(ports.fleet)), ports.fleet.heartbeat).run()


async def notify(ports: Ports, _key: str, _at: datetime) -> None:
    """Send alerts until cancelled."""
    await tell_others(ports)


JOB = Job(name="notify", run=notify)

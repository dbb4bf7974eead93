"""Telling people by other ways than Slack, and a dead-man's switch that the bot lives.

`tell_others` and `show_life` are started by the bot and go on until they are cancelled.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from jobs import Job
from jobs.notify.heartbeat import HeartbeatSender
from jobs.notify.past_store import RoutesPastStore
from jobs.notify.relay import Relay
from jobs.notify.store_down import StoreWatch
from ops.fleetfile import secret_reader
from ops.notify.routes import NotificationRoutes

if TYPE_CHECKING:
    from collections.abc import Callable

    from core.fleet.target import Target
    from ops.ports import Ports

__all__ = ["JOB", "show_life", "tell_others"]


async def tell_others(ports: Ports, down: Callable[[], frozenset[Target]] = frozenset) -> None:
    """Send alerts by every route of the fleet file until cancelled; where the store fails, past it.

    down: says which targets are seen down now.
    """
    ways = NotificationRoutes(secret_reader(ports.fleet))
    async with asyncio.TaskGroup() as group:
        group.create_task(Relay(ports, ways).run(), name="notify-relay")
        if ports.fleet.notify:
            group.create_task(StoreWatch(ports, down, RoutesPastStore(ports, ways)).run(), name="notify-unstored")


async def show_life(ports: Ports) -> None:
    """Ping the dead-man's switch, where the fleet file has one, until cancelled."""
    if ports.fleet.heartbeat is not None:
        await HeartbeatSender(ports, NotificationRoutes(secret_reader(ports.fleet)), ports.fleet.heartbeat).run()


JOB = Job(name="notify", run=lambda ports, _key, _at: tell_others(ports))

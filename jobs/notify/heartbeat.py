"""A dead-man's switch: told that the bot lives while its watch goes round, and not a moment longer."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from core.errors import StoreError
from ops.gather.fleet_picture import is_watched

if TYPE_CHECKING:
    from core.fleet import Heartbeat
    from ops.notify.routes import NotificationRoutes
    from ops.ports import Ports

log = logging.getLogger(__name__)

WATCH_STANDS = "nothing was looked at lately"
FIRST_AFTER_S = 1.0


class HeartbeatSender:
    """Pings. What stops it: the process, its loop, its watch, its store; each of them is what the switch is for."""

    def __init__(self, ports: Ports, ways: NotificationRoutes, heartbeat: Heartbeat) -> None:
        self._ports = ports
        self._ways = ways
        self._heartbeat = heartbeat
        self._told = ""

    async def run(self) -> None:
        """Ping until cancelled, for the first time as soon as the watch has seen something."""
        every_s = self._heartbeat.every.total_seconds()
        began = False
        while True:
            why = await self._beat()
            if why != self._told:
                log.log(
                    logging.WARNING if why else logging.INFO, "heartbeat=%s", f"missing why={why!r}" if why else "ok"
                )
                self._told = why
            began = began or not why
            await self._ports.clock.sleep(every_s if began else min(every_s, FIRST_AFTER_S))

    async def _beat(self) -> str:
        """Ping once; return why that was not to be, or did not work, empty where it did."""
        try:
            # A store that can only be read gives nobody an alert.
            await self._ports.store.notifications.beat(self._ports.clock.now())
            if not await is_watched(self._ports):
                return WATCH_STANDS
        except StoreError as error:
            return error.message
        return await self._ways.ping(self._heartbeat.url)

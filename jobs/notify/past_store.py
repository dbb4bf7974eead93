"""Sends by every route at once without the store: nothing is on record, and nothing is tried again by itself."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from core.incident.notification import message_of
from core.reply import Tone

if TYPE_CHECKING:
    from core.reply import Reply
    from ops.notify.routes import NotificationRoutes
    from ops.ports import Ports

log = logging.getLogger(__name__)


class RoutesPastStore:
    """Implements `jobs.notify.store_down.TellDirectly`."""

    def __init__(self, ports: Ports, ways: NotificationRoutes) -> None:
        self._ports = ports
        self._ways = ways

    async def __call__(self, reply: Reply, *, news: bool) -> bool:
        """Send it by all routes; these know no edits. Taken where one took it."""
        if not news and reply.tone is not Tone.GOOD:
            return True
        fleet, now = self._ports.fleet, self._ports.clock.now()
        message = message_of(reply, now, None, fleet=fleet.name, timezone=fleet.timezone)
        attempts = await asyncio.gather(*(self._ways.send(route, message) for route in fleet.notify))
        for route, attempt in zip(fleet.notify, attempts, strict=True):
            if not attempt.taken:
                log.warning("notify=%s store=unwritable told=no why=%r", route, attempt.why)
        return any(attempt.taken for attempt in attempts)

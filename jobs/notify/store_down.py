"""Tells people directly, past the store, when the store cannot be written: a full disk must not swallow alerts."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Protocol

from core.errors import StoreError, StoreGoneError
from core.incident.store_down import store_failed, store_recovered

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from core.fleet.target import Target
    from core.reply import Reply
    from ops.ports import Ports

log = logging.getLogger(__name__)

LOOK_S = 5.0
# Another process may hold the store for some seconds.
PATIENCE_S = 20.0


class TellDirectly(Protocol):
    """A way to people that needs no store."""

    async def __call__(self, reply: Reply, *, news: bool) -> bool:
        """Tell it, and return whether it was taken. news: not only an edit of what was told last."""
        ...


class StoreWatch:
    """Tries the store, and tells of it by one way. Nothing of this outlives the process: there is nowhere to keep it.

    down: says which targets are seen down now.
    """

    def __init__(
        self, ports: Ports, down: Callable[[], frozenset[Target]], tell: TellDirectly, *, look_s: float = LOOK_S
    ) -> None:
        self._ports = ports
        self._down = down
        self._tell = tell
        self._look_s = look_s
        self._since: tuple[datetime, float] | None = None
        self._told: tuple[str, frozenset[Target]] | None = None

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            await self._look()
            await self._ports.clock.sleep(self._look_s)

    async def _look(self) -> None:
        clock = self._ports.clock
        now, now_s = clock.now(), clock.monotonic()
        try:
            await self._ports.store.notifications.beat(now)
        except StoreError as error:
            self._since = self._since or (now, now_s)
            if isinstance(error, StoreGoneError) or now_s - self._since[1] >= PATIENCE_S:
                await self._cannot(f"{error.message} {error.hint}".strip(), self._since[0])
            return
        if self._since is not None and self._told is not None:
            told = store_recovered(self._since[0], self._ports.fleet.timezone, now)
            if not await self._tell(told, news=False):
                return
            log.info("store=ok")
        self._since = self._told = None

    async def _cannot(self, why: str, since_at: datetime) -> None:
        down = self._down()
        if self._told == (why, down):
            return
        news = self._told is None or not down <= self._told[1]
        reply = store_failed(why, since_at, down, self._ports.fleet.timezone, self._ports.clock.now())
        log.error("store=unwritable down=%d why=%r", len(down), why)
        if await self._tell(reply, news=news):
            self._told = why, down

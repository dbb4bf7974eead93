"""What goes wrong in a look as nobody foresaw ends that look, and not the watch over all the others.

Its target is not seen then, and so becomes unknown. Why it is caught here: docs/decisions/0014. What this machine
itself lacks is told to people, once, as long as it lasts.
"""

from __future__ import annotations

import logging
import socket
from typing import TYPE_CHECKING, TypeVar

from core.own_lack import lacking_card, recovered_card
from core.wording import stamp
from ops.own_lack import own_lack

if TYPE_CHECKING:
    from collections.abc import Awaitable
    from datetime import datetime

    from core.errors import OwnLackError
    from ops.ports import Ports

log = logging.getLogger(__name__)

T = TypeVar("T")

# A lack is told when looks have met it for so long, and over when none has for so long.
TOLD_AFTER_S = 5.0
OVER_AFTER_S = 60.0


class OwnLacks:
    """What looks came to nothing by, since when; `tell` keeps people's message in step with it."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports
        self._lacks: dict[str, None] = {}
        self._unseen: set[str] = set()
        self._since: tuple[datetime, float] | None = None
        self._last_s = 0.0
        self._told: tuple[str, int] | None = None

    def note(self, error: OwnLackError, what: str) -> None:
        """Take in that the look at `what` met a lack."""
        clock = self._ports.clock
        if self._since is None:
            self._since = clock.now(), clock.monotonic()
            log.warning("watch=look of=%s own_lack=%r: %s", what, error.lack, error.message)
        self._last_s = clock.monotonic()
        self._lacks[error.lack] = None
        self._unseen.add(next((word for word in what.split() if ":" in word), what))

    async def tell(self) -> None:
        """Tell people of a lack that lasts, and that it is over. Raises StoreError; then the next time does it."""
        if self._since is None:
            return
        (since_at, since_s), clock, zone = self._since, self._ports.clock, self._ports.fleet.timezone
        machine, lacks = socket.gethostname(), tuple(self._lacks)
        key = f"own-lack:{machine}:{stamp(since_at)}"
        if clock.monotonic() - self._last_s >= OVER_AFTER_S:
            if self._told is not None:
                over = recovered_card(lacks, since_at, zone, clock.now())
                await self._ports.store.cards.put(key, over, clock.now())
            self._since = self._told = None
            self._lacks.clear()
            self._unseen.clear()
            log.info("watch=look own_lack=over")
            return
        known = ",".join(lacks), len(self._unseen)
        if self._last_s - since_s >= TOLD_AFTER_S and self._told != known:
            card = lacking_card(lacks, len(self._unseen), since_at, zone, clock.now())
            await self._ports.store.cards.put(key, card, clock.now())
            self._told = known


async def isolate_failure(look: Awaitable[T], what: str, lacks: OwnLacks) -> T | None:
    """Return what `look` does; None where it came to nothing: this machine lacks something, or by a mistake in here.

    The log tells a mistake with all of its way.
    """
    try:
        return await look
    except Exception as error:
        lack = own_lack(error)
        if lack is None:
            log.exception("watch=look of=%s failed inside", what)
        else:
            lacks.note(lack, what)
        return None

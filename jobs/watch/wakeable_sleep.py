"""Sleep that others may end: at most one sleeper each, by the process's own clock."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ops.contracts import Clock


class WakeableSleep:
    """A sleep of one coroutine, which any other one of the same loop may end before its time."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._sleep: asyncio.Future[None] | None = None

    async def rest(self, seconds: float) -> None:
        """Sleep so long, or until `end`; infinity: until `end` only."""
        if seconds == float("inf"):
            self._sleep = asyncio.get_running_loop().create_future()
        else:
            self._sleep = asyncio.ensure_future(self._clock.sleep(seconds))
        try:
            # Whoever ends it cancels the sleep, not the sleeper.
            await asyncio.wait([self._sleep])
        finally:
            self._sleep.cancel()

    def end(self) -> None:
        """Wake the sleeper now; nothing happens where there is none."""
        if self._sleep is not None:
            self._sleep.cancel()

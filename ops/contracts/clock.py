"""The time, as decisions and jobs may ask for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from datetime import datetime


class Clock(Protocol):
    """The time, and waiting for it."""

    def now(self) -> datetime:
        """Return the present moment, aware, in UTC."""

    def monotonic(self) -> float:
        """Return seconds that never go back, for measuring; while the machine sleeps they stand still."""

    def since_boot(self) -> float:
        """Return the seconds since the machine's start, those in which it slept among them."""

    async def sleep(self, seconds: float) -> None:
        """Wait."""

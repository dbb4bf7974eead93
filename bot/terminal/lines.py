"""Progress where no terminal is, as in a log: a line now and then, beside the answer and not in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import Console

    from core.reply import Reply

EVERY_S = 10.0


@dataclass(slots=True)
class PlainLines:
    """Writes the titles of interim replies to `console`, at most one in ten seconds and none twice.

    What is over within that time shows none. monotonic: seconds that never go back.
    """

    console: Console
    monotonic: Callable[[], float]
    _last_s: float | None = None
    _said: str = ""

    def take(self, reply: Reply) -> None:
        """Write the reply's title where it is time."""
        now_s = self.monotonic()
        if self._last_s is None:
            self._last_s = now_s
        if now_s - self._last_s < EVERY_S or reply.title == self._said:
            return
        self._last_s, self._said = now_s, reply.title
        self.console.print(reply.title)

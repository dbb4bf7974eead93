"""Processes of their own that type one line each, and what befalls them."""

from __future__ import annotations

import signal
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from asyncio.subprocess import Process
    from pathlib import Path


class Fate(NamedTuple):
    """What befalls a process: "frozen" or "killed" before its touch `at` of those whose names begin with `counts`."""

    name: str
    at: int
    counts: str = ""


@dataclass(eq=False)
class Typist:
    """A process that has typed one line. said: what befell it before which touch, or how it ended; empty: it goes on.

    halted: whether it is frozen, or was killed.
    """

    process: Process
    line: str
    clock: Path
    said: str = ""
    halted: bool = False

    @property
    def is_frozen(self) -> bool:
        """Whether it stands still."""
        return self.halted and self.process.returncode is None

    def set_clock(self, off_s: int) -> None:
        """Have it take the time for so much later than it is."""
        new = self.clock.with_suffix(".new")
        new.write_text(str(off_s))
        new.replace(self.clock)

    def wake(self) -> None:
        """Let it go on."""
        self.halted = False
        self.process.send_signal(signal.SIGCONT)

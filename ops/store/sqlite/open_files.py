"""Whether the files that SQLite has open are still those at their paths.

SQLite does not notice that its file was deleted or replaced: it goes on writing to one that nobody else can open, and
whoever opens the path gets another store. The journals belong to it: without them the newest is missing for others, and
two processes that hold different ones no longer see each other's locks (<https://sqlite.org/howtocorrupt.html>).
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from core.store_trouble import gone

if TYPE_CHECKING:
    from pathlib import Path

JOURNALS = ("", "-wal", "-shm")


class OpenFiles:
    """The files of a store that is open. Made right after it was opened in WAL mode and read once: all are there."""

    def __init__(self, path: Path) -> None:
        self._opened = {f"{path}{journal}": _which(f"{path}{journal}") for journal in JOURNALS}

    def ask(self) -> None:
        """Return where all of them are at their paths; a few microseconds. Raises StoreGoneError."""
        for path, opened in self._opened.items():
            here = _which(path)
            if here != opened:
                raise gone(path, replaced=here is not None)


def _which(path: str) -> tuple[int, int] | None:
    """Return what no other file has at the same time, or None where there is none that can be looked at."""
    try:
        found = os.stat(path)  # noqa: PTH116 - a third of the time, before and in every transaction
    except OSError:
        return None
    return found.st_dev, found.st_ino

"""Work that survives the process that began it."""

from __future__ import annotations

from typing import Protocol


class Engine(Protocol):
    """Durable work: it survives the process, and is carried out by one bot at a time."""

    async def submit(self, kind: str, subject: str) -> None:
        """Put a run of `kind` for `subject` (a plan's id) on record and start it; one that is there already goes on."""

    async def wait(self, kind: str, subject: str) -> None:
        """Return when the run has ended here or elsewhere."""

    async def sweep(self) -> None:
        """Take up, until cancelled, runs that nobody carries out any more."""

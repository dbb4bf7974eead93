"""Puts on record that syncs ended whose process is gone: the mirror is as it was, or whole."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from jobs import Job
from jobs.sync import end_interrupted

if TYPE_CHECKING:
    from datetime import datetime

    from ops.ports import Ports


async def look(ports: Ports, _key: str, _at: datetime) -> None:
    """End the syncs that nobody carries out any more."""
    await end_interrupted(ports)


JOB = Job(name="interrupted", run=look, every=timedelta(minutes=1), at_start=True)

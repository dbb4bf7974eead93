"""Reminds people of outages that nobody has acknowledged."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from core.incident.card import reminder
from core.incident.maintenance import silencing
from jobs import Job

if TYPE_CHECKING:
    from datetime import datetime

    from ops.ports import Ports


async def remind(ports: Ports, _key: str, _at: datetime) -> None:
    """Add a line to the thread of each alert whose turn it is; none of what a maintenance is on."""
    now = ports.clock.now()
    outages = [one for one in await ports.store.outages.all_open() if one.acked_by is None]
    if not outages:
        return
    planned = await ports.store.maintenance.now_and_planned()
    quiet = {one.target for one in outages if silencing(planned, one.target, now) is not None}
    every = ports.fleet.alerts.remind
    await ports.store.reminders.remind(every, quiet, lambda forgotten: reminder(forgotten, now), now)


JOB = Job(name="reminders", run=remind, every=timedelta(seconds=15))

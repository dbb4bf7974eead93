"""Begins planned maintenance when its time has come, and says once when one has not been ended in time."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from core.incident.card_maintenance import card_of
from core.incident.maintenance import Phase, begun, overrun
from jobs import Job
from ops.store.incident.maintenance import WHO

if TYPE_CHECKING:
    from datetime import datetime

    from core.incident.maintenance import Maintenance
    from core.reply import Reply
    from ops.ports import Ports


async def keep_time(ports: Ports, _key: str, _at: datetime) -> None:
    """Begin and tell what is due; what was missed while no bot ran, too."""
    now, store = ports.clock.now(), ports.store.maintenance

    def draw(one: Maintenance) -> Reply:
        return card_of(one, ports.fleet.timezone, now)

    for one in await store.now_and_planned():
        phase = one.phase(now)
        if phase is Phase.RUNNING and one.began_at is None:
            await store.change(one.id, lambda it: begun(it, it.starts_at), "begun", WHO, now, draw)
        elif phase is Phase.OVERRUN and one.overrun_at is None:
            await store.change(one.id, lambda it: overrun(it, now), "overrun", WHO, now, draw)


JOB = Job(name="maintenance", run=keep_time, every=timedelta(seconds=5), at_start=True)

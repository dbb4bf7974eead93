"""Watching: looks at every server, site and name server, and tells people when something drops (laws 6 and 7).

`Watcher(ports).run()` is started by the bot and goes on until it is cancelled; the scheduler has no part in it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from jobs import Job
from jobs.watch.watcher import Watcher

if TYPE_CHECKING:
    from datetime import datetime

    from ops.ports import Ports

__all__ = ["JOB", "Watcher"]


async def watch(ports: Ports, _key: str, _at: datetime) -> None:
    """Watch until cancelled."""
    await Watcher(ports).run()


JOB = Job(name="watch", run=watch)

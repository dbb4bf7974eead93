"""Asks the name servers of unfinished cutovers again until they agree, or nobody waits for them (law 3)."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from core.plan.plan import PlanState
from jobs import Job
from jobs.cutover.unfinished import finish_unfinished

if TYPE_CHECKING:
    from datetime import datetime

    from ops.ports import Ports


async def ask_again(ports: Ports, _key: str, _at: datetime) -> None:
    """Ask once for every unfinished cutover, and end those for which nobody has to wait any more."""
    for stored in await ports.store.plans.in_state(PlanState.UNFINISHED):
        await finish_unfinished(ports, stored)


JOB = Job(name="unfinished", run=ask_again, every=timedelta(seconds=10), at_start=True)

"""Reports files being kept from a returned copy whose process is gone as interrupted (law 9)."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import TYPE_CHECKING

from jobs import Job
from jobs.failback.keep import end_interrupted_keeps

if TYPE_CHECKING:
    from datetime import datetime

    from ops.ports import Ports

log = logging.getLogger(__name__)


async def report(ports: Ports, _key: str, _at: datetime) -> None:
    """End, on record, what nobody carries out any more."""
    ended = await end_interrupted_keeps(ports)
    if ended:
        log.warning("keeps=interrupted count=%d", ended)


JOB = Job(name="interrupted-keeps", run=report, every=timedelta(minutes=5), at_start=True)

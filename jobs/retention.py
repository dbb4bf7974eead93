"""Forgets what was observed longer ago than any page or picture shows, so that the store does not grow for ever."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import TYPE_CHECKING

from core.page.days import DAYS
from core.status.plot import first_slot
from jobs import Job

if TYPE_CHECKING:
    from datetime import datetime

    from ops.ports import Ports

log = logging.getLogger(__name__)

# A day more than pages show: days begin at midnight.
SHOWN = timedelta(days=DAYS + 1)


async def forget(ports: Ports, _key: str, _at: datetime) -> None:
    """Forget what nobody is shown any more; incidents and the record are kept."""
    now = ports.clock.now()
    stretches = await ports.store.history.forget(now - SHOWN)
    medians = await ports.store.latencies.forget(first_slot(now))
    log.info("forgot stretches=%d medians=%d", stretches, medians)


JOB = Job(name="forgetting", run=forget, triggers=lambda _fleet: (("daily", "50 3 * * *"),))

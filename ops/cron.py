"""When a cron expression of the fleet comes round next."""

from __future__ import annotations

from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from apscheduler.triggers.cron import CronTrigger

if TYPE_CHECKING:
    from datetime import datetime


def next_at(cron: str | None, timezone: str, now: datetime) -> datetime | None:
    """Return the next moment of `cron` (five fields, read in `timezone`) after `now`; None where it never comes."""
    if cron is None:
        return None
    moment: datetime | None = CronTrigger.from_crontab(cron, timezone=ZoneInfo(timezone)).get_next_fire_time(None, now)
    return moment

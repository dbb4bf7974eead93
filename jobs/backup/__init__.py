"""The off-site copy: every site saved from where it is active, proven, and brought back."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from jobs import Job
from jobs.backup.cards import look_at_ages, tell
from jobs.backup.listing import list_backups
from jobs.backup.many import BackupBatchResult, back_up_sites
from jobs.backup.one import BackupRequest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import datetime

    from core.backup.result import BackupProgress
    from core.fleet import Fleet, Site
    from ops.ports import Ports

__all__ = ["JOB", "BackupBatchResult", "BackupRequest", "back_up", "list_backups"]

BY_CLOCK = "bot:backup"
SCHEDULED = "scheduled"
LOOK_EVERY = timedelta(hours=1)


async def back_up(
    ports: Ports, sites: Sequence[Site], request: BackupRequest, on_progress: Callable[[BackupProgress], None]
) -> BackupBatchResult:
    """Back up sites because somebody asked; see `jobs.backup.many.back_up_sites`."""
    backed = await back_up_sites(ports, sites, request, on_progress)
    await tell(ports, backed, scheduled=False)
    return backed


async def by_clock(ports: Ports, key: str, _at: datetime) -> None:
    """Back up every site when that is due, and look every hour whether it was done."""
    if ports.restic is None:
        return
    if key != SCHEDULED:
        await look_at_ages(ports)
        return
    backed = await back_up_sites(ports, tuple(ports.fleet.sites.values()), BackupRequest(BY_CLOCK))
    await tell(ports, backed, scheduled=True)


def _triggers(fleet: Fleet) -> Iterable[tuple[str, str]]:
    if fleet.offsite is not None and fleet.schedule.backup is not None:
        yield SCHEDULED, fleet.schedule.backup


JOB = Job(name="backup", run=by_clock, triggers=_triggers, every=LOOK_EVERY, acts=True)

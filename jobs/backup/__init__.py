"""The off-site copy: every site saved from where it is active, proven, and brought back."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from core.fleet.target import Target
from jobs import Job
from jobs.backup.cards import look_at_ages, tell
from jobs.backup.listing import SnapshotListing, list_snapshots
from jobs.backup.lock import REPOSITORY, site_claim
from jobs.backup.many import BackupBatchResult, back_up_sites
from jobs.backup.one import BackupRequest
from ops.store.copies.backups import RESTORE, UPKEEP

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import datetime

    from core.backup.result import BackupProgress
    from core.fleet import Fleet, Site
    from ops.ports import Ports

__all__ = [
    "JOB",
    "BackupBatchResult",
    "BackupRequest",
    "SnapshotListing",
    "back_up",
    "end_interrupted",
    "list_snapshots",
]

BY_CLOCK = "bot:backup"
SCHEDULED = "scheduled"
LOOK_EVERY = timedelta(hours=1)


async def back_up(
    ports: Ports, sites: Sequence[Site], wish: BackupRequest, on_progress: Callable[[BackupProgress], None]
) -> BackupBatchResult:
    """Back up sites because somebody asked; see `jobs.backup.many.back_up_sites`."""
    backed = await back_up_sites(ports, sites, wish, on_progress)
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


async def end_interrupted(ports: Ports) -> int:
    """Put on record that runs ended whose bot is gone, and return how many: nobody holds their claim any more."""
    held = {(claim.name, claim.owner) for claim in await ports.store.claims.held(ports.clock.now())}
    ended = 0
    for run in await ports.store.backups.running():
        body = dict(run.body or {})
        names = {UPKEEP: REPOSITORY, RESTORE: str(Target.site(run.site))}
        name = names.get(run.kind, site_claim(run.site))
        if (name, str(body.get("owner", run.id))) not in held:
            left = (
                "what was restored is there whole, or not" if run.kind == RESTORE else "older backups are as they were"
            )
            body["why"] = f"the bot that ran it is gone; {left}"
            await ports.store.backups.end(run, "interrupted", None, body, ports.clock.now(), BY_CLOCK)
            ended += 1
    return ended


def _triggers(fleet: Fleet) -> Iterable[tuple[str, str]]:
    if fleet.offsite is not None and fleet.schedule.backup is not None:
        yield SCHEDULED, fleet.schedule.backup


JOB = Job(name="backup", run=by_clock, triggers=_triggers, every=LOOK_EVERY)

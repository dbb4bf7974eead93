"""Many sites backed up: one after the other on each server, the servers at once; then what is too old is let go."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from core.backup.result import BackupProgress, BackupResult
from core.backup.snapshots import is_upkeep_due
from core.errors import OvertakenError, RefusedError, SharpnetError
from core.failure import BEFORE_THE_REPOSITORY, Failure, FailureCode, trouble_facts
from jobs.backup.lock import REPOSITORY, offsite_of
from jobs.backup.one import BackupRequest, SiteBackup, not_begun
from jobs.sync.serving import serving_now
from ops.contracts import SiteLocation
from ops.first_error import first_error
from ops.gather.holding import holding
from ops.or_failure import or_failure
from ops.rsync.mirror import run_id
from ops.store.copies.backups import UPKEEP, BackupRun

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from core.fleet import Site
    from ops.contracts import Restic
    from ops.ports import Ports


@dataclass(frozen=True, slots=True)
class BackupBatchResult:
    """How a run over many sites ended. upkeep: what went wrong when old backups were let go; None: nothing."""

    results: tuple[BackupResult, ...]
    upkeep: Failure | None = None


@dataclass(slots=True)
class _BackupBatch:
    ports: Ports
    restic: Restic
    request: BackupRequest
    on_progress: Callable[[BackupProgress], None]
    making: asyncio.Lock = field(default_factory=asyncio.Lock)
    opened_from: list[str] = field(default_factory=list)

    async def on_server(self, server: str, sites: Sequence[Site]) -> list[BackupResult]:
        """Back up sites that one server serves, and give up early where it has no way to the repository."""
        broken = await self.open_repository(server)
        if broken is None:
            self.opened_from.append(server)
        results = []
        for site in sites:
            if broken is None:
                result = await self.one(site, server)
                if result.trouble is not None and result.trouble.code in BEFORE_THE_REPOSITORY:
                    broken = await self.open_repository(server)
            else:
                result = await not_begun(self.ports, site.name, server, broken, self.request.who)
            self.on_progress(BackupProgress(site.name, server, "done"))
            results.append(result)
        return results

    async def one(self, site: Site, server: str) -> BackupResult:
        """Back up one site, unless somebody else does."""
        try:
            place = SiteLocation(site, server)
            return await SiteBackup(self.ports, self.restic, place, self.request, self.on_progress).make()
        except RefusedError as error:
            held = Failure(FailureCode.HELD, error.message.rstrip("."), error.hint, refused=True)
            return BackupResult(site.name, server, "refused").ended_by(held)
        except OvertakenError as error:
            return BackupResult(site.name, server, "failed").ended_by(Failure.of(error))

    async def open_repository(self, server: str) -> Failure | None:
        """Open the repository from a server, made where there never was one; return what stands in the way."""
        return await or_failure(self._open(server))

    async def _open(self, server: str) -> Failure | None:
        async with self.making:
            trouble = await self.restic.open(server)
            never_made = trouble is not None and trouble.code == FailureCode.NO_REPOSITORY
            return await self._make(server) if never_made else trouble

    async def _make(self, server: str) -> Failure | None:
        """Make the repository, unless there has been one: then its disk is not mounted, or it was lost."""
        store, now = self.ports.store, self.ports.clock.now()
        if not self.request.new_repository and await store.backups.any_made():
            return Failure(
                FailureCode.REPOSITORY_GONE,
                "the repository at offsite.path is gone, though backups were made there",
                "Is its disk mounted on the off-site host? To begin anew without the old backups: "
                "`backup run --new-repository`.",
            )
        about = {"server": server, "path": self.ports.fleet.offsite.path if self.ports.fleet.offsite else ""}
        await store.record.add(now, "backup-repository.begun", self.ports.fleet.name, self.request.who, about)
        return await self.restic.make(server)


async def back_up_sites(
    ports: Ports,
    sites: Sequence[Site],
    request: BackupRequest,
    on_progress: Callable[[BackupProgress], None] = lambda _progress: None,
) -> BackupBatchResult:
    """Back up each site from where it is active, and let go of what `offsite.keep` does not keep; results in order.

    Raises RefusedError where the fleet has no off-site host or another run is under way, StoreError.
    """
    restic = offsite_of(ports)
    owner = run_id(ports.clock.now())
    async with holding(ports, REPOSITORY, owner, "a backup run"):
        serving = await serving_now(ports, sites, request.who)
        batch = _BackupBatch(ports, restic, request, on_progress)
        by_server: dict[str, list[Site]] = {}
        results: dict[str, BackupResult] = {}
        for site in sites:
            direction = serving.direction(site)
            if direction.source is None:
                why = Failure(
                    FailureCode.QUARANTINED,
                    direction.why or "",
                    "`sites` says what is served from where.",
                    refused=True,
                )
                server = serving.active.get(site.name, site.home)
                results[site.name] = await not_begun(ports, site.name, server, why, request.who)
            else:
                by_server.setdefault(direction.source, []).append(site)
                on_progress(BackupProgress(site.name, direction.source, "waiting"))
        with first_error():
            async with asyncio.TaskGroup() as group:
                working = [group.create_task(batch.on_server(*one)) for one in by_server.items()]
        results |= {result.site: result for task in working for result in task.result()}
        good = [result for result in results.values() if result.may_forget]
        upkeep = await or_failure(_upkeep(batch, good, owner))
        return BackupBatchResult(tuple(results[site.name] for site in sites), upkeep)


async def _upkeep(batch: _BackupBatch, good: Sequence[BackupResult], owner: str) -> Failure | None:
    """Let go of old backups of those sites that were backed up well, and once a day of the data that nobody needs."""
    ports, restic = batch.ports, batch.restic
    if not good or not batch.opened_from:
        return None
    server = batch.opened_from[0]
    last = (await ports.store.backups.newest(UPKEEP, ("done",))).get("")
    due = is_upkeep_due(last.begun_at if last is not None else None, ports.clock.now())
    trouble = await restic.forget(server, [result.site for result in good])
    if trouble is not None or not due:
        return trouble
    run = BackupRun(f"{owner}-upkeep", UPKEEP, "", server, ports.clock.now(), body={"owner": owner})
    await ports.store.backups.begin(run, batch.request.who)
    return await _prune(batch, run)


async def _prune(batch: _BackupBatch, run: BackupRun) -> Failure | None:
    ports, restic = batch.ports, batch.restic
    try:
        trouble = await restic.prune(run.server)
        size = await restic.size(run.server) if trouble is None else None
    except SharpnetError as error:
        trouble, size = Failure.of(error), None
    body = ({"size_bytes": size} if isinstance(size, int) else {}) | trouble_facts(trouble)
    outcome = "done" if trouble is None else "failed"
    await ports.store.backups.end(run, outcome, None, body, ports.clock.now(), batch.request.who)
    return trouble

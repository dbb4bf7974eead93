"""Many sites backed up: one after the other on each server, the servers at once; then what is too old is let go."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from core.backup.result import BackupProgress, BackupResult
from core.backup.retention import let_go
from core.backup.snapshots import RecordEnd, is_upkeep_due
from core.errors import OvertakenError, RefusedError
from core.failure import BEFORE_THE_REPOSITORY, Failure, FailureCode, trouble_facts
from jobs.backup.listing import list_backups
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
    from collections.abc import Callable, Iterable, Sequence

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
    record: RecordEnd
    on_progress: Callable[[BackupProgress], None]
    opened: list[str] = field(default_factory=list)

    async def on_server(self, server: str, sites: Sequence[Site]) -> list[BackupResult]:
        """Back up sites that one server serves, and give up early where it has no way to its repository."""
        broken = await or_failure(self._open(server))
        if broken is None:
            self.opened.append(server)
        results = []
        for site in sites:
            if broken is None:
                result = await self.one(site, server)
                if result.trouble is not None and result.trouble.code in BEFORE_THE_REPOSITORY:
                    broken = await or_failure(self.restic.probe(server))
            else:
                result = await not_begun(self.ports, site.name, server, broken, self.request.who)
            self.on_progress(BackupProgress(site.name, server, "done"))
            results.append(result)
        return results

    async def one(self, site: Site, server: str) -> BackupResult:
        """Back up one site, unless somebody else does."""
        try:
            place = SiteLocation(site, server)
            backup = SiteBackup(self.ports, self.restic, place, self.request, self.record, self.on_progress)
            return await backup.make()
        except RefusedError as error:
            held = Failure(FailureCode.HELD, error.message.rstrip("."), error.hint, refused=True)
            return BackupResult(site.name, server, "refused").ended_by(held)
        except OvertakenError as error:
            return BackupResult(site.name, server, "failed").ended_by(Failure.of(error))

    async def _open(self, server: str) -> Failure | None:
        """Open a server's repository, made where there never was one; return what stands in the way."""
        trouble = await self.restic.open(server)
        never_made = trouble is not None and trouble.code == FailureCode.NO_REPOSITORY
        return await self._make(server) if never_made else trouble

    async def _make(self, server: str) -> Failure | None:
        """Make the repository, unless there has been one, or none is there any more: then no disk is mounted."""
        store, now = self.ports.store, self.ports.clock.now()
        made = await store.backups.made_in()
        if not self.request.new_repository and made and (server in made or not await self._is_any_there(made)):
            return Failure(
                FailureCode.REPOSITORY_GONE,
                "the repository at offsite.path is gone, though backups were made there",
                "Is its disk mounted on the off-site host? To begin anew without the old backups: "
                "`backup run --new-repository`.",
            )
        about = {"server": server, "path": self.ports.fleet.offsite.path if self.ports.fleet.offsite else ""}
        await store.record.add(now, "backup-repository.begun", self.ports.fleet.name, self.request.who, about)
        return await self.restic.make(server)

    async def _is_any_there(self, repositories: Iterable[str]) -> bool:
        for repository in sorted(repositories):
            if not isinstance(await or_failure(self.restic.snapshots(repository)), Failure):
                return True
        return False


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
        own = await ports.store.identity.own(ports.clock.now())
        batch = _BackupBatch(ports, restic, request, RecordEnd(own.store, own.number, own.hash), on_progress)
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
    """Let go of old backups of those sites that were backed up well, and once a day of the data that nobody needs.

    A repository that fails holds back none of the others.
    """
    ports, restic, offsite = batch.ports, batch.restic, batch.ports.fleet.offsite
    last = (await ports.store.backups.newest(UPKEEP, ("done",))).get("")
    due = is_upkeep_due(last.begun_at if last is not None else None, ports.clock.now())
    if not good or offsite is None or not (due or offsite.keep):
        return None
    backups = await list_backups(ports)
    going: dict[str, list[str]] = defaultdict(list)
    for result in good:
        of_site = [one for one in backups if one.snapshot.site == result.site]
        for one in let_go(of_site, offsite.keep):
            going[one.snapshot.repository].append(one.snapshot.full_id)
    ended = [await or_failure(_forgotten(restic, *one)) for one in going.items()]
    trouble = next((one for one in ended if one is not None), None)
    if not due:
        return trouble
    run = BackupRun(f"{owner}-upkeep", UPKEEP, "", "", ports.clock.now(), body={"owner": owner})
    await ports.store.backups.begin(run, batch.request.who)
    pruned = await _prune(batch, run, sorted({*batch.opened, *(one.snapshot.repository for one in backups)}))
    return trouble or pruned


async def _forgotten(restic: Restic, repository: str, full_ids: Sequence[str]) -> Failure | None:
    # Opened by this run or not: whoever has died in there since has left a lock.
    return await restic.open(repository) or await restic.forget(repository, full_ids)


async def _prune(batch: _BackupBatch, run: BackupRun, repositories: Sequence[str]) -> Failure | None:
    """Prune one after the other, and measure what they take."""
    ports = batch.ports
    measured = [await or_failure(_pruned(batch.restic, repository)) for repository in repositories]
    trouble = next((one for one in measured if isinstance(one, Failure)), None)
    sizes = [one for one in measured if not isinstance(one, Failure)]
    body = ({"size_bytes": sum(sizes)} if trouble is None else {}) | trouble_facts(trouble)
    outcome = "done" if trouble is None else "failed"
    await ports.store.backups.end(run, outcome, None, body, ports.clock.now(), batch.request.who)
    return trouble


async def _pruned(restic: Restic, repository: str) -> int | Failure:
    trouble = await restic.open(repository) or await restic.prune(repository)
    return await restic.size(repository) if trouble is None else trouble

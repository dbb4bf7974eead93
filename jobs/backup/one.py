"""One site backed up from where it is active: on record before it starts, and never from a source that looks lost."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from core.backup.origin import SavedPaths
from core.backup.result import BackupProgress, BackupResult
from core.backup.snapshots import SHORT_ID, Extent, shrank, why_not_back_up
from core.errors import SharpnetError
from core.failure import Failure, FailureCode
from core.wording import count, listing
from jobs.backup.lock import site_claim
from jobs.backup.place import root_of
from ops.gather.holding import holding
from ops.or_failure import or_failure
from ops.rsync.mirror import run_id
from ops.store.copies.backups import SAVE, BackupRun

if TYPE_CHECKING:
    from collections.abc import Callable

    from core.backup.snapshots import RecordEnd
    from ops.contracts import BackupSource, Restic, SiteLocation
    from ops.ports import Ports

NAMED_FILES = 3


@dataclass(frozen=True, slots=True)
class BackupRequest:
    """What was asked of a backup.

    allow_shrink: take what is there now for the measure of later backups, however little. new_repository: make one even
    though there has been one. who: a person's label, or the job.
    """

    who: str
    allow_shrink: bool = False
    new_repository: bool = False


async def not_begun(ports: Ports, site: str, server: str, trouble: Failure, who: str) -> BackupResult:
    """Put on record that a backup was asked for and not begun, and return its result."""
    result = BackupResult(site, server, "failed").ended_by(trouble)
    await ports.store.record.add(ports.clock.now(), f"{SAVE}.{result.outcome}", site, who, result.facts)
    return result


@dataclass(frozen=True, slots=True)
class SiteBackup:
    """One site to be backed up. record: where the record ended when the run began."""

    ports: Ports
    restic: Restic
    place: SiteLocation
    request: BackupRequest
    record: RecordEnd
    on_progress: Callable[[BackupProgress], None]

    async def make(self) -> BackupResult:
        """Back up, on record from before the first step to the end; what goes wrong is in the result.

        Raises RefusedError where somebody else does, StoreError.
        """
        ports, who, began_s = self.ports, self.request.who, self.ports.clock.monotonic()
        site, server = self._base_result.site, self._base_result.server
        now = ports.clock.now()
        owner = run_id(now)
        run = BackupRun(owner, SAVE, site, server, now, body={"owner": owner})
        async with holding(ports, site_claim(site), owner, f"a backup of {site}"):
            # Asked where it is served from before it was claimed, which may be long ago.
            serves = (await ports.store.copies.active()).get(site, server)
            if serves != server:
                moved = Failure(
                    FailureCode.DIRECTION, f"it is served from {serves} now", "Back up again.", refused=True
                )
                return await not_begun(ports, site, server, moved, who)
            await ports.store.backups.begin(run, who)
            try:
                found = await or_failure(self._save())
                result = self._base_result.ended_by(found) if isinstance(found, Failure) else found
            except asyncio.CancelledError:
                why = {"why": "it was given up; older backups are as they were"}
                await ports.store.backups.end(run, "interrupted", None, why, ports.clock.now(), who)
                raise
            result = replace(result, took_s=ports.clock.monotonic() - began_s)
            await ports.store.backups.end(run, result.outcome, result.snapshot, result.facts, ports.clock.now(), who)
        return result

    @property
    def _base_result(self) -> BackupResult:
        return BackupResult(self.place.site.name, self.place.server, "good")

    async def _save(self) -> BackupResult:
        self._show("counting")
        place = self.place
        source = await self.restic.survey(place)
        if isinstance(source, Failure) and source.code == FailureCode.SOURCE_SYMLINK:
            found = await root_of(self.ports, place.site, place.server)
            if isinstance(found, Failure):
                return self._base_result.ended_by(_lost(found))
            place = found
            source = await self.restic.survey(place)
        if isinstance(source, Failure):
            return self._base_result.ended_by(source)
        trouble = why_not_back_up(source.extent, place.server)
        if trouble is not None:
            return self._base_result.ended_by(trouble)
        if not place.site.databases:
            return await self._snapshot(place, source)
        settled = await self.restic.settled(place)
        if isinstance(settled, Failure):
            return self._base_result.ended_by(_lost(settled))
        try:
            # A run that was killed may have left some there.
            await self.restic.remove(settled, sampled=False)
            trouble = await self._dump(settled)
            return self._base_result.ended_by(trouble) if trouble is not None else await self._snapshot(settled, source)
        finally:
            with contextlib.suppress(SharpnetError):
                await self.restic.remove(settled, sampled=False)

    async def _dump(self, place: SiteLocation) -> Failure | None:
        for database in place.site.databases:
            self._show(f"dumping {database.name}")
            dumping, first = self.ports.databases.dump_line(database, place.server)
            trouble = await self.restic.dump(place, database, dumping, first)
            if trouble is not None:
                return trouble
        return None

    async def _snapshot(self, place: SiteLocation, source: BackupSource) -> BackupResult:
        site = place.site
        self._show(f"saving {count(source.extent.files, 'file')}")
        saved = await self.restic.save(place, source, self.record, with_dumps=bool(site.databases))
        if isinstance(saved, Failure):
            return self._base_result.ended_by(saved)
        result = replace(
            self._base_result,
            files=saved.files - len(site.databases),
            size_bytes=saved.size_bytes,
            new_bytes=saved.new_bytes,
            databases=len(site.databases),
            snapshot=saved.full_id[:SHORT_ID],
            full_id=saved.full_id,
            repository=self.place.server,
            paths=SavedPaths(place.root, place.dumps if site.databases else ""),
        )
        now = Extent(result.files, result.size_bytes)
        trouble = why_not_back_up(now, self.place.server) or _unreadable(saved.unreadable, self.place.server)
        if trouble is not None:
            return result.ended_by(trouble)
        before = None if self.request.allow_shrink else await self._before()
        return replace(result, shrank=shrank(before, now))

    async def _before(self) -> Extent | None:
        run = await self.ports.store.backups.newest_whole(self._base_result.site)
        if run is None:
            return None
        return Extent(int(str(run.body["files"])), int(str(run.body["size_bytes"])))

    def _show(self, doing: str) -> None:
        self.on_progress(BackupProgress(self._base_result.site, self._base_result.server, doing))


def _lost(why: Failure) -> Failure:
    """Return it as a failure, which people are told of: no backup is made as long as nobody mends it."""
    return replace(why, refused=False)


def _unreadable(paths: tuple[str, ...], server: str) -> Failure | None:
    if not paths:
        return None
    return Failure(
        FailureCode.SOURCE_UNREADABLE,
        f"{count(len(paths), 'file')} could not be read on {server}: {listing(paths, NAMED_FILES)}",
        "Let the SSH user read them, or exclude them in app.yaml. The others are saved; nothing older was let go.",
    )

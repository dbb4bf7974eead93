"""What is in the repositories, and what is on record about it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from core.backup.origin import Backup, ExpectedPaths, Origin, RecordedBackup, SavedPaths, backup_of
from core.backup.report import BackupHistory, ListedBackup
from core.backup.repositories import SHARED
from core.backup.snapshots import SHRUNK
from core.errors import RefusedError
from core.failure import Failure, FailureCode
from core.wording import listing
from jobs.backup.lock import REPOSITORY, offsite_of
from ops.contracts import DUMPS, SiteLocation
from ops.or_failure import or_failure
from ops.store.copies.backups import PROOF, SAVE, UPKEEP, BackupRun
from ops.work_folder import WORK_FOLDER, site_key

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from core.backup.snapshots import Snapshot
    from core.fleet import Fleet, Site
    from ops.ports import Ports

# Each is a restic on the bot's machine.
AT_ONCE = 3


async def list_backups(ports: Ports, site: Site | None = None) -> tuple[Backup, ...]:
    """Return what the repositories say that they have of the fleet or one site, newest first, and whose word that is.

    Raises RefusedError where one of them that may hold some cannot be read: the newest might be there.
    """
    restic, name = offsite_of(ports), site.name if site is not None else None
    made = await ports.store.backups.made_in(name)
    sites = [site] if site is not None else ports.fleet.sites.values()
    servers = dict.fromkeys(server for one in sites for server in one.servers)
    repositories = [*dict.fromkeys([*servers, *sorted(made), SHARED])]
    gate = asyncio.Semaphore(AT_ONCE)

    async def ask(repository: str) -> tuple[Snapshot, ...] | Failure:
        async with gate:
            return await or_failure(restic.snapshots(repository, name))

    found = await asyncio.gather(*map(ask, repositories))
    snapshots: list[Snapshot] = []
    failures: dict[str, str] = {}
    none_is_there = all(isinstance(one, Failure) for one in found)
    for repository, one in zip(repositories, found, strict=True):
        if not isinstance(one, Failure):
            snapshots += one
        # That of a server that has left, or the one of before, may have been removed: not so where nothing is left.
        elif one.code != FailureCode.NO_REPOSITORY or (repository in made and (repository in servers or none_is_there)):
            failures[one.message] = one.hint
    if failures:
        hint = next(iter(failures.values()))
        raise RefusedError(f"The off-site backups cannot be read: {listing(list(failures))}.", hint=hint)
    backups = await _judged(ports, snapshots)
    return tuple(sorted(backups, key=lambda one: (one.saved_at, one.snapshot.full_id), reverse=True))


async def _judged(ports: Ports, snapshots: Sequence[Snapshot]) -> tuple[Backup, ...]:
    """Return what the record and app.yaml know of what a repository says that it has."""
    runs = await ports.store.backups.by_snapshot(snapshot.id for snapshot in snapshots)
    expected = _expected(ports.fleet)
    return tuple(
        backup_of(
            snapshot,
            ports.fleet.name,
            [_recorded(run) for run in runs.get(snapshot.id, ())],
            expected.get(snapshot.site, {}),
        )
        for snapshot in snapshots
    )


async def with_figures(ports: Ports, backups: Sequence[Backup]) -> tuple[ListedBackup, ...]:
    """Return backups with what the runs that made them have counted."""
    runs = await ports.store.backups.by_snapshot(backup.snapshot.id for backup in backups)
    return tuple(_listed(backup, runs.get(backup.snapshot.id, ())) for backup in backups)


async def known_backups(ports: Ports) -> tuple[BackupHistory, ...]:
    """Return what is on record of every site's backups; nothing is asked of any server."""
    backups = ports.store.backups
    good = await backups.newest(SAVE, ("good",))
    last = await backups.newest(SAVE, ("good", "refused", "failed", "interrupted"))
    proofs = await backups.newest(PROOF, ("proven", "differs"))
    return tuple(_known(site, good.get(site), last.get(site), proofs.get(site)) for site in ports.fleet.sites)


async def repository_bytes(ports: Ports) -> int | None:
    """Return how large the repository was when it was last measured, in bytes; None: never."""
    run = (await ports.store.backups.newest(UPKEEP, ("done",))).get("")
    size = run.body.get("size_bytes") if run is not None else None
    return int(str(size)) if size is not None else None


async def under_way(ports: Ports) -> str:
    """Say what works in the repository now; empty: nothing."""
    held = await ports.store.claims.held()
    return next((claim.purpose for claim in held if claim.name == REPOSITORY), "")


def _expected(fleet: Fleet) -> Mapping[str, Mapping[str, ExpectedPaths]]:
    """Return by site and server what would be saved."""
    places = [SiteLocation(site, server) for site in fleet.sites.values() for server in site.servers]
    roots: dict[str, list[str]] = {}
    for place in places:
        roots.setdefault(place.server, []).append(place.root)
    on_server = {server: tuple(found) for server, found in roots.items()}
    expected: dict[str, dict[str, ExpectedPaths]] = {}
    for place in places:
        dumps = f"/{WORK_FOLDER}/{site_key(place.site.name)}/{DUMPS}"
        paths = ExpectedPaths(place.root, on_server[place.server], WORK_FOLDER, dumps)
        expected.setdefault(place.site.name, {})[place.server] = paths
    return expected


def _recorded(run: BackupRun) -> RecordedBackup:
    root, full_id = str(run.body.get("root", "")), str(run.body.get("full_id", ""))
    paths = SavedPaths(root, str(run.body.get("dumps", ""))) if root else None
    repository = str(run.body.get("repository", SHARED))
    return RecordedBackup(full_id or str(run.snapshot), run.site, run.server, run.begun_at, paths, repository)


def _listed(backup: Backup, runs: Sequence[BackupRun]) -> ListedBackup:
    run = next((run for run in runs if run.begun_at == backup.saved_at), None)
    if run is None or backup.origin is not Origin.RECORDED:
        return ListedBackup(backup)
    return ListedBackup(
        backup, int(str(run.body["files"])), int(str(run.body["size_bytes"])), partly=run.outcome != "good"
    )


def _known(site: str, good: BackupRun | None, last: BackupRun | None, proof: BackupRun | None) -> BackupHistory:
    body = good.body if good is not None else {}
    bad = last is not None and last.outcome != "good"
    trouble = str(last.body.get("why", last.outcome)) if last is not None and bad else ""
    shrank = str(body.get("shrank") or "")
    return BackupHistory(
        site=site,
        backed_up_at=good.begun_at if good is not None else None,
        server=good.server if good is not None else "",
        files=int(str(body.get("files", 0))),
        size_bytes=int(str(body.get("size_bytes", 0))),
        trouble=trouble or (f"{SHRUNK}: {shrank}" if shrank else ""),
        proven_at=proof.ended_at if proof is not None else None,
        proven=proof is None or proof.outcome == "proven",
    )

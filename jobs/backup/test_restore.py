"""Proving backups: a sample of each site is restored beside it, compared with the live site by hash, and removed."""

from __future__ import annotations

import contextlib
import secrets
from dataclasses import replace
from typing import TYPE_CHECKING

from core.backup.origin import Backup, newest_of
from core.backup.result import BackupProgress
from core.backup.sample import RestoreTestResult, SampleOutcome, judge_file, restore_s, within
from core.errors import SharpnetError
from core.failure import Failure, FailureCode
from jobs.backup.listing import list_backups
from jobs.backup.lock import REPOSITORY, offsite_of, site_claim
from jobs.backup.place import place_of
from jobs.sync.serving import serving_now
from ops.contracts import SiteLocation
from ops.gather.holding import holding
from ops.or_failure import or_failure
from ops.rsync.mirror import run_id
from ops.store.copies.backups import PROOF, BackupRun

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from core.fleet import Site
    from ops.contracts import Restic, SnapshotFiles
    from ops.ports import Ports

RANDOM_FILES = 12
# Large enough to measure a rate, small enough for any disk.
MOST_BYTES = 64 << 20


async def prove_sites(
    ports: Ports, sites: Sequence[Site], who: str, on_progress: Callable[[BackupProgress], None]
) -> tuple[tuple[RestoreTestResult, ...], Failure | None]:
    """Prove the newest backup of each site, and return the proofs, and what is wrong with the repository itself.

    Raises RefusedError where the fleet has no off-site host or a backup run is under way, StoreError.
    """
    restic = offsite_of(ports)
    owner = run_id(ports.clock.now())
    async with holding(ports, REPOSITORY, owner, "a verification of backups"):
        serving = await serving_now(ports, sites, who)
        backups = await or_failure(list_backups(ports, sites[0] if len(sites) == 1 else None))
        structures: dict[str, Failure | None] = {}
        proofs = []
        for site in sites:
            server = serving.active.get(site.name, site.home)
            on_progress(BackupProgress(site.name, server, "comparing"))
            backup = backups if isinstance(backups, Failure) else newest_of(backups, site.name)
            if isinstance(backup, Backup):
                repository = backup.snapshot.repository
                if repository not in structures:
                    structures[repository] = await or_failure(restic.check(repository))
                # Reading what is gone is tried for a quarter of an hour, file by file.
                backup = structures[repository] or backup
            proof = await or_failure(_on_record(ports, restic, SiteLocation(site, server), backup, who))
            # One that somebody else works on, say, is no reason to leave the others unproven.
            proofs.append(
                proof if not isinstance(proof, Failure) else RestoreTestResult(site.name, server, trouble=proof)
            )
            on_progress(BackupProgress(site.name, server, "done"))
        return tuple(proofs), next((one for one in structures.values() if one is not None), None)


async def _on_record(
    ports: Ports, restic: Restic, place: SiteLocation, backup: Backup | Failure | None, who: str
) -> RestoreTestResult:
    """Prove one site's newest backup, on record from before its first step to its end."""
    now = ports.clock.now()
    base_result = RestoreTestResult(place.site.name, place.server)
    owner = run_id(now)
    run = BackupRun(owner, PROOF, base_result.site, place.server, now, body={"owner": owner})
    async with holding(
        ports, site_claim(base_result.site), owner, f"a verification of the backup of {base_result.site}"
    ):
        await ports.store.backups.begin(run, who)
        proof = await _proven(ports, restic, place, backup, base_result)
        id_ = proof.snapshot.id if proof.snapshot is not None else None
        await ports.store.backups.end(run, proof.outcome, id_, proof.facts, ports.clock.now(), who)
    return proof


async def _proven(
    ports: Ports,
    restic: Restic,
    place: SiteLocation,
    backup: Backup | Failure | None,
    base_result: RestoreTestResult,
) -> RestoreTestResult:
    if isinstance(backup, Failure):
        return replace(base_result, trouble=backup)
    if backup is None:
        why = Failure(FailureCode.NO_BACKUP, "there is no backup of it", "Make one with `backup run`.")
        return replace(base_result, trouble=why)
    base_result = replace(base_result, snapshot=backup.snapshot)
    found = await or_failure(_compared_there(ports, restic, place, backup, base_result))
    return replace(base_result, trouble=found) if isinstance(found, Failure) else found


async def _compared_there(
    ports: Ports, restic: Restic, place: SiteLocation, backup: Backup, base_result: RestoreTestResult
) -> RestoreTestResult:
    there = await place_of(ports, place.site, place.server)
    if isinstance(there, Failure):
        return replace(base_result, trouble=there)
    return await _compared(ports, restic, there, backup, base_result)


async def _compared(
    ports: Ports, restic: Restic, place: SiteLocation, backup: Backup, base_result: RestoreTestResult
) -> RestoreTestResult:
    snapshot, dumps = backup.snapshot, backup.paths.dumps
    began_s = ports.clock.monotonic()
    chosen = await restic.choose(place, snapshot, dumps, RANDOM_FILES, MOST_BYTES, secrets.randbelow(1 << 30))
    overhead_s = ports.clock.monotonic() - began_s
    if isinstance(chosen, Failure):
        return replace(base_result, trouble=chosen)
    chosen = replace(chosen, files=within(chosen.files, backup.paths))
    if not chosen.files:
        why = Failure(FailureCode.NOT_RESTORED, "the backup names no file of the site", "Back up, and verify again.")
        return replace(base_result, trouble=why)
    try:
        began_s = ports.clock.monotonic()
        trouble = await restic.sample(place, snapshot, [path for path, _ in chosen.files])
        sample_s = ports.clock.monotonic() - began_s
        if trouble is not None:
            return replace(base_result, trouble=trouble)
        full_s = restore_s(chosen.extent.size_bytes, sum(size for _, size in chosen.files), sample_s, overhead_s)
        return await _judged(restic, place, backup, chosen, replace(base_result, whole=chosen.extent, full_s=full_s))
    finally:
        # What is left there is cleared away by the next one.
        with contextlib.suppress(SharpnetError):
            await restic.remove(place, sampled=True)


async def _judged(
    restic: Restic, place: SiteLocation, backup: Backup, chosen: SnapshotFiles, base_result: RestoreTestResult
) -> RestoreTestResult:
    root, dumps = backup.paths.root, backup.paths.dumps
    paths = [path for path, _ in chosen.files]
    of_dumps = [path for path in paths if dumps and path.startswith(f"{dumps}/")]
    of_site = [path for path in paths if path.startswith(f"{root}/")]
    live = [place.root + path.removeprefix(root) for path in of_site]
    rows = await restic.compare(place, [(path, path.removeprefix(root)) for path in of_site])
    broken = await restic.broken_dumps(place, of_dumps)
    if isinstance(rows, Failure):
        return replace(base_result, trouble=rows)
    if isinstance(broken, Failure):
        return replace(base_result, trouble=broken)
    files = {path: judge_file(*row, backup.snapshot) for path, row in zip(live, rows, strict=True)}
    names = tuple(path.rpartition("/")[2] for path in broken)
    if files and all(one is SampleOutcome.LEFT_OUT for one in files.values()) and not of_dumps:
        why = Failure(
            FailureCode.ALL_CHANGED,
            "every file of the sample was changed since the backup",
            "Back up, and verify again.",
        )
        return replace(base_result, trouble=why)
    return replace(base_result, files=files, dumps=len(of_dumps), broken=names)

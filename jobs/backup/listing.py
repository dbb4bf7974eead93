"""What is in the repository, asked from a server that can open it, and what is on record about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.backup.report import BackupHistory, ListedSnapshot
from core.backup.snapshots import SHRUNK
from core.errors import RefusedError
from core.failure import OF_THE_REPOSITORY, Failure, FailureCode
from core.wording import listing
from jobs.backup.lock import REPOSITORY, offsite_of
from ops.or_failure import or_failure
from ops.store.copies.backups import PROOF, SAVE, UPKEEP, BackupRun

if TYPE_CHECKING:
    from core.backup.snapshots import Snapshot
    from core.fleet import Site
    from ops.ports import Ports


@dataclass(frozen=True, slots=True)
class SnapshotListing:
    """The snapshots of the fleet or one site, newest first, and the server that they were asked from."""

    snapshots: tuple[Snapshot, ...]
    server: str


async def list_snapshots(ports: Ports, site: Site | None = None, *, first: str | None = None) -> SnapshotListing:
    """Ask for the snapshots from the first server that can, beginning with `first`; none where none was ever made.

    Raises RefusedError with every server's reason where none can.
    """
    restic = offsite_of(ports)
    active = await ports.store.copies.active()
    likely = [first] if first is not None else []
    likely += [active.get(site.name, site.home)] if site is not None else []
    reasons: list[str] = []
    hint = ""
    for server in dict.fromkeys([*likely, *ports.fleet.servers]):
        found = await or_failure(restic.snapshots(server, site.name if site is not None else None))
        if not isinstance(found, Failure):
            return SnapshotListing(found, server)
        if found.code == FailureCode.NO_REPOSITORY and not await ports.store.backups.any_made():
            return SnapshotListing((), server)
        reasons.append(found.message)
        hint = hint or found.hint
        if found.code in OF_THE_REPOSITORY:
            break
    raise RefusedError(f"The off-site backups cannot be read: {listing(list(dict.fromkeys(reasons)))}.", hint=hint)


async def with_figures(ports: Ports, snapshots: tuple[Snapshot, ...]) -> tuple[ListedSnapshot, ...]:
    """Return snapshots with what the runs that made them have counted."""
    runs = await ports.store.backups.by_snapshot(snapshot.id for snapshot in snapshots)
    return tuple(_listed(snapshot, runs.get(snapshot.id)) for snapshot in snapshots)


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


def _listed(snapshot: Snapshot, run: BackupRun | None) -> ListedSnapshot:
    if run is None:
        return ListedSnapshot(snapshot)
    return ListedSnapshot(
        snapshot, int(str(run.body["files"])), int(str(run.body["size_bytes"])), partly=run.outcome != "good"
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

"""Backups outside the fleet, as jobs may ask for them."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from ops.work_folder import work_folder

if TYPE_CHECKING:
    from collections.abc import Sequence

    from core.backup.snapshots import Extent, RecordEnd, SavedSnapshot, Snapshot
    from core.failure import Failure
    from core.fleet import Database, Site
    from core.plan.restore import Restore
    from ops.work_folder import Turn

DUMPS = "backup"


@dataclass(frozen=True, slots=True)
class SiteLocation:
    """One site on one server: its content, and a folder beside it for what is not served.

    work_there: where that folder really is, once the server was asked; empty: not yet.
    """

    site: Site
    server: str
    work_there: str = ""

    @property
    def root(self) -> str:
        """The path of its content."""
        return posixpath.normpath(self.site.root_on(self.server))

    @property
    def work(self) -> str:
        """The folder that syncs work in as well."""
        return self.work_there or work_folder(self.root, self.site.name, self.site.work_on(self.server))

    @property
    def place(self) -> tuple[str, str, str]:
        """What every script that works there gets first: the root, the folder around it, the work folder."""
        return self.root, posixpath.dirname(self.root), self.work

    @property
    def dumps(self) -> str:
        """The folder for what databases are dumped into; emptied after each backup."""
        return posixpath.join(self.work, DUMPS)


@dataclass(frozen=True, slots=True)
class BackupSource:
    """What there is to back up, and the patterns by which restic leaves out what is excluded."""

    extent: Extent
    patterns: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class SnapshotFiles:
    """Files of a snapshot, as paths there with their sizes, and how much it holds in all."""

    files: tuple[tuple[str, int], ...]
    extent: Extent


class Restic(Protocol):
    """The off-site backups of one fleet: a repository for each server, and SHARED (`core.backup.repositories`).

    A server reaches its own to add a backup, and another's only for as long as something of it is brought to it.
    What is wrong is returned as a `Failure`; what keeps the bot from asking at all is raised: UnreachableError and
    LoginRefusedError of the server or the off-site host, SettingsError of the password.
    """

    async def open(self, repository: str) -> Failure | None:
        """Open a repository, and remove the locks in it: whoever asks has the claim on all of them.

        Returns what stands in the way; `no-repository`: its place was reached, and there is none.
        """

    async def probe(self, server: str) -> Failure | None:
        """Open the repository of `server` from there, without a change to it. Returns what `open` does."""

    async def make(self, repository: str) -> Failure | None:
        """Make a repository. restic refuses where there is one."""

    async def survey(self, place: SiteLocation) -> BackupSource | Failure:
        """Return what there is to back up: exactly what a sync would copy."""

    async def dump(self, place: SiteLocation, database: Database, dumping: str, first: bytes) -> Failure | None:
        """Write what the shell line `dumping` says of a database into a file for the backup."""

    async def save(
        self, place: SiteLocation, source: BackupSource, record: RecordEnd, *, with_dumps: bool
    ) -> SavedSnapshot | Failure:
        """Make a snapshot of the site in its server's repository; one that lacks unreadable files is made as well.

        record: where the bot's own record ends, which the snapshot keeps.
        """

    async def snapshots(self, repository: str, site: str | None = None) -> tuple[Snapshot, ...] | Failure:
        """Return what a repository says that it has of this fleet, or of one of its sites, newest first."""

    async def forget(self, repository: str, full_ids: Sequence[str]) -> Failure | None:
        """Let go of these snapshots. Their data stays until `prune`."""

    async def prune(self, repository: str) -> Failure | None:
        """Throw away the data that no snapshot needs any more."""

    async def size(self, repository: str) -> int | Failure:
        """Return how many bytes a repository takes."""

    async def check(self, repository: str) -> Failure | None:
        """Return what is wrong with a repository's structure, or None."""

    async def choose(
        self, place: SiteLocation, snapshot: Snapshot, dumps: str, want: int, most_bytes: int, seed: int
    ) -> SnapshotFiles | Failure:
        """Choose files of a snapshot: the newest, the largest under `most_bytes`, `want` at random, and all dumps.

        dumps: the folder of dumps, as the snapshot has it.
        """

    async def sample(self, place: SiteLocation, snapshot: Snapshot, paths: Sequence[str]) -> Failure | None:
        """Restore those paths of a snapshot into a folder of ours in the work folder."""

    async def settled(self, place: SiteLocation) -> SiteLocation | Failure:
        """Return the place with the work folder that it really has: where no customer could put another."""

    async def root_state(self, place: SiteLocation) -> str | Failure:
        """Return what lies at the site's root: `missing`, `empty` or `files`."""

    async def restore(self, place: SiteLocation, restore: Restore, run: str, turn: Turn) -> Failure | None:
        """Make the content of a snapshot ready beside the root, for `ops.rsync.mirror.publish` to exchange.

        Once `run` was put in place it changes nothing any more.
        """

    def restored_dump(self, place: SiteLocation, restore: Restore, database: Database) -> str:
        """Return where `restore` has put a database's dump."""

    async def give_up(self, place: SiteLocation, turn: Turn) -> None:
        """Throw away what `restore` has made in `turn`; what is there stays as it is."""

    async def compare(
        self, place: SiteLocation, pairs: Sequence[tuple[str, str]]
    ) -> tuple[tuple[str, str, int], ...] | Failure:
        """Return for each (saved path, path in the root) both hashes, `-` for no file, and when the live one changed.

        Of the saved ones, what `sample` has restored is read.
        """

    async def broken_dumps(self, place: SiteLocation, paths: Sequence[str]) -> tuple[str, ...] | Failure:
        """Return those of the saved `paths` that `sample` has restored and that do not end as a complete dump does."""

    async def remove(self, place: SiteLocation, *, sampled: bool) -> None:
        """Remove what `sample` has restored, or the dumps."""

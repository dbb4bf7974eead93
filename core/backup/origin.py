"""Which snapshots are ours: what a repository says is a claim, since any server that backs up can write anything there.

A snapshot's id, paths, tags, host and time were written by a server. What is restored is decided by the bot's own
record of what it had saved, from where and when. Where no record is left (the bot's machine burned), only a snapshot
that equals what app.yaml says in every point may be restored, by an approved plan that says so.
"""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from core.backup.repositories import SHARED
from core.backup.snapshots import SHORT_ID, fleet_tag, record_end_of, site_tag
from core.sync.root_link import RootLink, where_it_leads

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from core.backup.snapshots import Snapshot


class Origin(StrEnum):
    """Who says that a snapshot is a backup of its site."""

    RECORDED = "recorded"  # the bot's own record
    UNCONFIRMED = "unconfirmed"  # the repository alone, though it is as app.yaml has it
    FOREIGN = "foreign"  # the repository alone, and it is not


@dataclass(frozen=True, slots=True)
class SavedPaths:
    """What is saved of a site on a server: its root, and the folder of its databases' dumps; empty: none."""

    root: str
    dumps: str = ""


@dataclass(frozen=True, slots=True)
class ExpectedPaths:
    """What app.yaml knows of the paths that a backup of a site on a server has.

    root: as app.yaml has it. roots: those of all sites there. work_folder: the name of the folder for what is not
    served; dumps: how the path of that for dumps ends, which begins where no customer can write.
    """

    root: str
    roots: tuple[str, ...]
    work_folder: str
    dumps: str

    def found_in(self, paths: Sequence[str]) -> SavedPaths | None:
        """Return which of a snapshot's paths is what; None: they are not those of a backup.

        The root may have been a link, and is saved as the folder that it led to.
        """
        dumps = [path for path in paths if path.endswith(self.dumps) and posixpath.normpath(path) == path]
        roots = [path for path in paths if path not in dumps]
        if len(roots) != 1 or len(dumps) > 1 or not self._is_root(roots[0]):
            return None
        return SavedPaths(roots[0], *dumps)

    def _is_root(self, path: str) -> bool:
        within = path.removeprefix(posixpath.dirname(self.root).rstrip("/") + "/")
        link = RootLink(path, within if within != path else "", own=True)
        others = (root for root in self.roots if root != self.root)
        return path == self.root or where_it_leads(self.root, link, others, self.work_folder) == path


def is_work_folder(path: str, named: str) -> bool:
    """Return whether what a server calls a site's work folder is one of that site. named: as app.yaml has it."""
    tail = "/".join(["", *named.rsplit("/", 2)[1:]])
    return posixpath.isabs(path) and posixpath.normpath(path) == path and path.endswith(tail)


@dataclass(frozen=True, slots=True)
class RecordedBackup:
    """A backup as the bot has it on record. paths None: it was made before the record said what was saved.

    snapshot: its whole id; of a backup from before the record had that, its first eight characters. repository: where
    it was put: the server's own, or SHARED.
    """

    snapshot: str
    site: str
    server: str
    begun_at: datetime
    paths: SavedPaths | None = None
    repository: str = SHARED


@dataclass(frozen=True, slots=True)
class Backup:
    """A snapshot, who vouches for it, and what of it is restored: paths of the bot's own, never the snapshot's.

    saved_at: by the bot's clock; of one that no record confirms, what the snapshot says.
    """

    snapshot: Snapshot
    origin: Origin
    saved_at: datetime
    paths: SavedPaths


def backup_of(
    snapshot: Snapshot, fleet: str, recorded: Sequence[RecordedBackup], expected: Mapping[str, ExpectedPaths]
) -> Backup:
    """Judge what a repository says of a snapshot.

    fleet: its name. recorded: what the record has under the snapshot's id. expected: by each server that app.yaml gives
    the snapshot's site to, what would be saved there now.
    """
    ours = next((one for one in recorded if _is_of(one, snapshot)), None)
    # Another server's repository has it by that server's word alone.
    known = expected.get(snapshot.server) if snapshot.repository in (SHARED, snapshot.server) else None
    claimed = known.found_in(snapshot.paths) if known is not None else None
    paths = ours.paths if ours is not None and ours.paths is not None else claimed
    if paths is None or not _is_as_made(snapshot, fleet, paths):
        return Backup(snapshot, Origin.FOREIGN, snapshot.taken_at, SavedPaths(""))
    if ours is not None:
        return Backup(snapshot, Origin.RECORDED, ours.begun_at, _present(paths, snapshot))
    return Backup(snapshot, Origin.UNCONFIRMED, snapshot.taken_at, _present(paths, snapshot))


def newest_of(backups: Iterable[Backup], site: str, at: datetime | None = None) -> Backup | None:
    """Return the newest backup of `site` that was not made after `at` (None: of all), or None.

    One that no record confirms is returned only where none is on record; a foreign one never is.
    """
    of_site = [one for one in backups if one.snapshot.site == site and (at is None or one.saved_at <= at)]
    for origin in (Origin.RECORDED, Origin.UNCONFIRMED):
        some = (one for one in of_site if one.origin is origin)
        newest = max(some, key=lambda one: (one.saved_at, one.snapshot.full_id), default=None)
        if newest is not None:
            return newest
    return None


def _is_of(recorded: RecordedBackup, snapshot: Snapshot) -> bool:
    whole = len(recorded.snapshot) > SHORT_ID
    same = recorded.snapshot == (snapshot.full_id if whole else snapshot.id)
    place = snapshot.site, snapshot.server, snapshot.repository
    return same and (recorded.site, recorded.server, recorded.repository) == place


def _is_as_made(snapshot: Snapshot, fleet: str, paths: SavedPaths) -> bool:
    """Return whether it carries what the bot gives a backup, in every point and nothing besides."""
    marks = sorted([fleet_tag(fleet), site_tag(snapshot.site)])
    others = [tag for tag in snapshot.tags if record_end_of(tag) is None]
    if sorted(others) != marks or len(snapshot.tags) > len(marks) + 1:
        return False
    with_dumps = sorted([paths.root, paths.dumps]) if paths.dumps else None
    return sorted(snapshot.paths) in ([paths.root], with_dumps)


def _present(paths: SavedPaths, snapshot: Snapshot) -> SavedPaths:
    """Return the paths without the dumps where the snapshot has none: the site had no databases then."""
    return SavedPaths(paths.root, paths.dumps if paths.dumps in snapshot.paths else "")

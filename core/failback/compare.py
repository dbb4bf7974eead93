"""What a returned server's copy of a site has that the served copy has not, file by file; values only (law 4).

Which of two files is newer is told by the times that the files themselves have. A file that only the returned server
has may have been written there before it dropped, or deleted at the served copy since: that no time can tell, so it
counts as something that would be lost.
"""

from __future__ import annotations

import stat
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from core.sync.rsync_output import ChangeKind
from core.wording import shown_path

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from core.databases.copies import DatabaseState
    from core.failure import Failure
    from core.fleet import Database, Site
    from core.sync.rsync_output import PathChange
    from core.verify.compare import FileStat

KEPT_FILES = 1000


class DifferenceKind(StrEnum):
    """What a file that differs is: the first three are what taking the served copy would put aside."""

    ONLY_RETURNED = "only-returned"
    NEWER_RETURNED = "newer-returned"
    SAME_TIME = "same-time"
    NEWER_ACTIVE = "newer-active"
    ONLY_ACTIVE = "only-active"
    ATTRIBUTES = "belongings"

    @property
    def at_risk(self) -> bool:
        """Whether the returned server has something there that the served copy may lack."""
        return self in (DifferenceKind.ONLY_RETURNED, DifferenceKind.NEWER_RETURNED, DifferenceKind.SAME_TIME)


@dataclass(frozen=True, slots=True)
class File:
    """One file or link that differs. size_bytes: on the side that has it, or where it is newer.

    returned_s, active_s: when its content was written there, in seconds since 1970; None: it is not there.
    """

    found: DifferenceKind
    path: bytes
    size_bytes: int
    returned_s: int | None
    active_s: int | None

    @property
    def shown(self) -> str:
        """The path for people: one line, printable, whatever bytes it has."""
        return shown_path(self.path)

    @property
    def written_at(self) -> datetime:
        """When the newer of the two was written."""
        return datetime.fromtimestamp(max(self.returned_s or 0, self.active_s or 0), UTC)


@dataclass(frozen=True, slots=True)
class FileTally:
    """How many files are of one kind, and their size."""

    files: int
    size_bytes: int


@dataclass(frozen=True, slots=True)
class ReturnedCopy:
    """A quarantined copy of `site` on `server`, while it is served from `active`. since_at, why: of the quarantine."""

    site: Site
    server: str
    active: str
    since_at: datetime
    why: str


@dataclass(frozen=True, slots=True)
class DatabaseSides:
    """One database as the returned server has it and as the serving one does; or why that one could not say."""

    database: Database
    returned: DatabaseState | Failure
    active: DatabaseState | Failure


@dataclass(frozen=True, slots=True)
class Comparison:
    """A returned copy beside the served one, at one moment.

    files: the newest `KEPT_FILES` of each kind; `tallies` count them all. more: how many paths differ that were not
    looked at one by one. returned_files: how many the returned server has, less what is excluded. every_byte: whether
    files were read; otherwise those of the same size and time count as the same. databases: all that the site has.
    trouble: why there is nothing to show.
    """

    returned: ReturnedCopy
    files: Mapping[DifferenceKind, tuple[File, ...]] = field(default_factory=dict)
    tallies: Mapping[DifferenceKind, FileTally] = field(default_factory=dict)
    more: int = 0
    returned_files: int = 0
    every_byte: bool = False
    databases: tuple[DatabaseSides, ...] = ()
    trouble: Failure | None = None

    @property
    def at_risk(self) -> FileTally:
        """What only the returned server has, has newer, or has otherwise."""
        some = [tally for found, tally in self.tallies.items() if found.at_risk]
        return FileTally(sum(one.files for one in some), sum(one.size_bytes for one in some))

    @property
    def risky(self) -> tuple[File, ...]:
        """The files at risk, as far as they are listed: by kind, the newest of each first."""
        return tuple(file for found in DifferenceKind if found.at_risk for file in self.files.get(found, ()))


def judge(change: PathChange, returned: FileStat | None, active: FileStat | None) -> File | None:
    """Return what a path that differs is, from what lies there on both servers; None for a folder, and for nothing.

    A folder at the same path counts as nothing there: what is in it is judged by itself.
    """
    there, here = _file(returned), _file(active)
    if there is None:
        if here is None:
            return None
        return File(DifferenceKind.ONLY_ACTIVE, change.path, here.size_bytes, None, here.written_s)
    if here is None:
        return File(DifferenceKind.ONLY_RETURNED, change.path, there.size_bytes, there.written_s, None)
    size_bytes = max(there, here, key=lambda seen: seen.written_s).size_bytes
    if change.kind is ChangeKind.ATTRIBUTES:
        found = DifferenceKind.ATTRIBUTES
    elif there.written_s == here.written_s:
        found, size_bytes = DifferenceKind.SAME_TIME, there.size_bytes
    else:
        found = DifferenceKind.NEWER_RETURNED if there.written_s > here.written_s else DifferenceKind.NEWER_ACTIVE
    return File(found, change.path, size_bytes, there.written_s, here.written_s)


def _file(seen: FileStat | None) -> FileStat | None:
    return None if seen is None or stat.S_ISDIR(seen.mode) else seen


def tally(
    files: Iterable[File],
) -> tuple[Mapping[DifferenceKind, tuple[File, ...]], Mapping[DifferenceKind, FileTally]]:
    """Return the newest `KEPT_FILES` files of each kind, and how many there are of each with their size."""
    by_kind: dict[DifferenceKind, list[File]] = {}
    for file in files:
        by_kind.setdefault(file.found, []).append(file)
    listed = {
        found: tuple(sorted(some, key=lambda file: (-file.written_at.timestamp(), file.path))[:KEPT_FILES])
        for found, some in by_kind.items()
    }
    return listed, {
        found: FileTally(len(some), sum(file.size_bytes for file in some)) for found, some in by_kind.items()
    }


@dataclass(frozen=True, slots=True)
class FailbackState:
    """What a `failback` finds of the sites that it is asked about.

    returned: the copies to choose about first. away: the sites that may go home. at_home: those that are there.
    """

    returned: tuple[ReturnedCopy, ...] = ()
    away: tuple[Site, ...] = ()
    at_home: tuple[Site, ...] = ()


def failback_state(
    sites: Iterable[Site],
    servers: Collection[str],
    active: Mapping[str, str],
    quarantined: Mapping[tuple[str, str], tuple[datetime, str]],
) -> FailbackState:
    """Return how `sites` stand. quarantined: since when and why, by (site, server).

    servers: only copies there are to be reconciled; empty: all. A site whose home is reconciled may go home, whatever
    holds of other copies of it, unless one of those was asked for.
    """
    returned: list[ReturnedCopy] = []
    away: list[Site] = []
    at_home: list[Site] = []
    for site in sites:
        serving = active.get(site.name, site.home)
        held = {server for server in site.servers if (site.name, server) in quarantined}
        goes_home = serving != site.home and site.home not in held
        wanted = [server for server in site.servers if server in held and (not servers or server in servers)]
        asked_for = [server for server in wanted if server in servers]
        if wanted and (asked_for or not goes_home):
            # A served copy can be quarantined too, where DNS was moved by hand: choosing it ends that as well.
            others = [server for server in wanted if server != serving] or [
                server for server in site.servers if server != serving
            ]
            returned += [ReturnedCopy(site, server, serving, *_begun(quarantined, site, server)) for server in others]
        elif serving == site.home:
            at_home.append(site)
        elif not servers or site.home in servers:
            away.append(site)
    return FailbackState(tuple(returned), tuple(away), tuple(at_home))


def _begun(
    quarantined: Mapping[tuple[str, str], tuple[datetime, str]], site: Site, server: str
) -> tuple[datetime, str]:
    begun = quarantined.get((site.name, server))
    if begun is not None:
        return begun
    return next(begun for (name, _), begun in quarantined.items() if name == site.name)

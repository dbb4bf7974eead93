"""Whether a copy is what it should be: every path that differs from the source is judged; values only.

A copy that is a day old differs from its source in what was changed since, and that is as it should be. What tells the
two apart is when the source's side was last touched (its change time, which no program can set back), beside when the
last good copy began. What may have either cause counts as changed since: the next sync settles it. Other bytes under
the same size and time never do: no sync sees them.
"""

from __future__ import annotations

import posixpath
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Literal

from core.sync.rsync_output import MARK, PathChange, read_change

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime

    from core.failure import Failure

KEPT_FINDINGS = 1000
# Times of files are whole seconds here, and clocks were compared over a network.
SLACK_S = 2
ROOT = b"."
_SETTLED_ITEM = 2

Outcome = Literal["good", "differs", "refused", "failed"]


class PathVerdict(StrEnum):
    """What a path that differs is. All but `SINCE` and `SETTLED` are wrong."""

    SILENT = "other content, same size and time"
    WRITTEN_THERE = "written on the mirror"
    ONLY_THERE = "only on the mirror"
    MISSED = "not what was copied"
    MISSING = "missing on the mirror"
    ATTRIBUTES = "mode, owner or time"
    SINCE = "changed since the last copy"
    SETTLED = "the same by now"

    @property
    def is_wrong(self) -> bool:
        """Whether the last good copy should have left it otherwise."""
        return self not in (PathVerdict.SINCE, PathVerdict.SETTLED)


@dataclass(frozen=True, slots=True)
class PathDifference:
    """One path that differs. content: whether its bytes do, or a link's target; otherwise what belongs to it."""

    change: PathChange
    content: bool

    @property
    def key(self) -> bytes:
        """The path without a folder's final slash."""
        return self.change.path.rstrip(b"/") or ROOT


@dataclass(frozen=True, slots=True)
class FileStat:
    """What lies at a path on one server.

    mode: as stat(2) has it, its kind included. Times are whole seconds since 1970, by that server's clock: written_s of
    the content (mtime), touched_s of anything about it (ctime). digest: of the content; empty: not taken.
    """

    mode: int
    size_bytes: int
    written_s: int
    touched_s: int
    digest: str = ""

    @property
    def kind(self) -> int:
        """The bits of the mode that say whether it is a file, a folder, a link."""
        return self.mode & 0o170000

    def is_like(self, other: FileStat) -> bool:
        """Return whether both are known to be the same in everything that a copy brings over."""
        mine, theirs = ((one.mode, one.size_bytes, one.written_s, one.digest) for one in (self, other))
        return bool(self.digest) and mine == theirs


Side = dict[bytes, FileStat]


@dataclass(frozen=True, slots=True)
class LastCopy:
    """When the last good copy began, by the source's clock, and when it ended, by the mirror's: seconds since 1970."""

    began_s: float
    ended_s: float

    def is_before(self, here: FileStat) -> bool:
        """Return whether the source's side of a path was touched since the copy began."""
        return here.touched_s >= self.began_s - SLACK_S


@dataclass(frozen=True, slots=True)
class WrongPath:
    """One path that is wrong, and how."""

    finding: PathVerdict
    change: PathChange


@dataclass(frozen=True, slots=True)
class Proof:
    """How one comparison ended.

    outcome: "good" (nothing is wrong), "differs" (something is), "refused" (decided against) or "failed" (nothing is
    proven). files: how many were compared. wrong: the first ones; counts has them all, by what they are. copied_at:
    when the copy that was proven began. databases: how many the site has, which were not compared. undone: whether
    somebody has put something back on the mirror since.
    """

    site: str
    source: str
    mirror: str
    outcome: Outcome
    took_s: float = 0.0
    files: int = 0
    wrong: tuple[WrongPath, ...] = ()
    counts: Mapping[PathVerdict, int] = field(default_factory=dict)
    copied_at: datetime | None = None
    databases: int = 0
    undone: bool = False
    trouble: Failure | None = None

    @property
    def wrong_paths(self) -> int:
        """How many paths are wrong."""
        return sum(number for finding, number in self.counts.items() if finding.is_wrong)

    @property
    def since(self) -> int:
        """How many paths were changed since the last copy, which is as it should be."""
        return self.counts.get(PathVerdict.SINCE, 0)


def read_difference(line: bytes) -> PathDifference | None:
    """Read one line of rsync (`core.sync.rsync_output.OUT_FORMAT`); None for any other, and for what is no difference.

    A folder's time moves whenever anything in it does: alone it is none.
    """
    change = read_change(line)
    if change is None or change.trifling:
        return None
    item = line.removeprefix(MARK)
    content = item[:1] in b"<>" or item[_SETTLED_ITEM : _SETTLED_ITEM + 1] in b"c+"
    return PathDifference(change, content=content)


def folders_of(path: bytes) -> Iterator[bytes]:
    """Return the folders that a path lies in, the nearest first and the root last."""
    while path not in (b"", ROOT):
        path = posixpath.dirname(path)
        yield path or ROOT


def to_look_at(differences: Iterable[PathDifference]) -> tuple[bytes, ...]:
    """Return every path to ask both servers about before `differences` can be judged: theirs, and their folders'."""
    wanted: dict[bytes, None] = {}
    for one in differences:
        wanted[one.key] = None
        wanted.update(dict.fromkeys(folders_of(one.key)))
    return tuple(wanted)


def judge(
    one: PathDifference, source: Mapping[bytes, FileStat], mirror: Mapping[bytes, FileStat], copy: LastCopy
) -> PathVerdict:
    """Return what a path that differs is, from what lies there and in the folders around it on both servers."""
    here, there = source.get(one.key), mirror.get(one.key)
    if here is None:
        return PathVerdict.SETTLED if there is None else _only_there(one.key, there, source, copy)
    if there is None:
        normal = copy.is_before(here) or _came_with_folder(one.key, source, mirror, copy)
        return PathVerdict.SINCE if normal else PathVerdict.MISSING
    if here.is_like(there):
        return PathVerdict.SETTLED
    if not (one.content or here.kind != there.kind):
        return PathVerdict.SINCE if copy.is_before(here) else PathVerdict.ATTRIBUTES
    if (here.kind, here.size_bytes, here.written_s) == (there.kind, there.size_bytes, there.written_s):
        return PathVerdict.SILENT
    if there.written_s > max(here.written_s, copy.ended_s + SLACK_S):
        return PathVerdict.WRITTEN_THERE
    normal = copy.is_before(here) or _came_with_folder(one.key, source, mirror, copy)
    return PathVerdict.SINCE if normal else PathVerdict.MISSED


def _only_there(path: bytes, there: FileStat, source: Mapping[bytes, FileStat], copy: LastCopy) -> PathVerdict:
    """Judge a path that only the mirror has: it may have been deleted at the source, which its folder there shows."""
    if there.written_s > copy.ended_s + SLACK_S:
        return PathVerdict.ONLY_THERE
    nearest = next((source[folder] for folder in folders_of(path) if folder in source), None)
    return PathVerdict.SINCE if nearest is not None and copy.is_before(nearest) else PathVerdict.ONLY_THERE


def _came_with_folder(
    path: bytes, source: Mapping[bytes, FileStat], mirror: Mapping[bytes, FileStat], copy: LastCopy
) -> bool:
    """Return whether a folder around it was made or moved there since the copy: what is in it is not touched by that.

    A folder that was moved, or given another mode, was touched and not written.
    """
    for folder in folders_of(path):
        here = source.get(folder)
        if here is None or not copy.is_before(here):
            continue
        if folder not in mirror or here.written_s < copy.began_s - SLACK_S:
            return True
    return False

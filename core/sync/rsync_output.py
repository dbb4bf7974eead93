r"""What a sync would change and did change, read from what rsync says; and why it must not (law 5).

rsync is asked for one line a change (`OUT_FORMAT`) in the C locale. There it writes every byte of a file name that is
not printable ASCII as `\#ooo`, and a backslash that would look like that likewise (rsync(1), `--8-bit-output`). So
a name can hold any byte, a newline included, and a line is still one change.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum

from core.errors import TooMuchError
from core.failure import Failure, FailureCode
from core.wording import count, shown_path, size

# The leading mark keeps a message of rsync, which may start with anything, from being taken for a change.
OUT_FORMAT = "=|%i|%l|%b|%n"
MARK = b"=|"
FREE_MARK = b"sharpnet-free "
MORE_MARK = b"=+"
KEPT_CHANGES = 1000
# Names of files of which only attributes change are handed back to the mirror: more than this are not worth it.
KEPT_RELINKS = 50_000
# A path has up to 4,096 bytes (PATH_MAX), each written as up to five.
LONGEST_LINE_BYTES = 32_000
ROOM_TO_LEAVE = 0.02

_ESCAPED = re.compile(rb"\\#([0-7]{3})")
# No file and no count is longer; reading a number takes ever longer with its digits.
_NUMBER = rb"[0-9]{1,18}"
_COUNT = re.compile(_NUMBER)
_COUNTED = rb"(Number of [a-z ]+|Total [a-z ]+|Literal data|Matched data)"
_STAT = re.compile(rb"%b: (%b)(?: bytes)?(?: \((.*)\))?" % (_COUNTED, _NUMBER))
_PROGRESS = re.compile(rb"\s*(%b)\s+[0-9]+%%\s.*?(?:\(xfr#(%b),.*)?" % (_NUMBER, _NUMBER))
# rsync says a dozen.
_MOST_NUMBERS = 100
_FIELDS = 4
_ATTRIBUTES_FROM = 2


class ChangeKind(StrEnum):
    """What happens to a file, folder or link on the mirror."""

    CREATED = "created"
    CHANGED = "changed"
    ATTRIBUTES = "attributes"
    DELETED = "deleted"


@dataclass(frozen=True, slots=True)
class PathChange:
    """One change on the mirror. `path` is relative to the root, any bytes but NUL; a folder's ends with a slash."""

    kind: ChangeKind
    path: bytes
    size_bytes: int
    trifling: bool = False

    @property
    def is_folder(self) -> bool:
        """Whether it is a folder."""
        return self.path.endswith(b"/")

    @property
    def shown(self) -> str:
        """The path for people: one line, printable, whatever bytes it has."""
        return shown_path(self.path)


@dataclass(frozen=True, slots=True)
class Stats:
    """What rsync counted, without folders. sent_bytes: what crossed the network, both ways.

    files: at the source, less what is excluded. to_copy_bytes: the whole size of the files that differ.
    """

    files: int = 0
    created: int = 0
    deleted: int = 0
    deleted_folders: int = 0
    to_copy_bytes: int = 0
    sent_bytes: int = 0

    @property
    def mirror_files(self) -> int:
        """How many files the mirror held before, less what is excluded."""
        return max(0, self.files - self.created + self.deleted)


@dataclass(slots=True)
class OutputReader:
    """Reads the standard output of rsync piece by piece.

    changes: the first `KEPT_CHANGES`; `kinds` counts them all, without folders. relink: the files of which only
    attributes change; None: they are more than `KEPT_RELINKS`. done_bytes and done_files grow while rsync copies.
    free_bytes: room on the mirror's disk.
    """

    changes: list[PathChange] = field(default_factory=list)
    most: int = KEPT_CHANGES
    kinds: dict[ChangeKind, int] = field(default_factory=lambda: dict.fromkeys(ChangeKind, 0))
    serious: bool = False
    relink: list[bytes] | None = field(default_factory=list)
    free_bytes: int | None = None
    done_bytes: int = 0
    done_files: int = 0
    _numbers: dict[bytes, tuple[int, bytes]] = field(default_factory=dict)
    _rest: bytes = b""
    _too_long: bool = False

    @classmethod
    def of(cls, out: bytes, most: int = KEPT_CHANGES) -> OutputReader:
        """Return what has read all of `out`: of a million files that takes seconds."""
        output = cls(most=most)
        output.feed(out)
        output.end()
        return output

    def feed(self, piece: bytes) -> None:
        """Take the next piece, which may end anywhere."""
        *lines, rest = re.split(rb"[\r\n]", self._rest + piece)
        self._too_long = self._too_long or any(len(line) > LONGEST_LINE_BYTES for line in (*lines, rest))
        self._rest = rest[: LONGEST_LINE_BYTES + 1]
        for line in lines:
            self._take(line)

    def end(self) -> None:
        """Take what came after the last line end. Raises TooMuchError where a line was longer than a path can be."""
        self.feed(b"\n")
        if self._too_long:
            raise TooMuchError(
                f"A line that rsync was to say is longer than {size(LONGEST_LINE_BYTES)}: nothing of it is believed.",
                hint="Does a login script on that server print something?",
            )

    @property
    def stats(self) -> Stats:
        """What has been counted so far; all zero before rsync has said it."""
        return Stats(
            files=self._without_folders(b"Number of files"),
            created=self._without_folders(b"Number of created files"),
            deleted=self._without_folders(b"Number of deleted files"),
            deleted_folders=self._part(b"Number of deleted files", b"dir"),
            to_copy_bytes=self._number(b"Total transferred file size"),
            sent_bytes=self._number(b"Total bytes sent") + self._number(b"Total bytes received"),
        )

    @property
    def changed_files(self) -> int:
        """How many files and links differ, less those to delete."""
        return self.kinds[ChangeKind.CREATED] + self.kinds[ChangeKind.CHANGED] + self.kinds[ChangeKind.ATTRIBUTES]

    def _take(self, line: bytes) -> None:
        if (change := read_change(line)) is not None:
            self._add(change)
        elif line.startswith(MORE_MARK):
            self._add_more(line.removeprefix(MORE_MARK))
        elif line.startswith(FREE_MARK) and _COUNT.fullmatch(free := line.removeprefix(FREE_MARK)):
            self.free_bytes = int(free)
        elif found := _STAT.fullmatch(line):
            if len(self._numbers) < _MOST_NUMBERS:
                self._numbers[found[1]] = (int(found[2]), found[3] or b"")
        elif found := _PROGRESS.fullmatch(line):
            self.done_bytes = int(found[1])
            self.done_files = int(found[2] or self.done_files)

    def _add(self, change: PathChange) -> None:
        if len(self.changes) < self.most:
            self.changes.append(change)
        self.serious = self.serious or not change.trifling
        if not change.is_folder:
            self.kinds[change.kind] += 1
            if change.kind is ChangeKind.ATTRIBUTES and self.relink is not None:
                self.relink.append(change.path)
                if len(self.relink) > KEPT_RELINKS:
                    self.relink = None

    def _add_more(self, line: bytes) -> None:
        """Count changes that are not named: `COUNT|KIND|` and `x/` for folders, `x` for all else."""
        number, _, rest = line.partition(b"|")
        item, _, name = rest.partition(b"|")
        change = read_change(b"|".join((MARK + item, b"0", b"0", name)))
        if change is None or not _COUNT.fullmatch(number):
            return
        self.serious = self.serious or not change.trifling
        if not change.is_folder:
            self.kinds[change.kind] += int(number)
            if change.kind is ChangeKind.ATTRIBUTES:
                self.relink = None

    def _number(self, name: bytes) -> int:
        return self._numbers.get(name, (0, b""))[0]

    def _part(self, name: bytes, part: bytes) -> int:
        found = re.search(part + rb": (%b)" % _NUMBER, self._numbers.get(name, (0, b""))[1])
        return int(found[1]) if found else 0

    def _without_folders(self, name: bytes) -> int:
        return self._number(name) - self._part(name, b"dir")


def read_change(line: bytes) -> PathChange | None:
    """Read one line that rsync wrote in `OUT_FORMAT`; None for any other line.

    The first field is what rsync(1) calls the itemised change, `YXcstpoguax`.
    """
    fields = line.removeprefix(MARK).split(b"|", _FIELDS - 1)
    if not line.startswith(MARK) or len(fields) != _FIELDS or not _COUNT.fullmatch(fields[1]):
        return None
    item, size, _, name = fields
    path = _ESCAPED.sub(lambda found: bytes([int(found[1], 8) & 0xFF]), name)
    if item.startswith(b"*deleting"):
        return PathChange(ChangeKind.DELETED, path, 0)
    attributes = item[_ATTRIBUTES_FROM:]
    if attributes.startswith(b"+"):
        return PathChange(ChangeKind.CREATED, path, int(size))
    if item[:1] in b"<>ch" and not path.endswith(b"/"):
        return PathChange(ChangeKind.CHANGED, path, int(size))
    # A folder's time moves whenever anything in it does, what is excluded included: alone it is no reason to copy.
    trifling = path.endswith(b"/") and not attributes.strip(b". tT")
    return PathChange(ChangeKind.ATTRIBUTES, path, 0, trifling=trifling)


def is_below(path: bytes) -> bool:
    """Return whether a relative path stays below the folder that it starts from, whatever a server may have said."""
    return not path.startswith(b"/") and b".." not in path.split(b"/")


def why_not_apply(stats: Stats, *, max_delete: float | None, free_bytes: int | None = None) -> Failure | None:
    """Return why the mirror must stay as it is, or None (law 5).

    max_delete: a share of the mirror's files; None: somebody has allowed any number. An empty source is never allowed.
    """
    if stats.files == 0:
        return Failure(
            FailureCode.SOURCE_EMPTY,
            f"the source holds no files, the mirror holds {count(stats.mirror_files, 'file')}",
            "Is its disk mounted, and the root in app.yaml right? Nothing was changed.",
            refused=True,
        )
    if max_delete is not None and stats.deleted > max_delete * stats.mirror_files:
        share = stats.deleted / stats.mirror_files
        return Failure(
            FailureCode.TOO_MANY_DELETES,
            f"would delete {stats.deleted:,} of {count(stats.mirror_files, 'file')} ({share * 100:.1f} %), "
            f"the limit is {max_delete * 100:.4g} %",
            "Look with --dry-run; if that is meant, add --allow-delete.",
            refused=True,
        )
    if free_bytes is not None and stats.to_copy_bytes > free_bytes * (1 - ROOM_TO_LEAVE):
        return Failure(
            FailureCode.DISK_SHORT,
            f"needs {size(stats.to_copy_bytes)} on the mirror, which has {size(free_bytes)} free",
            "Make room there.",
            refused=True,
        )
    return None


def most_deletes(stats: Stats, max_delete: float | None) -> int | None:
    """Return how many files and folders a run may delete while it copies; None: any number.

    The folders that a look has seen go are let go; files only up to the limit, whatever has happened since the look.
    """
    if max_delete is None:
        return None
    return max(int(max_delete * stats.mirror_files), stats.deleted) + stats.deleted_folders

"""What arrived at the server that a site has left, after its last copy began: what of it is brought over, and how.

Two lists are laid over each other: the files that changed at the old server since then, by its own clock, and those
that differ from the copy that is served now, which honours what the site excludes. Only what is in both is brought.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.plan.progress import LateFiles
from core.sync.rsync_output import ChangeKind

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from core.sync.rsync_output import PathChange

# A file's ctime comes from a clock of the kernel that may be some ticks behind the one that was asked.
MARGIN_S = 0.1
SHOWN_PATHS = 5
_FIELDS = 3
_VANISHED = "No such file or directory"


@dataclass(frozen=True, slots=True)
class LateFile:
    """A file or link that changed at the old server. kind: `f` or `l`, as find(1) has it."""

    path: bytes
    kind: str
    modified_s: int

    @property
    def entry(self) -> bytes:
        """How the script on the new server is told of it."""
        return f"{self.kind} {self.modified_s} ".encode() + self.path


def since_mark(mark_s: float) -> str:
    """Return how find(1) is told the moment from which on a file counts as arrived."""
    return f"@{mark_s - MARGIN_S:.3f}"


def read_arrived(out: bytes) -> Mapping[bytes, LateFile]:
    """Read `KIND SECONDS PATH`, each ended by NUL, by path; a name may hold any byte but NUL.

    Raises ValueError, OverflowError where it is something else.
    """
    found: dict[bytes, LateFile] = {}
    for entry in out.split(b"\0")[:-1]:
        kind, modified, path = entry.split(b" ", _FIELDS - 1)
        found[path] = LateFile(path, kind.decode("ascii"), int(float(modified)))
    return found


def only_vanished(err: bytes) -> bool:
    """Return whether all that find(1) complained of are files that went away while it looked."""
    return all(line.endswith(_VANISHED) for line in err.decode("utf-8", "replace").splitlines() if line.strip())


def to_bring(arrived: Mapping[bytes, LateFile], differing: Iterable[PathChange]) -> tuple[LateFile, ...]:
    """Return what changed at the old server and differs from what is served now."""
    wanted = {ChangeKind.CREATED, ChangeKind.CHANGED}
    return tuple(arrived[one.path] for one in differing if one.kind in wanted and one.path in arrived)


def caught(wanted: Collection[LateFile], brought: Iterable[PathChange]) -> LateFiles:
    """Say how many of the wanted files were brought over, and how many were left."""
    there = {one.path for one in wanted}
    came = [one for one in brought if one.kind in {ChangeKind.CREATED, ChangeKind.CHANGED} and one.path in there]
    return LateFiles(len(came), tuple(one.shown for one in came[:SHOWN_PATHS]), len(wanted) - len(came))

"""What a run has replaced or deleted on a server, and what may be put back from it; values only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

from core.errors import UsageError
from core.sync.rsync_output import is_below
from core.wording import count, shown_path, size

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from core.failure import Failure

STAMP = "%Y%m%dT%H%M%SZ"
_KINDS = {"f": "file", "l": "link"}

Outcome = Literal["good", "in part", "refused", "failed"]


@dataclass(frozen=True, slots=True)
class UndoableRun:
    """A run of which something may be kept: `site` was changed on `server`, and `did` says how."""

    id: str
    site: str
    server: str
    did: str

    @property
    def begun_at(self) -> datetime:
        """When it began, to the second, as its name says."""
        return begun_at(self.id)


@dataclass(frozen=True, slots=True)
class ReplacedSize:
    """How much of a run is kept on a server: files and links, not folders."""

    run: str
    files: int
    size_bytes: int

    @property
    def words(self) -> str:
        """Say it: `12 files, 3.4 MB`."""
        return f"{count(self.files, 'file')}, {size(self.size_bytes)}"


@dataclass(frozen=True, slots=True)
class ReplacedFile:
    """One path that is kept, relative to the root. letter: its kind, as find(1) says it."""

    letter: str
    size_bytes: int
    path: bytes

    @property
    def kind(self) -> str:
        """What it is, in a word."""
        return _KINDS.get(self.letter, "special file")

    @property
    def shown(self) -> str:
        """The path for people, in one line."""
        return shown_path(self.path)


@dataclass(frozen=True, slots=True)
class UndoResult:
    """How putting back ended.

    files: how many are as they were before the run; same: how many of them were so already. linked: paths that lie
    behind a symbolic link now, and were left alone. failed: how many could not be put back. Both lists hold the first
    ones.
    """

    files: int = 0
    same: int = 0
    linked: tuple[bytes, ...] = ()
    failed: tuple[bytes, ...] = ()
    left: int = 0
    trouble: Failure | None = None

    @property
    def outcome(self) -> Outcome:
        """How it ended in a word."""
        if self.trouble is not None:
            return self.trouble.outcome
        return "in part" if self.left else "good"


def did_in_words(outcome: str, body: Mapping[str, object]) -> str:
    """Say what a run did, from what is stored of it: `12 files copied, 2 deleted`, `put back from RUN`."""
    if outcome == "undo":
        return f"put back from {body.get('undoes', '')}"
    if outcome == "catch-up":
        return f"{count(int(str(body.get('files', 0))), 'file')} brought over from {body.get('source', '')}"
    if outcome == "keep":
        return f"files kept from {body.get('returned', '')}"
    if outcome != "good":
        return f"a sync, {outcome}"
    files, deleted = body.get("files"), body.get("deleted")
    said = [f"{count(files, 'file')} copied"] if isinstance(files, int) and files else []
    said += [f"{deleted:,} deleted"] if isinstance(deleted, int) and deleted else []
    return ", ".join(said) or "nothing changed"


def begun_at(run: str) -> datetime:
    """Return when a run began, from its name. Raises ValueError for what is no run's name."""
    stamp, _, tag = run.partition("-")
    if not tag.isalnum() or not tag.isascii():
        raise ValueError(run)
    return datetime.strptime(stamp, STAMP).replace(tzinfo=UTC)


def is_run_name(text: str) -> bool:
    """Return whether `text` may be a run's name: it goes into a path on a server."""
    try:
        begun_at(text)
    except ValueError:
        return False
    return True


def paths_to_put_back(typed: Iterable[str]) -> tuple[bytes, ...]:
    """Return what people typed as paths below a site's root; of a folder and what is in it only the folder.

    Raises UsageError for a path that is absolute or leads out of the root.
    """
    found: dict[bytes, None] = {}
    for text in typed:
        path = _as_bytes(text)
        parts = [part for part in path.split(b"/") if part not in (b"", b".")]
        if not is_below(path) or not parts or b"\0" in path:
            raise UsageError(
                f"{text!a} is no path below the site's root.",
                hint="Type it as `sync --undo RUN --dry-run` shows it, without a leading slash and without `..`.",
            )
        found[b"/".join(parts)] = None
    return tuple(path for path in found if not any(path.startswith(other + b"/") for other in found))


def _as_bytes(text: str) -> bytes:
    """Return a typed path as the file system has it; empty for what no path can be."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return b""


def newest_first(
    kept: Iterable[ReplacedSize], known: Mapping[str, UndoableRun]
) -> tuple[tuple[ReplacedSize, UndoableRun], ...]:
    """Return what is kept of runs that are on record, the newest first."""
    pairs = [(one, known[one.run]) for one in kept if one.run in known and one.files]
    return tuple(sorted(pairs, key=lambda pair: pair[0].run, reverse=True))

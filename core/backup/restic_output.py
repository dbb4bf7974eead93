r"""What restic and rsync say on a server, read for a backup.

restic writes JSON, one value a line, among its messages (restic(1), `--json`); its exit statuses 10, 11 and 12 are
those of 0.17 and later, and older ones are read from what it says. rsync's `--debug=filter` names every file and folder
that an exclude pattern hides, so that restic leaves out exactly what a sync leaves out.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import MAXYEAR, MINYEAR, datetime
from typing import TYPE_CHECKING, Any, TypeGuard

from core.backup.snapshots import Extent, SavedSnapshot, Snapshot, site_of
from core.failure import OF_WORK_FOLDER, QUOTED, Failure, FailureCode, said_text, why_said, why_stopped
from core.sync.rsync_output import OutputReader
from core.wording import count

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

# restic(1): some source files could not be read; a snapshot was made of the others.
PARTLY = 3
VANISHED = 2
_HIDDEN = re.compile(rb"^\[sender\] hiding (?:file|directory) (.*) because of pattern ", re.MULTILINE)
_ESCAPED = re.compile(rb"\\#([0-7]{3})")
_SPECIAL = re.compile(rb"[*?\[\\$]")
_TOTAL = re.compile(rb"^sharpnet-total (\d+) (\d+)$", re.MULTILINE)
_BLANK = b" \t\v\f"
_ID = re.compile(r"[0-9a-f]{64}")
# Before 0.15 restic says no more than the first eight of it.
_SAVED_ID = re.compile(r"[0-9a-f]{8}(?:[0-9a-f]{56})?")
_COMPARED = re.compile(rb"(-|[0-9a-f]{64}) (-|[0-9a-f]{64}) ([0-9]{1,18})")
_QUOTED_LINES = 3


def escaped(path: bytes) -> bytes:
    """Return the pattern by which restic means exactly `path`, as a line of its exclude file.

    There `$` begins a variable and blanks at the end are dropped. A line break cannot be written: it becomes `?`.
    """
    plain = _SPECIAL.sub(rb"[\g<0>]", path).replace(b"[\\]", b"\\\\").replace(b"\n", b"?").replace(b"\r", b"?")
    return plain[:-1] + b"[" + plain[-1:] + b"]" if plain[-1:] in _BLANK and plain else plain


def excluded(out: bytes, root: str) -> tuple[bytes, ...]:
    """Return the patterns for restic of everything that rsync has hidden below `root`."""
    base = escaped(root.rstrip("/").encode("utf-8", "surrogateescape") + b"/x")[:-1]
    names = (_ESCAPED.sub(lambda found: bytes([int(found[1], 8) & 0xFF]), name) for name in _HIDDEN.findall(out))
    return tuple(base + escaped(name) for name in names)


def extent(out: bytes) -> Extent:
    """Return how much rsync has counted, less what is excluded."""
    stats = OutputReader.of(out).stats
    return Extent(stats.files, stats.to_copy_bytes)


def values(err: bytes) -> Iterator[Any]:
    """Give each JSON value among what restic has said."""
    for line in err.splitlines():
        if line[:1] in (b"{", b"["):
            try:
                yield json.loads(line)
            except (ValueError, RecursionError):
                continue


def saved_of(err: bytes, added: Sequence[str]) -> SavedSnapshot | None:
    """Return what the summary of `restic backup --json` says was saved, or None where it says nothing of the kind.

    added: the whole ids of the snapshots that were seen to be stored; what it says must be the one of them.
    """
    value: Mapping[str, object] = next((value for value in values(err) if _kind(value) == "summary"), {})
    full_id = value.get("snapshot_id")
    files, size, new = (value.get(key) for key in ("total_files_processed", "total_bytes_processed", "data_added"))
    if not isinstance(full_id, str) or _SAVED_ID.fullmatch(full_id) is None:
        return None
    if not _is_count(files) or not _is_count(size) or not _is_count(new):
        return None
    if len(added) != 1 or not added[0].startswith(full_id):
        return None
    return SavedSnapshot(added[0], files, size, new, unreadable(err))


def total_size(err: bytes) -> int | None:
    """Return what `restic stats --json` says, in bytes, or None where it says nothing of the kind."""
    sizes = (value.get("total_size") for value in values(err) if isinstance(value, dict))
    return next((size for size in sizes if _is_count(size)), None)


def snapshots(err: bytes, repository: str) -> tuple[Snapshot, ...]:
    """Return what `restic snapshots --json` lists of sites, newest first; what no backup can look like is left out."""
    rows = next((value for value in values(err) if isinstance(value, list)), [])
    found = [one for row in rows if (one := _snapshot_of(row, repository)) is not None]
    return tuple(sorted(found, key=lambda one: (one.taken_at, one.full_id), reverse=True))


def chosen(err: bytes) -> tuple[tuple[tuple[str, int], ...], Extent]:
    """Return the files that were chosen of a snapshot, each once, as (path, size), and how much it holds in all.

    A path that is not UTF-8 is left out: `restic ls` does not say it.
    """
    files = {
        path: size
        for value in values(err)
        if isinstance(value, dict) and value.get("type") == "file"
        if isinstance(path := value.get("path"), str) and "\ufffd" not in path
        if _is_count(size := value.get("size", 0))
    }
    found = _TOTAL.search(err)
    return tuple(files.items()), Extent(int(found[1]), int(found[2])) if found else Extent(0, 0)


def unreadable(err: bytes) -> tuple[str, ...]:
    """Return the files that `restic backup --json` could not read, those left out that vanished while it ran."""
    return tuple(
        str(value.get("item") or value.get("error"))
        for value in values(err)
        if _kind(value) == "error" and not _is_gone(value.get("error"))
    )


def failure_of(exit_code: int, err: bytes, server: str) -> Failure | None:
    """Return what went wrong when restic ended so on `server`, or None where it went well."""
    if exit_code == 0:
        return None
    text = said_text(b"\n".join(line for line in err.splitlines() if line[:1] not in (b"{", b"[")))
    found, detail = why_stopped(exit_code, text, _STOPS) or (None, "")
    found = found or _EXITS.get(exit_code) or why_said(text, _SAID)
    quoted = _quoted(text)
    if found is None:
        return Failure(FailureCode.RESTIC, f"restic ended with status {exit_code} on {server}", quoted)
    found = found.about(server=server, said=quoted)
    return replace(found, message=f"{found.message} ({detail})") if detail else found


def why_still_there(forgotten: Iterable[str], there: Iterable[Snapshot]) -> Failure | None:
    """Return why letting go of these full ids did not go well where some of them are there, or None."""
    left = len({one.full_id for one in there}.intersection(forgotten))
    if not left:
        return None
    are = "is" if left == 1 else "are"
    message = f"{count(left, 'backup')} that restic was to let go of {are} still there"
    return Failure(FailureCode.RESTIC, message, "May the off-site host's user remove files of the repository?")


def _snapshot_of(row: object, repository: str) -> Snapshot | None:
    if not isinstance(row, dict):
        return None
    full_id, server = row.get("id"), row.get("hostname")
    tags, paths, taken_at = _texts(row.get("tags")), _texts(row.get("paths")), _moment(row.get("time"))
    site = site_of(tags or ())
    if tags is None or paths is None or site is None or taken_at is None:
        return None
    if not isinstance(server, str) or not is_snapshot_id(full_id):
        return None
    return Snapshot(str(full_id), site, server, taken_at, paths, tags, repository)


def is_snapshot_id(text: object) -> bool:
    """Return whether this is the whole id of a snapshot: a SHA-256 in hexadecimal digits."""
    return isinstance(text, str) and _ID.fullmatch(text) is not None


def _texts(value: object) -> tuple[str, ...] | None:
    if value is None:
        return ()
    return tuple(value) if isinstance(value, list) and all(isinstance(one, str) for one in value) else None


def _moment(value: object) -> datetime | None:
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    # At either end of the calendar no time zone can be applied any more.
    return moment if moment.tzinfo is not None and MINYEAR < moment.year < MAXYEAR else None


def compared(out: bytes) -> tuple[tuple[str, str, int], ...] | None:
    """Return the rows of two hashes and a time (epoch seconds) that a comparison has written; None: it has not."""
    found = [_COMPARED.fullmatch(row) for row in out.splitlines()]
    rows = [(one[1].decode(), one[2].decode(), int(one[3])) for one in found if one is not None]
    return tuple(rows) if len(rows) == len(found) else None


def _is_count(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _kind(value: object) -> object:
    return value.get("message_type") if isinstance(value, dict) else None


def _is_gone(error: object) -> bool:
    if isinstance(error, dict):
        return error.get("Err") == VANISHED or "no such file" in str(error.get("message", ""))
    return "no such file" in str(error)


def _quoted(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()][-_QUOTED_LINES:]
    return " / ".join(lines)[-QUOTED:]


_NO_REPOSITORY = Failure(
    FailureCode.NO_REPOSITORY,
    "there is no repository at offsite.path on the off-site host",
    "`backup run` makes one where none was ever used.",
)
_WRONG_PASSWORD = Failure(
    FailureCode.WRONG_PASSWORD,
    "the repository does not open with offsite.password",
    "Give the password that it was made with. Nothing was changed, and no other repository was made.",
)
_LOCKED = Failure(
    FailureCode.LOCKED,
    "somebody else works in the repository, or has died there",
    "Does somebody work there by hand? The next run removes what the dead have left. {said}",
    refused=True,
)
_OFFSITE_LOST = Failure(
    FailureCode.OFFSITE_LOST,
    "the connection to the off-site host broke",
    "What had arrived is used next time. Is it up, and does it offer SFTP?",
)
_EXITS = {10: _NO_REPOSITORY, 11: _LOCKED, 12: _WRONG_PASSWORD}
_SAID: Mapping[str, Failure] = {
    r"wrong password or no key found": _WRONG_PASSWORD,
    r"(?s)unable to open config file.*(?:does not exist|not exist)": _NO_REPOSITORY,
    r"repository is already locked|unable to create lock": _LOCKED,
    r"(?i)no space left|quota exceeded": Failure(
        FailureCode.DISK_FULL, "a disk is full", "Make room. Older backups are as they were. {said}"
    ),
    r"SSH_FX_FAILURE": Failure(
        FailureCode.OFFSITE_DISK,
        "the off-site host could not write: its disk may be full",
        "Look at the disk that offsite.path is on. Older backups are as they were. {said}",
    ),
    r"SSH_FX_PERMISSION_DENIED": Failure(
        FailureCode.OFFSITE_PERMISSION,
        "the off-site host does not let its user write in offsite.path",
        "Give offsite.path to the user of offsite.server.ssh. {said}",
    ),
    r"connection lost|unable to start the sftp session|unexpected EOF|server unexpectedly closed": _OFFSITE_LOST,
    r"Fatal: unable to create repository|config file already exists": _NO_REPOSITORY,
}
_STOPS = (
    *OF_WORK_FOLDER,
    _OFFSITE_LOST,
    Failure.missing(FailureCode.NO_RESTIC, "{server}"),
    Failure.missing(FailureCode.NO_RSYNC, "{server}"),
    Failure.missing(FailureCode.NO_FLOCK, "{server}"),
    Failure(
        FailureCode.SOURCE_MISSING,
        "the root is missing on {server}",
        "Is its disk mounted, and the root in app.yaml right? Older backups are all kept.",
    ),
    Failure(
        FailureCode.SOURCE_SYMLINK,
        "the root on {server} is a symbolic link",
        "Write the folder that it points to into app.yaml. Older backups are all kept.",
    ),
    Failure(FailureCode.SOURCE_CLOSED, "the SSH user may not read the root on {server}", "Let the user read it."),
    Failure(FailureCode.BUSY, "a sync works on that copy on {server}", "Try again when it has ended.", refused=True),
    Failure(
        FailureCode.OVERTAKEN,
        "a newer run has begun on {server} since",
        "What is there is as that one has it.",
        refused=True,
    ),
    Failure(
        FailureCode.NOT_RESTORED,
        "the backup could not be restored whole on {server}",
        "What is served there is as it was. {said}",
    ),
    Failure(FailureCode.NO_PARENT, "the folder around the root is missing on {server}", "Make it, or mount its disk."),
    Failure(
        FailureCode.PARENT_CLOSED,
        "the SSH user may not write in the folder around the root on {server}",
        "Allow it.",
    ),
    Failure(FailureCode.ROOT_NOT_FOLDER, "the root on {server} is no folder", "Move away what lies there."),
    Failure(
        FailureCode.ROOT_SYMLINK,
        "the root on {server} is a symbolic link",
        "Write the folder it points to in app.yaml.",
    ),
    Failure(
        FailureCode.ROOT_MOUNT_POINT, "the root on {server} is a mount point", "Use a folder inside it as the root."
    ),
    Failure(FailureCode.MOUNT_INSIDE, "something is mounted inside the root on {server}", "Unmount it first."),
    Failure(FailureCode.ROOT_CLOSED, "the SSH user may not enter the root on {server}", "Let the user enter it."),
)

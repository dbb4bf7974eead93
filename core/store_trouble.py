"""Whether a SQLite may keep the store, and what is the matter when it says no: from its version and result codes."""

from __future__ import annotations

from enum import IntEnum
from shlex import quote

from core.errors import StoreDamagedError, StoreError, StoreGoneError

WAL_SINCE = (3, 7, 0)
MENDED = (3, 51, 3)
MENDED_BEFORE = ((3, 50, 7), (3, 44, 6))
PRIMARY = 0xFF
STEPS = "“The store is damaged” in docs/handbook.md"
TAKEN_AWAY = "“The store was deleted or replaced” in docs/handbook.md"


class Result(IntEnum):
    """Primary result codes of SQLite, <https://sqlite.org/rescode.html>."""

    PERM = 3
    BUSY = 5
    LOCKED = 6
    READONLY = 8
    IOERR = 10
    CORRUPT = 11
    FULL = 13
    CANTOPEN = 14
    NOTADB = 26


def named(version: tuple[int, int, int]) -> str:
    """Return a version as SQLite writes it."""
    return ".".join(str(number) for number in version)


def why_not_wal(version: tuple[int, int, int]) -> str | None:
    """Return why this SQLite must not share a file in WAL mode with other processes; None: it may.

    Before 3.51.3 two of them that write and checkpoint at once may damage it: the WAL-reset bug,
    <https://sqlite.org/wal.html#walresetbug>, mended in 3.50.7 and 3.44.6 too. A version that a distribution has mended
    without a new number is refused as well: nothing tells it apart.
    """
    if version < WAL_SINCE:
        return f"SQLite {named(version)} has no write-ahead log, which came with 3.7.0"
    branch = version[:2]
    if version >= MENDED or any(branch == mended[:2] and version >= mended for mended in MENDED_BEFORE):
        return None
    return (
        f"SQLite {named(version)} may damage a file that several processes write (its WAL-reset bug is fixed in "
        "3.51.3, 3.50.7 and 3.44.6)"
    )


def not_wal_hint() -> str:
    """Return what to do where `why_not_wal` has a reason."""
    return (
        "Install what requirements.txt names into the bot's .venv: pysqlite3 brings its SQLite for x86-64. "
        "For other processors: “Install it” in docs/handbook.md."
    )


def damaged(path: str, said: str) -> StoreDamagedError:
    """Return the error for a store whose contents are not what SQLite wrote. said: how that was noticed.

    What it says to type reads with .dump: .recover reads more, but Debian's sqlite3 is built without it.
    """
    name = path.rpartition("/")[2]
    saving = f"sqlite3 {quote(name)} .dump | sed 's/^ROLLBACK.*/COMMIT;/' | sqlite3 saved.db"
    return StoreDamagedError(
        f"The store {path} is damaged: {said}.",
        hint=(
            f"Stop the bot, copy {name}, {name}-wal and {name}-shm to an empty folder, and there save what can be "
            f"read: `{saving}`. Every step: {STEPS}."
        ),
    )


def gone(file: str, *, replaced: bool) -> StoreGoneError:
    """Return the error for a file of the store at an absolute path that is no longer the one that was opened."""
    how = "replaced by another file" if replaced else "deleted"
    return StoreGoneError(
        f"{file} was {how} while this process had the store open.",
        hint=(
            "Nothing is written or carried out any more. Stop every bot and terminal that uses it, put the store in "
            f"its place, start again: {TAKEN_AWAY}."
        ),
    )


def store_error(path: str, code: int | None, said: str, *, waited_s: float) -> StoreError:
    """Return what is the matter with the store at an absolute path, and what to do.

    code: SQLite's result, extended or not; None: it gave none. said: its own words. waited_s: how long it waited for
    other processes.
    """
    folder, file = quote(path.rpartition("/")[0]), quote(path)
    match None if code is None else code & PRIMARY:
        case Result.CORRUPT:
            return damaged(path, said)
        case Result.NOTADB:
            return StoreDamagedError(
                f"The store {path} is damaged at its beginning, or no store at all: {said}.",
                hint=(
                    "Does DATABASE_URL name the right file? Else stop the bot, keep what is there, and put the newest "
                    f"copy of the store in its place: {STEPS}."
                ),
            )
        case Result.FULL:
            return StoreError(
                f"The store {path} could not be written for want of space: {said}.",
                hint=f"Free some: `df -h {folder}`. A quota of the user it runs as is a limit too.",
            )
        case Result.BUSY | Result.LOCKED:
            return StoreError(
                f"The store {path} was held by another process for {waited_s:g} s: {said}.",
                hint=f"Try again; if it stays so, `fuser -v {file}` names the process.",
            )
        case Result.READONLY | Result.PERM:
            return StoreError(
                f"The store {path} could not be written by this user: {said}.",
                hint=(
                    f"Run this as the owner of the file and of its folder: `ls -la {folder}`. Else the file system is "
                    "read-only (`findmnt`), or the file was taken away from under a running bot."
                ),
            )
        case Result.CANTOPEN:
            return StoreError(
                f"The store {path} could not be opened: {said}.",
                hint=f"Is it a file, in a folder that this user may write? `ls -la {folder}`",
            )
        case Result.IOERR:
            return StoreError(
                f"The disk of the store {path} failed: {said}.",
                hint=(
                    f"Look for room (`df -h {folder}`), then at what the kernel says of the disk (`dmesg`). Copy the "
                    "store elsewhere while it can be read."
                ),
            )
        case _:
            return StoreError(
                f"The store {path} could not be used: {said}.",
                hint="Is it a store of this Sharpnet, or of a newer one, or another program's file?",
            )

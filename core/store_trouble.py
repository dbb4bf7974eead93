"""What is the matter with the store when SQLite says no, from its result codes."""

from __future__ import annotations

from enum import IntEnum
from shlex import quote

from core.errors import StoreDamagedError, StoreError

PRIMARY = 0xFF
STEPS = "“The store is damaged” in docs/handbook.md"


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

"""One SQLite file, one thread that writes and reads it, whole transactions only.

Several processes may share the file (the bot, and commands in the terminal): every transaction that writes begins
IMMEDIATE, so that what it read still holds when it writes.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

from sqlite_utils import Database

from core.errors import StoreError
from core.store_trouble import damaged, not_wal_hint, store_error, why_not_wal
from ops.boot_time import boot_time
from ops.store.fence import asking_first
from ops.store.sqlite.driver import VERSION, sqlite3
from ops.store.sqlite.open_files import OpenFiles
from ops.store.sqlite.schema import MIGRATIONS
from ops.store.sqlite.transaction import SqliteTransaction

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ops.contracts import LeaseTime, Transaction

T = TypeVar("T")
BUSY_S = 15.0
MOST_PROBLEMS = 5


class SqliteDb:
    """The connection and its thread. Implements `ops.contracts.Db`.

    make: a file that is not there is made at once; otherwise by the first thing that is written, so that who only looks
    leaves none behind.
    """

    def __init__(self, path: Path, lease_clock: Callable[[], LeaseTime] = boot_time, *, make: bool = True) -> None:
        self._path = path
        self._lease_clock = lease_clock
        self._make = make
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="store")
        self._db: Database | None = None
        # None while there is no file yet.
        self._files: OpenFiles | None = None

    async def open(self) -> None:
        """Open the file, made (as `make` says) and migrated where needed. Raises StoreError where it cannot be."""
        await self._in_thread(self._open)

    async def close(self) -> None:
        """Close the file; nothing is pending afterwards."""
        await self._in_thread(self._close)
        self._thread.shutdown()

    async def read(self, work: Callable[[Transaction], T]) -> T:
        """Run `work`, which only reads."""
        return await self._in_thread(lambda: work(self._transaction(self._opened())))

    async def write(self, work: Callable[[Transaction], T]) -> T:
        """Run `work` in one transaction: all of it is kept, or (when it raises) nothing."""
        work = asking_first(work)
        return await self._in_thread(lambda: self._write(work))

    async def examine(self) -> None:
        """Read every page and index. Raises StoreDamagedError where any of it is not what SQLite wrote.

        It takes as long as the file is large: nothing that people wait for asks for it.
        """
        asked = f"PRAGMA integrity_check({MOST_PROBLEMS})"
        found = [str(row["integrity_check"]) for row in await self.read(lambda transaction: transaction.query(asked))]
        if found != ["ok"]:
            raise damaged(str(self._path), " ".join("; ".join(found).split()))

    async def _in_thread(self, work: Callable[[], T]) -> T:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, work)
        except sqlite3.Error as error:
            # Errors of the driver itself bear no result code.
            code = getattr(error, "sqlite_errorcode", None)
            raise store_error(str(self._path), code, str(error), waited_s=BUSY_S) from error

    def _write(self, work: Callable[[Transaction], T]) -> T:
        database = self._opened(to_write=True)

        def whole() -> T:
            done = work(self._transaction(database))
            # Taken away meanwhile: it would be kept where nobody looks.
            self._opened()
            return done

        return _in_transaction(database, whole)

    def _opened(self, *, to_write: bool = False) -> Database:
        if self._db is None:
            raise StoreError(f"The store {self._path} is not open.")
        if self._files is not None:
            self._files.ask()
        elif to_write or self._path.exists():
            return self._open_file()
        return self._db

    def _transaction(self, database: Database) -> SqliteTransaction:
        return SqliteTransaction(database.conn, self._lease_clock)

    def _open(self) -> None:
        why_not = why_not_wal(VERSION)
        if why_not is not None:
            # Before the file is touched: it is in WAL mode already where another process has it open.
            raise StoreError(f"The store {self._path} was not opened: {why_not}.", hint=not_wal_hint())
        if self._make or self._path.exists():
            self._open_file()
        else:
            # What is read of it is what a new store would hold.
            self._take(sqlite3.connect(":memory:", isolation_level=None), None)

    def _open_file(self) -> Database:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            connection = sqlite3.connect(self._path, timeout=BUSY_S, isolation_level=None)
            self._path.chmod(0o600)
        except OSError as error:
            raise StoreError(
                f"The store {self._path} could not be opened: {error.strerror}.",
                hint="Run this as the user who owns it, and may write in its folder.",
            ) from error
        connection.execute("PRAGMA journal_mode=WAL")
        # FULL: an intent that was recorded must survive a power cut, or a step could be taken twice.
        connection.execute("PRAGMA synchronous=FULL")
        return self._take(connection, self._path)

    def _take(self, connection: sqlite3.Connection, file: Path | None) -> Database:
        database = Database(connection)
        _in_transaction(database, lambda: MIGRATIONS.apply(database))
        files = OpenFiles(file) if file is not None else None
        self._close()
        self._db, self._files = database, files
        return database

    def _close(self) -> None:
        if self._db is not None:
            self._db.close()
            self._db = None


def _in_transaction(database: Database, work: Callable[[], T]) -> T:
    database.conn.execute("BEGIN IMMEDIATE")
    try:
        result = work()
    except BaseException:
        database.conn.rollback()
        raise
    database.conn.execute("COMMIT")
    return result

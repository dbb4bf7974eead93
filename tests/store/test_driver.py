"""Which SQLite keeps the store: the one that sqlite-utils works with, whether or not pysqlite3 is there."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest
from sqlite_utils import Database

from ops.store import Store
from ops.store.sqlite.database import SqliteDb
from ops.store.sqlite.driver import VERSION, sqlite3

SAY = """
import sys
sys.modules.update(dict.fromkeys(sys.argv[1:]))
from sqlite_utils import Database
from ops.store.sqlite.driver import DRIVER, sqlite3
print(DRIVER, type(Database(memory=True).conn) is sqlite3.Connection)
"""


async def test_the_store_and_sqlite_utils_use_one_sqlite(tmp_path: Path) -> None:
    store = Store(SqliteDb(tmp_path / "sharpnet.db"))
    await store.open()
    used = await store._db.read(lambda opened: type(opened._connection))
    (row,) = await store._db.read(lambda opened: opened.query("SELECT sqlite_version() AS version"))
    await store.close()
    assert used is sqlite3.Connection is type(Database(memory=True).conn)
    assert row["version"] == ".".join(map(str, VERSION))


@pytest.mark.parametrize(("missing", "driver"), [([], "pysqlite3"), (["pysqlite3"], "sqlite3")])
async def test_where_pysqlite3_cannot_be_imported_both_use_pythons_own(missing: list[str], driver: str) -> None:
    asked = [sys.executable, "-c", SAY, *missing]
    root = Path(__file__).parents[2]
    done = await asyncio.to_thread(subprocess.run, asked, cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.split() == [driver, "True"]

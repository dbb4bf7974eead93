"""A store that cannot be used, really damaged, full, held or misplaced: each is said as what it is."""

from __future__ import annotations

import asyncio
import re
import shutil
import subprocess
from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from core.audit import first_broken
from core.errors import StoreDamagedError, StoreError
from ops.gather.live_check import store_findings
from ops.store import Store
from ops.store.sqlite import database
from ops.store.sqlite.database import SqliteDb
from ops.store.sqlite.driver import sqlite3

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

NOW = datetime(2026, 6, 14, 13, 2, 7, tzinfo=UTC)
PAGE = 4096
ENTRIES = 200
# A leaf of an index that holds nothing: well-formed, and not what was written (sqlite.org/fileformat2.html, 1.6).
EMPTY_LEAF = b"\x0a\0\0\0\0\x10\0\0" + bytes(PAGE - 8)
GARBAGE = b"\xa5" * PAGE


@pytest.fixture
async def path(tmp_path: Path) -> Path:
    """Return a store with a record, closed: all of it stands in the one file."""
    file = tmp_path / "sharpnet.db"
    store = Store(SqliteDb(file))
    await store.open()
    for n in range(ENTRIES):
        await store.record.add(NOW, "kind", f"site{n % 7}", "who", {"n": n, "text": "x" * 200})
    await store.close()
    return file


async def read(path: Path) -> int:
    """Open the store, count what is on record, and close it."""
    store = Store(SqliteDb(path))
    try:
        await store.open()
        return len(await store.record.entries())
    finally:
        await store.close()


def overwrite(path: Path, page: int, content: bytes) -> None:
    """Put other bytes where the page of that number, counted from 1, stands."""
    with path.open("r+b") as file:
        file.seek((page - 1) * PAGE)
        file.write(content)


def page_of(path: Path, name: str) -> int:
    """Return the number of the first page of a table or index."""
    with closing(sqlite3.connect(path)) as connection:
        (page,) = connection.execute("SELECT rootpage FROM sqlite_schema WHERE name = ?", [name]).fetchone()
        assert isinstance(page, int)
        return page


def files_in(folder: Path) -> list[Path]:
    return list(folder.iterdir())


def overwrite_the_middle(path: Path) -> None:
    pages = path.stat().st_size // PAGE
    overwrite(path, pages // 4, GARBAGE * (pages // 2))


def cut_off(path: Path) -> None:
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size // 2)


@pytest.mark.parametrize("damage", [overwrite_the_middle, cut_off])
async def test_a_damaged_file_is_said_to_be_damaged(path: Path, damage: Callable[[Path], None]) -> None:
    assert await read(path) == ENTRIES
    damage(path)
    with pytest.raises(StoreDamagedError) as raised:
        await read(path)
    assert raised.value.message == f"The store {path} is damaged: database disk image is malformed."
    assert "Stop the bot, copy sharpnet.db, sharpnet.db-wal and sharpnet.db-shm" in raised.value.hint


async def test_a_file_whose_beginning_is_overwritten_is_told_apart(path: Path) -> None:
    overwrite(path, 1, GARBAGE)
    with pytest.raises(StoreDamagedError) as raised:
        await read(path)
    assert raised.value.message.endswith(
        "sharpnet.db is damaged at its beginning, or no store at all: file is not a database."
    )
    assert "put the newest copy of the store in its place" in raised.value.hint


async def test_what_the_hint_says_to_type_saves_what_can_be_read(path: Path) -> None:
    overwrite(path, page_of(path, "states"), GARBAGE)
    store = Store(SqliteDb(path))
    await store.open()
    with pytest.raises(StoreDamagedError) as raised:
        await store.states.states()
    await store.close()
    typed = re.search(r"`(sqlite3 .*?)`", raised.value.hint)
    assert typed is not None
    asked = ["bash", "-c", typed[1]]
    await asyncio.to_thread(subprocess.run, asked, cwd=path.parent, check=True, capture_output=True)
    saved = Store(SqliteDb(path.with_name("saved.db")))
    await saved.open()
    entries = await saved.record.entries()
    await saved.states.states()
    await saved.examine()
    await saved.close()
    assert (len(entries), first_broken(entries)) == (ENTRIES, None)


async def test_the_record_can_be_read_where_only_other_pages_are_damaged(path: Path) -> None:
    overwrite(path, page_of(path, "states"), GARBAGE)
    assert await read(path) == ENTRIES


async def test_a_look_at_the_whole_store_finds_what_no_reading_notices(path: Path) -> None:
    other = shutil.copy(path, path.with_name("other.db"))
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("INSERT INTO plans VALUES ('K7Q2', 'open', '{}', '', 'who', '', '', NULL, NULL, NULL)")
        connection.commit()
    overwrite(path, page_of(path, "plans_state"), EMPTY_LEAF)
    assert await read(path) == ENTRIES
    for file, whole in ((path, False), (other, True)):
        store = Store(SqliteDb(file))
        await store.open()
        (finding,) = await store_findings(store)
        await store.close()
        assert finding.what.startswith("the store, by SQLite ")
        assert finding.ok is whole
        if not whole:
            assert f"The store {path} is damaged: wrong # of entries in index plans_state; row 1 missing" in finding.why
            assert ".dump" in finding.hint


async def test_a_full_disk_is_said(path: Path) -> None:
    store = Store(SqliteDb(path))
    await store.open()
    await store._db.read(lambda opened: opened.query("PRAGMA max_page_count = 1"))
    with pytest.raises(StoreError, match=r"could not be written for want of space: database or disk is full\.$"):
        await store.record.add(NOW, "kind", "subject", "who", {"text": "x" * 100 * PAGE})
    await store.close()


async def test_a_store_that_another_process_holds_is_said(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "BUSY_S", 0.2)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match=r"was held by another process for 0\.2 s: database is locked\.$"):
            await read(path)
        other.rollback()
    assert await read(path) == ENTRIES


async def test_a_store_that_must_not_be_written_is_said(path: Path) -> None:
    store = Store(SqliteDb(path))
    await store.open()
    await store._db.read(lambda opened: opened.execute("PRAGMA query_only = ON"))
    with pytest.raises(StoreError, match="could not be written by this user: attempt to write a readonly database"):
        await store.record.add(NOW, "kind", "subject", "who")
    await store.close()


async def test_a_folder_in_the_place_of_the_store_is_said(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"could not be opened: unable to open database file\.$"):
        await read(tmp_path)


async def test_a_file_in_the_place_of_the_stores_folder_is_said(tmp_path: Path) -> None:
    (tmp_path / "var").write_text("not a folder")
    with pytest.raises(StoreError, match=r"could not be opened: Not a directory\.$"):
        await read(tmp_path / "var" / "lib" / "sharpnet.db")


async def test_a_sqlite_that_may_damage_it_does_not_touch_the_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "VERSION", (3, 46, 1))
    with pytest.raises(StoreError, match=r"was not opened: SQLite 3\.46\.1 may damage") as raised:
        await read(tmp_path / "sharpnet.db")
    assert "pysqlite3" in raised.value.hint
    assert files_in(tmp_path) == []

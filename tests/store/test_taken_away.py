"""A store whose file is deleted or replaced under who has it open: nothing is written any more, and that is said."""

from __future__ import annotations

import shutil
from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from core.errors import StoreGoneError
from ops.durable.fenced import ask_fences
from ops.store import Store
from ops.store.fence import RunFence, fenced
from ops.store.sqlite.database import SqliteDb
from ops.store.sqlite.driver import sqlite3

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

NOW = datetime(2026, 6, 14, 13, 2, 7, tzinfo=UTC)
FILES = ("sharpnet.db", "sharpnet.db-wal", "sharpnet.db-shm")


@pytest.fixture
async def opened(tmp_path: Path) -> AsyncIterator[Store]:
    """Open a store with something on record, in a file of its own."""
    store = Store(SqliteDb(tmp_path / "sharpnet.db"))
    await store.open()
    await store.record.add(NOW, "kind", "subject", "who")
    yield store
    await store.close()


async def refuses(store: Store, said: str) -> StoreGoneError:
    """Return the error with which all of it is refused: writing, reading, and what asks before an effect."""
    with pytest.raises(StoreGoneError, match=said):
        await store.record.entries()
    with pytest.raises(StoreGoneError, match=said), fenced(RunFence("cutover", "K7Q2", 1)):
        await ask_fences(store)
    with pytest.raises(StoreGoneError, match=said) as raised:
        await store.record.add(NOW, "kind", "subject", "who")
    return raised.value


@pytest.mark.parametrize("file", FILES)
async def test_who_has_a_store_open_that_is_deleted_writes_nothing_and_says_so(
    opened: Store, tmp_path: Path, file: str
) -> None:
    (tmp_path / file).unlink()
    error = await refuses(opened, rf"{file} was deleted while this process had the store open\.$")
    assert "Nothing is written or carried out any more." in error.hint
    assert "docs/handbook.md" in error.hint
    assert not (tmp_path / file).exists()


@pytest.mark.parametrize("file", FILES)
async def test_who_has_a_store_open_that_is_replaced_writes_into_neither(
    opened: Store, tmp_path: Path, file: str
) -> None:
    path = tmp_path / file
    path.rename(tmp_path / "aside")
    shutil.copy(tmp_path / "aside", path)
    before = path.read_bytes(), (tmp_path / "aside").read_bytes()
    await refuses(opened, rf"{file} was replaced by another file while this process had the store open\.$")
    assert (path.read_bytes(), (tmp_path / "aside").read_bytes()) == before


async def test_a_store_that_is_taken_away_while_something_is_written_keeps_nothing_of_it(
    opened: Store, tmp_path: Path
) -> None:
    def delete_meanwhile() -> None:
        (tmp_path / "sharpnet.db").rename(tmp_path / "aside")

    with pytest.raises(StoreGoneError):
        await opened._db.write(
            lambda transaction: (
                transaction.execute("INSERT INTO active VALUES ('shop', 'lima', '')"),
                delete_meanwhile(),
            )
        )
    (tmp_path / "aside").rename(tmp_path / "sharpnet.db")
    assert await opened.copies.active() == {}


async def test_a_store_that_is_put_back_as_it_was_is_written_again(opened: Store, tmp_path: Path) -> None:
    (tmp_path / "sharpnet.db").rename(tmp_path / "aside")
    await refuses(opened, "was deleted")
    (tmp_path / "aside").rename(tmp_path / "sharpnet.db")
    await opened.record.add(NOW, "kind", "subject", "who")
    assert len(await opened.record.entries()) == 2


async def test_a_folder_that_is_not_there_for_a_while_is_said_as_that(opened: Store, tmp_path: Path) -> None:
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    for file in FILES:
        (tmp_path / file).rename(folder / file)
    await refuses(opened, "sharpnet.db was deleted")


async def test_who_lost_its_store_leaves_the_journal_of_the_next_one_alone_when_it_ends(tmp_path: Path) -> None:
    old = Store(SqliteDb(tmp_path / "sharpnet.db"))
    await old.open()
    for file in FILES:
        (tmp_path / file).unlink()
    new = Store(SqliteDb(tmp_path / "sharpnet.db"))
    await new.open()
    await new.record.add(NOW, "kind", "subject", "who")
    await old.close()
    await new.record.add(NOW, "kind", "subject", "who")
    with closing(sqlite3.connect(tmp_path / "sharpnet.db")) as third:
        assert third.execute("SELECT count(*) FROM record").fetchone() == (2,)
    await new.close()


async def test_other_processes_that_come_and_go_take_nothing_away(opened: Store, tmp_path: Path) -> None:
    for _ in range(2):
        other = Store(SqliteDb(tmp_path / "sharpnet.db"))
        await other.open()
        await other.record.add(NOW, "kind", "subject", "who")
        await other.close()
        await opened.record.add(NOW, "kind", "subject", "who")
    assert len(await opened.record.entries()) == 5

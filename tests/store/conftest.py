"""The store and the engine on each database that implements `ops.contracts.Db`, in a file of the test's own.

Today that is SQLite, and no server is started; another one is one line below. It is never empty: what belongs to others
(`others.py`) has to be there, as it was, after each test.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from store.others import changed_since, put_others, rows_of

from ops.store import Store
from ops.store.database import SqliteDb

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from ops.contracts import Db

DATABASES: dict[str, Callable[[Path], Db]] = {
    "sqlite": lambda folder: SqliteDb(folder / "sharpnet.db"),
}


@pytest.fixture(params=DATABASES)
def new_db(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], Db]:
    """Give one more way to the test's own database, as another process would have."""
    return lambda: DATABASES[request.param](tmp_path)


@pytest.fixture
async def empty_db(new_db: Callable[[], Db]) -> AsyncIterator[Db]:
    """Open a database of its own, without anything in it."""
    one = new_db()
    await one.open()
    yield one
    await one.close()


@pytest.fixture
async def db(empty_db: Db) -> AsyncIterator[Db]:
    """Open one in which others have something in every table, and see afterwards that they still do."""
    await put_others(empty_db)
    before = await rows_of(empty_db)
    yield empty_db
    after = await rows_of(empty_db)
    assert changed_since(before, after) == {}, "what belongs to others was changed"


@pytest.fixture
def empty_store(empty_db: Db) -> Store:
    """Open a store in which nobody has anything."""
    return Store(empty_db)


@pytest.fixture
def store(db: Db) -> Store:
    """Open a store of its own."""
    return Store(db)


@pytest.fixture
async def second(new_db: Callable[[], Db]) -> AsyncIterator[Store]:
    """Open the same database as another process would."""
    other = Store(new_db())
    await other.open()
    yield other
    await other.close()

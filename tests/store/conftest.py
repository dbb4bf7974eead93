"""The store and the engine on each database that implements `ops.contracts.Db`, in a file of the test's own.

Today that is SQLite, and no server is started; another one is one line below. It is never empty: what belongs to others
(`others.py`) has to be there, as it was, after each test.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from store.others import changed_since, put_others, rows_of

from ops.contracts import LeaseTime
from ops.store import Store
from ops.store.sqlite.database import SqliteDb

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from datetime import timedelta
    from pathlib import Path

    from ops.contracts import Db

DATABASES: dict[str, Callable[[Path, Callable[[], LeaseTime]], Db]] = {
    "sqlite": lambda folder, lease_clock: SqliteDb(folder / "sharpnet.db", lease_clock),
}


class LeaseClock:
    """What leases end by, as a test turns it."""

    def __init__(self) -> None:
        self._time = LeaseTime("this boot", 1000.0)

    def __call__(self) -> LeaseTime:
        """Return the moment that it shows."""
        return self._time

    def passes(self, time: timedelta) -> None:
        """Let so much time go by."""
        self._time = self._time.after(time)

    def is_another_boot(self) -> None:
        """Let the machine be started anew: it counts from the beginning."""
        self._time = LeaseTime("another boot", 10.0)


@pytest.fixture
def lease_clock() -> LeaseClock:
    """Give the clock that the test's own database goes by."""
    return LeaseClock()


@pytest.fixture(params=DATABASES)
def new_db(request: pytest.FixtureRequest, tmp_path: Path, lease_clock: Callable[[], LeaseTime]) -> Callable[[], Db]:
    """Give one more way to the test's own database, as another process would have."""
    return lambda: DATABASES[request.param](tmp_path, lease_clock)


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

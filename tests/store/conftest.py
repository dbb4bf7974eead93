from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ops.store import Store
from ops.store.database import SqliteDb

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    """Open a store of its own."""
    one = Store(SqliteDb(tmp_path / "sharpnet.db"))
    await one.open()
    yield one
    await one.close()


@pytest.fixture
async def second(tmp_path: Path) -> AsyncIterator[Store]:
    """Open the same file as another process would."""
    other = Store(SqliteDb(tmp_path / "sharpnet.db"))
    await other.open()
    yield other
    await other.close()


@pytest.fixture
def store_file(tmp_path: Path) -> Callable[[], Path]:
    return lambda: tmp_path / "sharpnet.db"

"""The store and the engine on real SQLite, in a file of the test's own; no server is started."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ops.store import Store

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    """Open a store of its own."""
    one = Store(tmp_path / "sharpnet.db")
    await one.open()
    yield one
    await one.close()


@pytest.fixture
async def second(tmp_path: Path) -> AsyncIterator[Store]:
    """Open the same file as another process would."""
    other = Store(tmp_path / "sharpnet.db")
    await other.open()
    yield other
    await other.close()


@pytest.fixture
def store_file(tmp_path: Path) -> Callable[[], Path]:
    return lambda: tmp_path / "sharpnet.db"

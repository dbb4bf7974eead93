"""Cutovers against a lab of real servers, driven by typed lines as chat and terminal drive them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from cutover.harness import Stage, copy_to_mirrors, staged

from lab import Lab
from lab.small_fleet import address_blocks, write_small_fleet

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from pathlib import Path
    from typing import Any

BLOCKS = address_blocks()


@pytest.fixture
def change() -> Callable[[dict[str, Any]], None] | None:
    """Alter the fleet file before the lab comes up: a test says how by its parametrization."""
    return None


@pytest.fixture
def lab(tmp_path: Path, change: Callable[[dict[str, Any]], None] | None) -> Iterator[Lab]:
    """Bring a small fleet up, and down again whatever happens."""
    config = write_small_fleet(tmp_path, next(BLOCKS), change)
    with Lab(config, tmp_path / ".lab") as lab:
        yield lab


@pytest.fixture
async def stage(lab: Lab, tmp_path: Path) -> AsyncIterator[Stage]:
    """Open a stage whose mirrors are filled."""
    async with staged(lab, tmp_path) as stage:
        copy_to_mirrors(lab, stage.ports)
        yield stage

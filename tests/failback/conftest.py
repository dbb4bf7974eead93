"""Coming home in labs of real servers: one whose sites tests take one by one, and one to break as a test likes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from cutover.harness import Stage, copy_to_mirrors, staged
from sync.conftest import fleet_change, rig, shared

from lab import Lab
from lab.small_fleet import address_blocks, write_small_fleet

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

__all__ = ["fleet_change", "rig", "shared"]

BLOCKS = address_blocks()


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    """Open a stage of the test's own whose mirrors are filled."""
    config = write_small_fleet(tmp_path, next(BLOCKS))
    with Lab(config, tmp_path / ".lab") as lab:
        async with staged(lab, tmp_path) as stage:
            copy_to_mirrors(lab, stage.ports)
            yield stage


def with_databases(tree: dict[str, Any]) -> None:
    """Give a site two databases, of which one cannot be asked: its password is gone."""
    tree["sites"]["fjord.example"]["databases"] = [
        {"engine": "postgresql", "name": "fjord"},
        {"engine": "postgresql", "name": "nobody's", "password": "file:keys/gone", "user": "f"},
    ]


@pytest.fixture
async def stocked(tmp_path: Path) -> AsyncIterator[Stage]:
    """Open a stage of which one site has databases."""
    config = write_small_fleet(tmp_path, next(BLOCKS), with_databases)
    with Lab(config, tmp_path / ".lab") as lab:
        async with staged(lab, tmp_path) as stage:
            (tmp_path / "keys/gone").unlink()
            yield stage

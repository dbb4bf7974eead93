"""Whatever is done to a fleet, in whatever order: a plan counts once, and nothing served is older than it was."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from driver.driver import Driver
from driver.fleet import for_the_driver
from driver.world import World

from lab import Lab
from lab.small_fleet import address_blocks, write_small_fleet

if TYPE_CHECKING:
    from pathlib import Path

BLOCKS = address_blocks()
# For longer runs by hand: CONTRIBUTING.md says how.
SEEDS = os.environ.get("SHARPNET_SEEDS", "9,12")
STEPS = int(os.environ.get("SHARPNET_STEPS", "12"))
SECONDS_A_STEP = 30


def seeds(written: str) -> list[int]:
    """Read what is written like "3", "1-20" or "3,8,20-25"."""
    parts = [part.partition("-") for part in written.split(",")]
    return [seed for first, _, last in parts for seed in range(int(first), int(last or first) + 1)]


@pytest.mark.timeout(300 + STEPS * SECONDS_A_STEP)
@pytest.mark.parametrize("seed", seeds(SEEDS))
async def test_all_holds_whatever_is_done(seed: int, tmp_path: Path) -> None:
    config = write_small_fleet(tmp_path, next(BLOCKS), for_the_driver)
    with Lab(config, tmp_path / ".lab") as lab:
        world = World(lab, tmp_path)
        await world.begin()
        try:
            await Driver(world, seed).run(STEPS)
        finally:
            await world.end()

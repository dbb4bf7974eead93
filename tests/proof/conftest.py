"""Copies between real servers, proven and undone: one lab a file, a process with a store of its own a test."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sync.rig import Rig, many_sites, rigged

from lab import Lab
from lab.small_fleet import address_blocks, write_small_fleet

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from core.fleet import Site

BLOCKS = address_blocks()


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Lab, Path, dict[str, list[Site]]]]:
    """Bring up a lab whose sites are given out one a test."""
    folder = tmp_path_factory.mktemp("lab")
    config = write_small_fleet(folder, next(BLOCKS), many_sites)
    with Lab(config, folder / ".lab") as lab:
        yield lab, config, {}


@pytest.fixture
async def rig(
    shared: tuple[Lab, Path, dict[str, list[Site]]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Rig]:
    """Open a process on the shared lab, which the test leaves as it was but for its own sites."""
    lab, config, sites = shared
    for name, value in lab.env.items():
        monkeypatch.setenv(name, value)
    async with rigged(lab, config, tmp_path / "store.sqlite", sites) as rig:
        yield rig

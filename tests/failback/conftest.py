"""Coming home in labs of real servers: one whose sites tests take one by one, and one to break as a test likes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from cutover.stage import Stage, copy_to_mirrors, staged
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


@pytest.fixture
async def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Stage]:
    """Open a stage of the test's own whose mirrors are filled."""
    config = write_small_fleet(tmp_path, next(BLOCKS))
    with Lab(config, tmp_path / ".lab") as lab:
        for name, value in lab.env.items():
            monkeypatch.setenv(name, value)
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
async def stocked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Stage]:
    """Open a stage of which one site has databases."""
    config = write_small_fleet(tmp_path, next(BLOCKS), with_databases)
    with Lab(config, tmp_path / ".lab") as lab:
        for name, value in lab.env.items():
            monkeypatch.setenv(name, value)
        async with staged(lab, tmp_path) as stage:
            (tmp_path / "keys/gone").unlink()
            yield stage

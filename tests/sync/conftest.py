"""Copies between real servers: one lab a file, and a process with a store of its own a test."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from sync.rig import Rig, many_sites, rigged

from lab import Lab
from lab.small_fleet import address_blocks, write_small_fleet
from ops.fleetfile import secret_reader
from ops.ssh import SshPool

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


@pytest.fixture(scope="module")
def root_shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Lab, Path, dict[str, list[Site]]]]:
    """Bring up such a lab in which the bot logs in to Lima as root."""

    def as_root(tree: dict[str, Any]) -> None:
        many_sites(tree)
        tree["servers"]["lima"]["ssh"]["user"] = "root"

    folder = tmp_path_factory.mktemp("lab")
    config = write_small_fleet(folder, next(BLOCKS), as_root)
    with Lab(config, folder / ".lab") as lab:
        yield lab, config, {}


@pytest.fixture
async def root_rig(
    root_shared: tuple[Lab, Path, dict[str, list[Site]]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Rig]:
    """Open a process on the lab with Lima's root."""
    lab, config, sites = root_shared
    for name, value in lab.env.items():
        monkeypatch.setenv(name, value)
    async with rigged(lab, config, tmp_path / "store.sqlite", sites) as rig:
        yield rig


@pytest.fixture
async def own_rig(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Rig]:
    """Open a process on a lab of the test's own, to break as it likes."""
    config = write_small_fleet(tmp_path, next(BLOCKS), many_sites)
    with Lab(config, tmp_path / ".lab") as lab:
        for name, value in lab.env.items():
            monkeypatch.setenv(name, value)
        async with rigged(lab, config, tmp_path / "store.sqlite", {}) as rig:
            yield rig


@pytest.fixture
async def six_rig(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Rig]:
    """Open a process on a lab whose servers have an IPv6 address too, and reach Oslo by that alone."""

    def with_six(tree: dict[str, Any]) -> None:
        many_sites(tree)
        tree["servers"]["oslo"]["ipv6"] = "fd00:10::1"

    config = write_small_fleet(tmp_path, next(BLOCKS), with_six)
    with Lab(config, tmp_path / ".lab") as lab:
        for name, value in lab.env.items():
            monkeypatch.setenv(name, value)
        async with rigged(lab, config, tmp_path / "store.sqlite", {}) as rig:
            oslo = replace(rig.ports.fleet.servers["oslo"], ipv4=None)
            fleet = replace(rig.ports.fleet, servers={**rig.ports.fleet.servers, "oslo": oslo})
            ssh = SshPool(fleet, secret_reader(fleet))
            yield replace(rig, ports=replace(rig.ports, fleet=fleet, ssh=ssh))
            await ssh.close()

"""Copies between real servers: one lab a file, and a process with a store of its own a test."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from sync.harness import Rig, SharedLab, lab_to_share, many_sites, rigged

from ops.fleetfile import secret_reader
from ops.ssh.pool import SshPool

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from sync.harness import Change


@pytest.fixture(scope="module")
def fleet_change() -> Change:
    """Return how the fleet file is altered before the lab comes up: a file with another fleet has its own."""
    return many_sites


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory, fleet_change: Change) -> Iterator[SharedLab]:
    """Bring up a lab whose sites are given out one a test."""
    with lab_to_share(tmp_path_factory.mktemp("lab"), fleet_change) as shared:
        yield shared


@pytest.fixture
async def rig(shared: SharedLab, tmp_path: Path) -> AsyncIterator[Rig]:
    """Open a process on the shared lab, which the test leaves as it was but for its own sites."""
    async with rigged(shared, tmp_path / "store.sqlite") as rig:
        yield rig


@pytest.fixture(scope="module")
def root_shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SharedLab]:
    """Bring up such a lab in which the bot logs in to Lima as root."""

    def as_root(tree: dict[str, Any]) -> None:
        many_sites(tree)
        tree["servers"]["lima"]["ssh"]["user"] = "root"

    with lab_to_share(tmp_path_factory.mktemp("lab"), as_root) as shared:
        yield shared


@pytest.fixture
async def root_rig(root_shared: SharedLab, tmp_path: Path) -> AsyncIterator[Rig]:
    """Open a process on the lab with Lima's root."""
    async with rigged(root_shared, tmp_path / "store.sqlite") as rig:
        yield rig


@pytest.fixture
async def own_rig(tmp_path: Path) -> AsyncIterator[Rig]:
    """Open a process on a lab of the test's own, to break as it likes."""
    with lab_to_share(tmp_path, many_sites) as own:
        async with rigged(own, tmp_path / "store.sqlite") as rig:
            yield rig


@pytest.fixture
async def six_rig(tmp_path: Path) -> AsyncIterator[Rig]:
    """Open a process on a lab whose servers have an IPv6 address too, and reach Oslo by that alone."""

    def with_six(tree: dict[str, Any]) -> None:
        many_sites(tree)
        tree["servers"]["oslo"]["ipv6"] = "fd00:10::1"

    with lab_to_share(tmp_path, with_six) as own:
        async with rigged(own, tmp_path / "store.sqlite") as rig:
            oslo = replace(rig.ports.fleet.servers["oslo"], ipv4=None)
            fleet = replace(rig.ports.fleet, servers={**rig.ports.fleet.servers, "oslo": oslo})
            ssh = SshPool(fleet, secret_reader(fleet))
            yield replace(rig, ports=replace(rig.ports, fleet=fleet, ssh=ssh))
            await ssh.close()

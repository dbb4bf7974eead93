"""Status pages on real servers: one lab a file, both of whose servers carry the page."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import pytest
from pages.harness import Desk

from bot.settings import Settings
from bot.wiring import open_ports
from lab import Lab
from lab.small_fleet import address_blocks, write_small_fleet

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

BLOCKS = address_blocks()


def two_pages(tree: dict[str, Any]) -> None:
    """Give both servers a page, at names that the lab's nginx knows them by."""
    for name, server in tree["servers"].items():
        url = f"http://{server['ipv4']}:{server['web']['http']}/"
        server["status_page"] = {"root": f"/srv/{name}/status", "url": url}
    tree["status_pages"] = {"hide": ["attic.example"], "stale_after": "5m"}


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Lab, Path]]:
    """Bring up a lab for the tests of one file."""
    folder = tmp_path_factory.mktemp("lab")
    config = write_small_fleet(folder, next(BLOCKS), two_pages)
    with Lab(config, folder / ".lab") as lab:
        yield lab, config


@pytest.fixture
async def desk(shared: tuple[Lab, Path], tmp_path: Path) -> AsyncIterator[Desk]:
    """Open a process with a store of its own; the servers' pages are gone, and whatever died is back afterwards."""
    lab, config = shared
    with patch.dict(os.environ, lab.env):
        async with open_ports(Settings(config, tmp_path / "store.db")) as ports:
            desk = Desk(lab, ports)
            desk.clear()
            yield desk
    for server in ("oslo", "lima"):
        lab.back(server)

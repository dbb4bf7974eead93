"""Backups of real sites with the real restic: one lab a worker, and a process and a site of its own a test."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from backup.harness import Vault, offsite
from sync.harness import SharedLab, lab_to_share, rigged

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

SITES = 200


def with_offsite(tree: dict[str, Any]) -> None:
    """Give the fleet an off-site host, and sites by pairs, Oslo's and Lima's."""
    tree["offsite"] = {**offsite(tree), "path": "/srv/vault/the repository", "keep": {"daily": 7}}
    tree["schedule"]["backup"] = "0 4 * * *"
    for number in range(SITES):
        home, mirror = ("oslo", "lima") if number % 2 == 0 else ("lima", "oslo")
        name = f"{home}-{number}.ski.example"
        root = f"/srv/{{server}}/www/{name}"
        tree["sites"][name] = {"home": home, "mirrors": [mirror], "names": [name], "root": root}


@pytest.fixture(scope="session")
def vault_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SharedLab]:
    """Bring up a lab with an off-site host, whose sites are given out one a test."""
    with lab_to_share(tmp_path_factory.mktemp("vault"), with_offsite) as shared:
        yield shared


@pytest.fixture
async def vault(vault_lab: SharedLab, tmp_path: Path) -> AsyncIterator[Vault]:
    """Open a process with a store and a repository of its own on the lab."""
    async with rigged(vault_lab, tmp_path / "store.sqlite") as rig:
        yield await Vault.of(rig, tmp_path.name).kept_up()


@pytest.fixture
async def bare_vault(vault_lab: SharedLab, tmp_path: Path) -> AsyncIterator[Vault]:
    """Open the same where no repository was ever made."""
    async with rigged(vault_lab, tmp_path / "store.sqlite") as rig:
        yield Vault.of(rig, tmp_path.name)

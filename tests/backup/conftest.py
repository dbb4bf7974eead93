"""Backups of real sites with the real restic: one lab a worker, and a process and a site of its own a test."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from backup.vault import Vault
from sync.rig import rigged

from lab import Lab
from lab.small_fleet import write_small_fleet

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

SITES = 80


def with_offsite(block: str) -> Any:  # noqa: ANN401  a change of a small fleet
    """Return what gives the fleet an off-site host, and sites by pairs, Oslo's and Lima's."""

    def change(tree: dict[str, Any]) -> None:
        login = {"user": "keeper", "port": 2322, "key": "file:keys/bot", "known_hosts": "keys/known_hosts"}
        tree["offsite"] = {
            "server": {"address": f"{block}3", "ssh": login},
            "path": "/srv/vault/the repository",
            "password": "env:SHARPNET_TEST_RESTIC",
            "keep": {"daily": 7},
        }
        tree["schedule"]["backup"] = "0 4 * * *"
        for number in range(SITES):
            home, mirror = ("oslo", "lima") if number % 2 == 0 else ("lima", "oslo")
            name = f"{home}-{number}.ski.example"
            root = f"/srv/{{server}}/www/{name}"
            tree["sites"][name] = {"home": home, "mirrors": [mirror], "names": [name], "root": root}

    return change


@pytest.fixture(scope="session")
def vault_lab(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Iterator[tuple[Lab, Path, list[str]]]:
    """Bring up a lab with an off-site host, whose sites are given out one a test."""
    folder = tmp_path_factory.mktemp("vault")
    block = f"127.{90 + int(worker_id.removeprefix('gw') if worker_id.startswith('gw') else 0)}.77."
    config = write_small_fleet(folder, block, with_offsite(block))
    with Lab(config, folder / ".lab") as lab:
        yield lab, config, []


@pytest.fixture
async def vault(
    vault_lab: tuple[Lab, Path, list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Vault]:
    """Open a process with a store and a repository of its own on the lab."""
    lab, config, given = vault_lab
    for name, value in lab.env.items():
        monkeypatch.setenv(name, value)
    async with rigged(lab, config, tmp_path / "store.sqlite", {}) as rig:
        yield await Vault.of(rig, given, tmp_path.name).kept_up()


@pytest.fixture
async def bare_vault(
    vault_lab: tuple[Lab, Path, list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Vault]:
    """Open the same where no repository was ever made."""
    lab, config, given = vault_lab
    for name, value in lab.env.items():
        monkeypatch.setenv(name, value)
    async with rigged(lab, config, tmp_path / "store.sqlite", {}) as rig:
        yield Vault.of(rig, given, tmp_path.name)

"""Backups and restores frozen before every touch of the world until their claims have lapsed: they do nothing more."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
from typing import TYPE_CHECKING

import pytest
import yaml
from frozen import BEFORE_ASKING, MOST_TOUCHES, frozen, woken
from lapsed import let_leases_pass
from sync.harness import tree_at

from core.errors import RefusedError

if TYPE_CHECKING:
    from pathlib import Path

    from backup.harness import Vault

    from core.fleet import Site


def fleet_file(vault: Vault, site: Site) -> Path:
    """Write what this vault is into a fleet file, for another process."""
    path = vault.rig.config.with_name(f"{site.name}.yaml")
    tree = yaml.safe_load(vault.rig.config.read_text())
    tree["offsite"]["path"] = vault.place
    tree["sites"] = {site.name: tree["sites"][site.name]}
    path.write_text(yaml.safe_dump(tree))
    return path


def snapshots(vault: Vault) -> list[str]:
    """Name what the repository holds."""
    return sorted(path.name for path in (vault.repository / "snapshots").iterdir())


@pytest.mark.timeout(600)
async def test_a_woken_backup_saves_nothing_and_says_nothing_on_record(vault: Vault, tmp_path: Path) -> None:
    vault, site = vault.taking()
    vault.rig.write(site, "oslo", {"page": "first"})
    await vault.saved()
    config, record, seen, given_up = fleet_file(vault, site), vault.ports.store.record, [], 0
    for at in range(MOST_TOUCHES):
        before_it = len(await vault.ports.store.backups.running())
        line = f"backup run {site.name}"
        process, what = await frozen(config, tmp_path / "store.sqlite", vault.lab.env, line, at, BEFORE_ASKING)
        if not what:
            assert (await process.wait()) == 0
            break
        seen.append(what)
        is_under_way = len(await vault.ports.store.backups.running()) > before_it
        # Nobody has to come: who was away for so long has lost it.
        await let_leases_pass(vault.ports.store)
        before, entries = snapshots(vault), await record.entries()
        said = await woken(process)
        if is_under_way:
            where = f"frozen before touch {at}, {what}: {said}"
            # A command that had been sent, and a write meanwhile was the touch, goes on there.
            assert snapshots(vault) == before or what in {"store", "renewal"}, where
            assert await record.entries() == entries, where
            given_up += 1
    assert {"store", "ssh.with_offsite"} <= set(seen)
    assert given_up > 1, f"too few touches to be a whole backup: {seen}"


async def restored(vault: Vault, line: str) -> bool:
    """Restore, and return whether that could be: what the frozen process runs on the server waits for it there."""
    for _ in range(10):
        with contextlib.suppress(RefusedError):
            assert (await vault.say(line)).exit_code == 0
            return True
        await asyncio.sleep(0.5)
    return False


@pytest.mark.timeout(600)
async def test_a_woken_restore_leaves_what_was_written_since(vault: Vault, tmp_path: Path) -> None:
    vault, site = vault.taking()
    vault.rig.write(site, "oslo", {"page": "saved"})
    await vault.saved()
    config, root, seen = fleet_file(vault, site), vault.rig.root(site, "lima"), []
    overtaken = 0
    line = f"backup restore {site.name} --to lima"
    for at in range(MOST_TOUCHES):
        for path in root.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        process, what = await frozen(config, tmp_path / "store.sqlite", vault.lab.env, line, at, BEFORE_ASKING)
        if not what:
            assert (await process.wait()) == 0
            break
        seen.append(what)
        where = f"frozen before touch {at}, {what}"
        await let_leases_pass(vault.ports.store)
        if not any(root.iterdir()):
            overtaken += await restored(vault, line)
        vault.rig.write(site, "lima", {"page": f"written after round {at}"})
        before = tree_at(root)
        said = await woken(process)
        assert tree_at(root) == before, f"{where}: {said}"
    assert {"store", "ssh.with_offsite"} <= set(seen)
    assert overtaken > 1, f"too few touches to be a whole restore: {seen}"

"""A fleet that was backed up into one repository for all goes on with one a server, and loses none of its backups."""

from __future__ import annotations

import shutil
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from backup.forged import forge, restic, saved
from backup.harness import WHO

from core.backup.repositories import SERVERS, SHARED
from core.backup.snapshots import fleet_tag, site_tag
from core.errors import RefusedError
from ops.contracts import SiteLocation
from ops.store.copies.backups import SAVE, BackupRun

if TYPE_CHECKING:
    from pathlib import Path

    from backup.harness import Vault

    from core.fleet import Site


async def backed_up_before(vault: Vault, site: Site, folder: Path) -> str:
    """Have a backup of the site in the repository for all, and on record as it was then; return its whole id."""
    assert vault.ports.restic is not None
    assert await vault.ports.restic.make(SHARED) is None
    root = SiteLocation(site, "oslo").root
    there = folder / root.lstrip("/")
    there.mkdir(parents=True)
    (there / "page").write_text("of before")
    like = saved(vault, folder, "srv", of=SHARED)
    tags = [fleet_tag(vault.ports.fleet.name), site_tag(site.name)]
    full_id = forge(vault, like, of=SHARED, hostname="oslo", paths=[root], tags=tags)
    restic(vault, "forget", like, of=SHARED)
    begun_at = vault.ports.clock.now() - timedelta(days=2)
    run = BackupRun("of-before", SAVE, site.name, "oslo", begun_at)
    await vault.ports.store.backups.begin(run, WHO)
    await vault.ports.store.backups.end(run, "good", full_id[:8], {"files": 1, "size_bytes": 9}, begun_at, WHO)
    return full_id


async def test_what_was_saved_before_is_listed_restored_and_let_go_and_nothing_is_added_to_it(
    vault: Vault, tmp_path: Path
) -> None:
    vault, site = vault.with_offsite(keep={"daily": 1}).taking()
    await backed_up_before(vault, site, tmp_path / "before")
    listed = await vault.say("backup list")
    assert listed.facts is not None
    assert [one["origin"] for one in listed.facts["snapshots"]] == ["recorded"]  # type: ignore[attr-defined]
    reply = await vault.say(f"backup restore {site.name} --to lima")
    assert reply.exit_code == 0, reply
    assert (vault.rig.root(site, "lima") / "page").read_text() == "of before"
    of_before = vault.repository_of(SHARED) / "snapshots"
    assert len(list(of_before.iterdir())) == 1
    await vault.saved()
    assert not list(of_before.iterdir())
    assert len(list((vault.repository / "snapshots").iterdir())) == 1


async def test_where_the_repository_of_before_is_not_there_no_other_is_made_on_a_disk_that_is_not_its(
    vault: Vault, tmp_path: Path
) -> None:
    vault, site = vault.taking()
    await backed_up_before(vault, site, tmp_path / "before")
    folder = vault.lab.path_on("offsite", vault.place)
    away = folder.rename(folder.with_name(f"{folder.name}-unmounted"))
    trouble = (await vault.run()).results[0].trouble
    assert trouble is not None
    assert trouble.code == "repository-gone"
    with pytest.raises(RefusedError, match="cannot be read"):
        await vault.say("backup list")
    assert not folder.exists()
    away.rename(folder)


async def test_the_repository_of_before_may_be_removed_when_the_new_ones_hold_enough(
    vault: Vault, tmp_path: Path
) -> None:
    vault, site = vault.taking()
    await backed_up_before(vault, site, tmp_path / "before")
    await vault.saved()
    for path in vault.repository_of(SHARED).iterdir():
        if path.name != SERVERS:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    listed = await vault.say("backup list")
    assert listed.title == "1 backup of 1 site"
    assert (await vault.say(f"backup restore {site.name} --to lima")).exit_code == 0

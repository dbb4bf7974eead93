"""What only root could have made at the source does not come to the mirror by root's hand, and the run says so."""

from __future__ import annotations

import os
import shutil
import stat
from typing import TYPE_CHECKING

import pytest
from sync.harness import WHO

from jobs.sync import SyncRequest, sync_sites
from ops.rsync.left_behind import UNKNOWN, left_behind
from ops.rsync.mirror import MirrorCopy

if TYPE_CHECKING:
    from sync.harness import Rig

    from core.fleet import Site

pytestmark = pytest.mark.xdist_group("sync-belongings")
NULL = os.makedev(1, 3)


def give_powers(rig: Rig, site: Site) -> None:
    """Put files with set-uid and set-gid into the site, a device node, and a folder that hands its group on."""
    rig.write(site, site.home, {"plain": "p", "su": "s", "sg": "g", "shared/file": "f"})
    root = rig.root(site, site.home)
    (root / "su").chmod(0o4755)
    (root / "sg").chmod(0o2755)
    (root / "shared").chmod(0o2775)
    os.mknod(root / "null", stat.S_IFCHR | 0o666, NULL)


async def test_neither_set_uid_nor_set_gid_nor_a_device_node_comes_over_and_the_run_says_how_many(
    root_rig: Rig,
) -> None:
    site = root_rig.take()
    give_powers(root_rig, site)
    said = ("2 files copied without set-uid or set-gid.", "1 device node not copied.")
    assert (await root_rig.sync(site, dry_run=True)).remarks == said
    assert (await root_rig.sync(site)).remarks == said
    copy = root_rig.root(site, "lima")
    modes = {path.name: stat.S_IMODE(path.lstat().st_mode) for path in copy.iterdir()}
    assert {name: modes.get(name) for name in ("su", "sg", "shared", "null")} == {
        "su": 0o755,
        "sg": 0o755,
        "shared": 0o2775,
        "null": None,
    }


async def test_what_cannot_be_listed_to_its_end_is_not_said_to_hold_none(root_rig: Rig) -> None:
    site = root_rig.take()
    give_powers(root_rig, site)
    servers = root_rig.ports.fleet.servers
    copy = MirrorCopy(site, servers[site.home], servers["lima"])
    assert len(await left_behind(root_rig.ports.ssh, copy)) == 2
    shutil.rmtree(root_rig.root(site, site.home))
    assert await left_behind(root_rig.ports.ssh, copy) == (UNKNOWN,)


async def test_sites_with_such_files_are_the_same_all_the_same_one_by_one_and_together(root_rig: Rig) -> None:
    sites = [root_rig.take() for _ in range(3)]
    for site in sites:
        give_powers(root_rig, site)
        await root_rig.filled(site)
    assert (await root_rig.sync(sites[0])).nothing_to_do
    assert all(one.nothing_to_do for one in await sync_sites(root_rig.ports, sites, SyncRequest(WHO)))


async def test_what_came_over_before_that_was_so_goes_with_the_next_change(root_rig: Rig) -> None:
    site = root_rig.take()
    give_powers(root_rig, site)
    await root_rig.filled(site)
    copy = root_rig.root(site, "lima")
    (copy / "su").chmod(0o4755)
    os.mknod(copy / "null", stat.S_IFCHR | 0o666, NULL)
    root_rig.write(site, "oslo", {"more": "m"})
    await root_rig.filled(site)
    assert not (copy / "null").exists()
    assert stat.S_IMODE((copy / "su").stat().st_mode) == 0o755


async def test_files_that_are_excluded_are_not_counted(root_rig: Rig) -> None:
    site = root_rig.take(excluding=True)
    root_rig.write(site, "oslo", {"cache/su": "s", "index.html": "i"})
    (root_rig.root(site, "oslo") / "cache/su").chmod(0o4755)
    result = await root_rig.sync(site)
    assert (result.outcome, result.remarks) == ("good", ())

"""Whose folders a site lies in: a root that is a link leads to its own, and nobody else's link is written through."""

from __future__ import annotations

import os
import posixpath
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from sync.customer import CUSTOMER, NEIGHBOUR, at_a_customers, let_in, release
from sync.harness import contents_at, inside, mount_tmpfs, unmount

from core.store_standing import StoreNote
from ops.durable.witnesses import ServerWitness
from ops.work_folder import site_key

if TYPE_CHECKING:
    from sync.harness import Rig

HOMES = ["oslo", "lima"]


@pytest.mark.parametrize("home", HOMES)
async def test_a_root_that_is_a_link_to_a_release_of_its_own_is_copied_from_there(rig: Rig, home: str) -> None:
    site = rig.take(home)
    rig.write(site, home, {"index.html": "release 42"})
    release(rig, site, home)
    await rig.filled(site)
    assert (rig.root(site, rig.mirror_of(site)) / "index.html").read_text() == "release 42"
    assert (await rig.sync(site)).nothing_to_do


@pytest.mark.parametrize("home", HOMES)
async def test_a_copy_whose_root_is_a_link_to_a_release_is_made_in_that_release(rig: Rig, home: str) -> None:
    site = await rig.filled(rig.take(home))
    mirror = rig.mirror_of(site)
    there = release(rig, site, mirror)
    rig.write(site, home, {"new.html": "new"})
    await rig.filled(site)
    assert (there / "new.html").read_text() == "new"
    assert rig.root(site, mirror).is_symlink()
    assert (await rig.sync(site)).nothing_to_do


@pytest.mark.parametrize("home", HOMES)
async def test_a_root_that_is_a_link_to_another_sites_is_refused_and_nothing_of_that_is_copied(
    rig: Rig, home: str
) -> None:
    site, sibling = rig.take(home), rig.take(home)
    rig.write(sibling, home, {"db-password.php": "s3cret"})
    await rig.filled(site)
    root = rig.root(site, home)
    root.rename(root.with_name(f"{root.name}.away"))
    for to in (rig.root(sibling, home).name, f"../{root.parent.name}/{rig.root(sibling, home).name}"):
        root.unlink(missing_ok=True)
        root.symlink_to(to)
        result = await rig.sync(site, allow_delete=True)
        assert result.trouble is not None
        assert (result.outcome, result.trouble.code) == ("refused", "root-symlink"), result.trouble
        assert "db-password.php" not in contents_at(rig.root(site, rig.mirror_of(site)))


async def test_where_a_customer_can_write_around_the_root_the_work_folder_is_one_above(root_rig: Rig) -> None:
    site = at_a_customers(root_rig, root_rig.take())
    rig = root_rig.with_sites(site)
    (rig.root(site, "oslo") / "new.html").write_text("new")
    keys = rig.lab.path_on("lima", "/root/.ssh/authorized_keys")
    before = keys.read_text()
    around = rig.root(site, "lima").parent
    work = around / ".sharpnet" / site_key(site.name)
    work.mkdir(parents=True)
    (work / "lock").symlink_to("/root/.ssh/authorized_keys")
    for path in (work, work.parent):
        os.chown(path, CUSTOMER, CUSTOMER)
    await rig.filled(site)
    assert (rig.root(site, "lima") / "new.html").read_text() == "new"
    assert keys.read_text() == before
    assert sorted(path.name for path in work.iterdir()) == ["lock"]
    assert (around.parent / ".sharpnet" / site_key(site.name) / "turn").exists()
    (rig.root(site, "oslo") / "new.html").unlink()
    assert (await rig.sync(site, allow_delete=True)).outcome == "good"
    (folder,) = (around.parent / ".sharpnet" / site_key(site.name) / "replaced").iterdir()
    assert (await rig.say(f"sync --undo {folder.name}")).exit_code == 0
    assert (rig.root(site, "lima") / "new.html").read_text() == "new"


async def test_whom_only_an_access_list_lets_write_there_counts_as_well(root_rig: Rig) -> None:
    site = at_a_customers(root_rig, root_rig.take())
    rig = root_rig.with_sites(site)
    around = rig.root(site, "lima").parent
    let_in(around)
    assert around.stat().st_uid == around.stat().st_gid == 0
    (rig.root(site, "oslo") / "new.html").write_text("new")
    await rig.filled(site)
    assert not (around / ".sharpnet").exists()
    assert (around.parent / ".sharpnet" / site_key(site.name) / "turn").exists()


async def test_where_no_folder_on_that_disk_will_do_nothing_is_copied(root_rig: Rig) -> None:
    site = replace(at_a_customers(root_rig, root_rig.take()), root="/srv/{server}/www/open/shop/public_html")
    rig = root_rig.with_sites(site)
    disk = "/srv/lima/www/open"
    rig.lab.path_on("lima", disk).mkdir(exist_ok=True)
    mount_tmpfs(rig, "lima", disk, f"size=4m,uid={CUSTOMER},gid={CUSTOMER},mode=755")
    (inside(rig, "lima", disk) / "shop/public_html").mkdir(parents=True)
    rig.write(site, "oslo", {"new.html": "new"})
    result = await rig.sync(site)
    unmount(rig, "lima", disk)
    assert result.trouble is not None
    assert (result.outcome, result.trouble.code) == ("refused", "work-open"), result.trouble
    assert result.trouble.message.endswith(f"({disk})")
    assert "servers.lima.work" in result.trouble.hint


async def test_where_app_yaml_names_another_work_folder_that_is_used(root_rig: Rig) -> None:
    site = replace(root_rig.take(), work={"lima": "/srv/lima"})
    rig = root_rig.with_sites(site)
    rig.write(site, "oslo", {"new.html": "new"})
    await rig.filled(site)
    assert (rig.lab.path_on("lima", "/srv/lima/.sharpnet") / site_key(site.name) / "turn").exists()
    assert not list(rig.root(site, "lima").parent.glob(f".sharpnet/{site.name}-*"))


@pytest.mark.parametrize(("work", "code"), [("/dev/shm", "work-elsewhere"), ("/srv/lima/gone", "no-parent")])
async def test_a_work_folder_on_another_disk_or_none_is_refused(root_rig: Rig, work: str, code: str) -> None:
    site = replace(root_rig.take(), work={"lima": work})
    rig = root_rig.with_sites(site)
    rig.write(site, "oslo", {"new.html": "new"})
    result = await rig.sync(site)
    assert result.trouble is not None
    assert (result.outcome, result.trouble.code) == ("refused", code), result.trouble


@pytest.mark.parametrize(("owner", "followed"), [(CUSTOMER, True), (NEIGHBOUR, False)])
async def test_a_customers_link_is_followed_only_to_a_folder_of_the_same_customer(
    root_rig: Rig, owner: int, followed: bool
) -> None:
    site = at_a_customers(root_rig, root_rig.take())
    rig = root_rig.with_sites(site)
    root = rig.root(site, "oslo")
    other = root.with_name("other")
    root.rename(other)
    (other / "new.html").write_text("new")
    os.chown(other, owner, owner)
    root.symlink_to("other")
    os.chown(root, CUSTOMER, CUSTOMER, follow_symlinks=False)
    result = await rig.sync(site)
    assert (result.outcome == "good") == followed, result
    assert (rig.root(site, "lima") / "new.html").exists() == followed


async def test_a_note_of_the_store_is_kept_only_where_no_customer_could_put_another(root_rig: Rig) -> None:
    site = at_a_customers(root_rig, root_rig.take())
    note = StoreNote("mine", 3, "3" * 64, root_rig.ports.clock.now())
    around = posixpath.dirname(site.root_on("lima"))
    theirs = ServerWitness(root_rig.ports.ssh, "lima", f"{around}/.sharpnet/store-x.json")
    planted = root_rig.lab.path_on("lima", around) / ".sharpnet"
    planted.mkdir()
    (planted / "store-x.json").write_text("{}")
    os.chown(planted, CUSTOMER, CUSTOMER)
    assert await theirs.read(30) is None
    await theirs.write(note, 30)
    assert await theirs.read(30) == note
    assert (planted / "store-x.json").read_text() == "{}"
    assert (planted.parent.parent / ".sharpnet/store-x.json").exists()

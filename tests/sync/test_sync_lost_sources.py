"""A source that is not what it was: unmounted, or a link to the whole machine. Nothing that was good is lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sync.harness import empty, inside, mount_tmpfs, tree_at, unmount

if TYPE_CHECKING:
    from pathlib import Path

    from sync.harness import Rig

    from core.fleet import Site

HOMES = ["oslo", "lima"]


def write_on_disk(rig: Rig, site: Site, place: str, files: int) -> Path:
    """Mount a disk in the site's home, `place` within its root, and put files on it; say where this machine has it."""
    path = f"{site.root_on(site.home)}{place}"
    owner = rig.root(site, site.home).stat()
    rig.write(site, site.home, {".keep": ""})
    rig.lab.path_on(site.home, path).mkdir(exist_ok=True)
    mount_tmpfs(rig, site.home, path, f"size=4m,uid={owner.st_uid},gid={owner.st_gid},mode=755")
    disk = inside(rig, site.home, path)
    for number in range(files):
        (disk / f"{number}.jpg").write_text(f"picture {number}")
    return disk


@pytest.mark.parametrize("home", HOMES)
@pytest.mark.parametrize("place", ["", "/uploads"])
async def test_a_disk_that_is_not_mounted_any_more_stops_the_sync_and_the_mirror_stays(
    rig: Rig, home: str, place: str
) -> None:
    site = rig.take(home)
    rig.write(site, home, {"index.html": "hello"} if place else {})
    disk = write_on_disk(rig, site, place, 30)
    await rig.filled(site)
    served = rig.root(site, rig.mirror_of(site))
    before = tree_at(served)
    assert (served / place.lstrip("/") / "7.jpg").read_text() == "picture 7"
    unmount(rig, home, f"{site.root_on(home)}{place}")
    result = await rig.sync(site)
    assert result.trouble is not None
    assert (result.outcome, result.trouble.code) == ("refused", "too-many-deletes"), result.trouble
    assert tree_at(served) == before
    assert not (disk / "7.jpg").exists()


@pytest.mark.parametrize(("home", "code"), [("oslo", "source-outside"), ("lima", "source-above")])
@pytest.mark.parametrize("filled", [True, False])
async def test_a_source_root_that_became_a_link_to_the_whole_machine_copies_nothing(
    rig: Rig, home: str, code: str, *, filled: bool
) -> None:
    site = rig.take(home)
    rig.write(site, home, {"index.html": "hello"})
    if filled:
        await rig.filled(site)
    mirror = rig.root(site, rig.mirror_of(site))
    before = tree_at(mirror)
    link_root(rig, site, "/")
    for allow_delete in (False, True):
        result = await rig.sync(site, allow_delete=allow_delete)
        assert result.trouble is not None
        assert result.trouble.code == code, result.trouble
    assert tree_at(mirror) == before


async def test_a_source_root_that_became_a_link_to_a_folder_above_it_copies_nothing(rig: Rig) -> None:
    site = rig.take("lima")
    link_root(rig, site, "/srv")
    result = await rig.sync(site)
    assert result.trouble is not None
    assert (result.outcome, result.trouble.code) == ("refused", "source-above"), result.trouble


@pytest.mark.parametrize("home", HOMES)
async def test_a_source_root_that_is_a_link_to_a_folder_beside_it_is_followed(rig: Rig, home: str) -> None:
    site = rig.take(home)
    rig.write(site, home, {"index.html": "hello"})
    link_root(rig, site, f"{rig.root(site, home).name}.away")
    await rig.filled(site)
    assert (rig.root(site, rig.mirror_of(site)) / "index.html").read_text() == "hello"


def link_root(rig: Rig, site: Site, to: str) -> None:
    """Have the site's root at its home be a link, and what it was lie beside it."""
    root = rig.root(site, site.home)
    root.rename(root.with_name(f"{root.name}.away"))
    root.symlink_to(to)


@pytest.mark.parametrize("home", HOMES)
async def test_among_many_sites_only_those_that_lost_their_source_are_refused(rig: Rig, home: str) -> None:
    sites = [rig.take(home) for _ in range(6)]
    for site in sites:
        rig.write(site, home, {"index.html": site.name, "uploads/1.jpg": "one", "uploads/2.jpg": "two"})
        await rig.filled(site)
    linked, emptied, moved, *well = sites
    link_root(rig, linked, "/")
    empty(rig.root(emptied, home))
    root = rig.root(moved, home)
    root.rename(root.with_name(f"{root.name}.away"))
    before = {site.name: tree_at(rig.root(site, rig.mirror_of(site))) for site in (linked, emptied, moved)}
    rig.write(well[0], home, {"new.html": "new"})
    reply = await rig.say(f"sync {' '.join(site.name for site in sites)} --allow-delete")
    assert reply.facts is not None
    results = reply.facts["results"]
    assert isinstance(results, list)
    found = {one["site"]: one.get("code") for one in results}
    assert found == {
        linked.name: "source-outside" if home == "oslo" else "source-above",
        emptied.name: "source-empty",
        moved.name: "source-missing",
        **dict.fromkeys(site.name for site in well),
    }
    for site in (linked, emptied, moved):
        assert tree_at(rig.root(site, rig.mirror_of(site))) == before[site.name]
    assert all(rig.same(site) for site in well)

"""What belongs to a file besides its bytes reaches the mirror, at the speed that app.yaml allows."""

from __future__ import annotations

import os
import struct
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from sync.harness import WHO, tree_at

from jobs.sync import SyncRequest, sync_sites

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sync.harness import Rig

    from ops.contracts import Ran

pytestmark = pytest.mark.xdist_group("sync-belongings")

HOLE_BYTES = 100_000_000
WWW_DATA, BIN = 33, 2
# acl(5), as the kernel keeps it in an extended attribute: version 2, then (tag, permissions, id) of each entry.
ACL = struct.pack("<I", 2) + b"".join(
    struct.pack("<HHI", *entry)
    for entry in (
        (0x01, 6, 0xFFFFFFFF),
        (0x02, 4, WWW_DATA),
        (0x04, 4, 0xFFFFFFFF),
        (0x10, 4, 0xFFFFFFFF),
        (0x20, 0, 0xFFFFFFFF),
    )
)


def owners(root: Path) -> set[tuple[int, int]]:
    """Return whose everything in a folder is, the folder included."""
    return {(path.lstat().st_uid, path.lstat().st_gid) for path in (root, *root.rglob("*"))}


def listening(rig: Rig, heard: list[str]) -> Rig:
    """Give a rig that notes what runs on the servers."""

    class Listening:
        async def run(self, server: str, command: str, **how: Any) -> Ran:  # noqa: ANN401  as Ssh.run
            heard.append(command)
            return await rig.ports.ssh.run(server, command, **how)

    return replace(rig, ports=replace(rig.ports, ssh=Listening()))  # type: ignore[arg-type]


async def test_a_hole_in_a_file_stays_one_when_it_comes_and_when_it_changes(rig: Rig) -> None:
    site = rig.take("lima")
    rig.write(site, "lima", {"disk.img": "begin"})
    disk = rig.root(site, "lima") / "disk.img"
    os.truncate(disk, HOLE_BYTES)
    await rig.filled(site)
    copy = rig.root(site, "oslo") / "disk.img"
    assert copy.stat().st_size == HOLE_BYTES
    assert copy.stat().st_blocks * 512 < HOLE_BYTES // 10
    with disk.open("r+b") as file:
        file.seek(HOLE_BYTES // 2)
        file.write(b"in the middle")
    await rig.filled(site)
    assert copy.stat().st_blocks * 512 < HOLE_BYTES // 10
    with copy.open("rb") as file:
        file.seek(HOLE_BYTES // 2)
        assert file.read(13) == b"in the middle"


async def test_a_link_to_outside_of_the_site_is_copied_as_a_link_and_never_followed(rig: Rig) -> None:
    site = rig.take()
    root = rig.root(site, "oslo")
    (root / "out").symlink_to("/etc")
    (root / "up").symlink_to("../..")
    await rig.filled(site)
    copy = rig.root(site, "lima")
    assert [str((copy / name).readlink()) for name in ("out", "up")] == ["/etc", "../.."]


async def test_hard_links_that_are_made_and_unmade_are_so_on_the_mirror(rig: Rig) -> None:
    site = rig.take()
    rig.write(site, "oslo", {"one": "x", "two": "x"})
    await rig.filled(site)
    root, copy = rig.root(site, "oslo"), rig.root(site, "lima")
    (root / "two").unlink()
    os.link(root / "one", root / "two")
    await rig.filled(site)
    assert (copy / "one").stat().st_ino == (copy / "two").stat().st_ino
    (root / "two").unlink()
    rig.write(site, "oslo", {"two": "y"})
    await rig.filled(site)
    assert ((copy / "one").read_text(), (copy / "two").read_text()) == ("x", "y")


async def test_access_lists_and_extended_attributes_are_copied(root_rig: Rig) -> None:
    site = root_rig.take()
    root_rig.write(site, "oslo", {"x": "x"})
    file = root_rig.root(site, "oslo") / "x"
    os.setxattr(file, "user.note", b"kept")
    os.setxattr(file, "system.posix_acl_access", ACL)
    await root_rig.filled(site)
    copy = root_rig.root(site, "lima") / "x"
    assert os.getxattr(copy, "user.note") == b"kept"
    assert os.getxattr(copy, "system.posix_acl_access") == ACL


async def test_files_get_the_owner_that_the_mirror_has_for_that_of_the_source(root_rig: Rig) -> None:
    site = replace(root_rig.take(), owner={"oslo": "web:web", "lima": "www-data:www-data"})
    rig = root_rig.with_sites(site)
    rig.write(site, "oslo", {"foreign": "x"})
    os.chown(rig.root(site, "oslo") / "foreign", BIN, BIN)
    (rig.root(site, "oslo") / "foreign").chmod(0o644)
    await rig.filled(site)
    copy = rig.root(site, "lima")
    assert owners(copy) == {(WWW_DATA, WWW_DATA), (BIN, BIN)}
    assert ((copy / "foreign").stat().st_uid, (copy / "index.html").stat().st_uid) == (BIN, WWW_DATA)
    assert (await rig.sync(site)).nothing_to_do


async def test_where_only_the_mirror_names_an_owner_all_files_are_theirs(root_rig: Rig) -> None:
    sites = [replace(root_rig.take(), owner={"lima": "www-data"}) for _ in range(3)]
    rig = root_rig.with_sites(*sites)
    for _ in range(2):
        results = await sync_sites(rig.ports, sites, SyncRequest(WHO))
        assert {result.outcome for result in results} == {"good"}
    assert all(result.nothing_to_do for result in results)
    assert {uid for site in sites for uid, _ in owners(rig.root(site, "lima"))} == {WWW_DATA}


async def test_an_owner_that_changes_in_the_fleet_file_reaches_the_mirror_and_not_what_is_kept(root_rig: Rig) -> None:
    site = await root_rig.filled(root_rig.take())
    site = replace(site, owner={"lima": "www-data:www-data"})
    rig = root_rig.with_sites(site)
    result = await rig.sync(site)
    assert result.outcome == "good"
    assert owners(rig.root(site, "lima")) == {(WWW_DATA, WWW_DATA)}


async def test_an_owner_that_only_root_could_set_is_said_and_the_files_are_the_ssh_users(rig: Rig) -> None:
    site = replace(rig.take(), owner={"oslo": "web", "lima": "www-data"})
    rig = rig.with_sites(site)
    result = await rig.sync(site)
    assert (result.outcome, result.note) == ("good", "as files of deploy: only root on lima could give them to others")
    assert len(owners(rig.root(site, "lima"))) == 1
    assert tree_at(rig.root(site, "lima")) == tree_at(rig.root(site, "oslo"))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda rig, site: rig.with_sites(replace(site, bandwidth=2_000_000)), "--bwlimit=1953"),
        (lambda rig, site: rig.with_sites(site, sync=replace(rig.ports.fleet.sync, bandwidth=4096)), "--bwlimit=4"),
        (lambda rig, site: rig.with_sites(replace(site, bandwidth=100)), "--bwlimit=1"),
    ],
)
async def test_a_copy_takes_no_more_than_the_site_or_the_fleet_allows(
    rig: Rig, change: Callable[..., Rig], said: str
) -> None:
    heard: list[str] = []
    site = rig.take("lima")
    rig = listening(change(rig, site), heard)
    assert (await rig.sync(rig.ports.fleet.sites[site.name], dry_run=said == "--bwlimit=1")).outcome == "good"
    assert all(f"{said} " in command for command in heard if "-aHAX" in command)

"""What breaks while a site is copied: the mirror stays as it was, it is said what broke, and the next run succeeds."""

from __future__ import annotations

import asyncio
import os
import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from sync.harness import (
    BIG_BYTES,
    arriving_bytes,
    big_file,
    contents_at,
    inside,
    mount_tmpfs,
    on_a_small_disk,
    slow_source,
    tree_at,
    until,
)

from ops.rsync import mirror, peer

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sync.harness import Rig

    from core.failure import Failure
    from core.fleet import Site

pytestmark = pytest.mark.xdist_group("sync-faults")


async def failure_of(rig: Rig, site: Site) -> Failure:
    """Copy the site, which must fail and leave the mirror as it was."""
    before = tree_at(rig.root(site, rig.mirror_of(site)))
    result = await rig.sync(site)
    assert result.trouble is not None
    assert tree_at(rig.root(site, rig.mirror_of(site))) == before
    return result.trouble


async def test_a_source_that_is_down_is_said_and_the_mirror_stays(own_rig: Rig) -> None:
    site = await own_rig.filled(own_rig.take())
    own_rig.lab.drop("oslo")
    trouble = await failure_of(own_rig, site)
    assert (trouble.code, trouble.message) == ("unreachable", "lima cannot reach oslo")


async def test_a_mirror_that_is_down_is_said(own_rig: Rig) -> None:
    site = await own_rig.filled(own_rig.take())
    own_rig.lab.drop("lima")
    trouble = await failure_of(own_rig, site)
    assert trouble.code == "unreachable"
    assert "lima (127." in trouble.message


async def test_a_source_that_dies_under_way_leaves_the_mirror_whole_and_the_next_run_goes_on(own_rig: Rig) -> None:
    site = await own_rig.filled(own_rig.take("lima"))
    slow_source(own_rig, "lima", "deploy")
    big_file(own_rig, site)
    before = tree_at(own_rig.root(site, "oslo"))
    working = asyncio.create_task(own_rig.sync(site))
    await until(lambda: arriving_bytes(own_rig, site) > 0)
    own_rig.lab.drop("lima")
    result = await working
    assert result.trouble is not None
    assert result.trouble.code == "link-lost"
    assert tree_at(own_rig.root(site, "oslo")) == before
    own_rig.lab.back("lima")
    assert (await own_rig.sync(site)).outcome == "good"
    assert own_rig.same(site)


async def test_a_source_that_is_cut_off_under_way_is_given_up_and_the_mirror_stays(
    own_rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mirror, "STALLED_S", 3)
    monkeypatch.setattr(peer, "ALIVE_EVERY_S", 1)
    site = await own_rig.filled(own_rig.take("lima"))
    slow_source(own_rig, "lima", "deploy")
    big_file(own_rig, site)
    before = tree_at(own_rig.root(site, "oslo"))
    working = asyncio.create_task(own_rig.sync(site))
    await until(lambda: arriving_bytes(own_rig, site) > 0)
    own_rig.lab.cut_off("lima")
    result = await working
    assert result.trouble is not None
    assert result.trouble.code in ("timed-out", "unreachable")
    assert tree_at(own_rig.root(site, "oslo")) == before


async def test_a_mirror_killed_under_way_is_whole_when_it_is_back_and_the_next_run_succeeds(own_rig: Rig) -> None:
    site = await own_rig.filled(own_rig.take("lima"))
    slow_source(own_rig, "lima", "deploy")
    big_file(own_rig, site)
    before = tree_at(own_rig.root(site, "oslo"))
    working = asyncio.create_task(own_rig.sync(site))
    await until(lambda: arriving_bytes(own_rig, site) > 0)
    own_rig.lab.drop("oslo")
    assert (await working).outcome == "failed"
    assert tree_at(own_rig.root(site, "oslo")) == before
    own_rig.lab.back("oslo")
    assert (await own_rig.sync(site)).outcome == "good"
    assert own_rig.same(site)


async def test_what_arrived_before_a_break_need_not_come_again(own_rig: Rig) -> None:
    site = await own_rig.filled(own_rig.take("lima"))
    slow_source(own_rig, "lima", "deploy")
    big_file(own_rig, site)
    working = asyncio.create_task(own_rig.sync(site))
    await until(lambda: arriving_bytes(own_rig, site) > BIG_BYTES // 4)
    own_rig.lab.drop("oslo")
    assert (await working).outcome == "failed"
    own_rig.lab.back("oslo")
    result = await own_rig.sync(site)
    assert result.outcome == "good"
    assert result.sent_bytes < BIG_BYTES


async def test_a_disk_that_fills_up_is_said_and_gives_its_room_back(own_rig: Rig) -> None:
    site, rig = on_a_small_disk(own_rig, "size=64m,nr_inodes=80")
    rig.write(site, "oslo", {f"{number}.txt": "x" for number in range(20)})
    await rig.filled(site)
    rig.write(site, "oslo", {f"more-{number}.txt": "x" for number in range(100)})
    served = inside(rig, "lima", "/srv/lima/www/small")
    before = tree_at(served / "shop")
    result = await rig.sync(site)
    assert result.trouble is not None
    assert result.trouble.code == "disk-full"
    assert tree_at(served / "shop") == before
    assert {path.name for path in served.glob(".sharpnet/*/*")} == {"lock", "turn"}


async def test_a_disk_without_room_is_refused_before_anything_is_copied(own_rig: Rig) -> None:
    site, rig = on_a_small_disk(own_rig, "size=8m")
    big_file(rig, site)
    result = await rig.sync(site)
    assert result.trouble is not None
    assert (result.trouble.code, result.outcome) == ("disk-short", "refused")
    assert result.trouble.message.startswith("needs 40 MB on the mirror, which has 8.4 MB free")


async def test_a_changed_host_key_of_the_source_is_said(rig: Rig) -> None:
    site = await rig.filled(rig.take())
    known = rig.lab.path_on("lima", "/srv/lima/keys/known_hosts")
    good = known.read_text()
    known.write_text(re.sub(r"AAAAC3NzaC1lZDI1NTE5AAAAI\S{10}", "AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAA", good))
    try:
        trouble = await failure_of(rig, site)
    finally:
        known.write_text(good)
    assert trouble.code == "host-key"


async def test_a_peer_key_that_the_source_does_not_take_is_said(rig: Rig) -> None:
    site = await rig.filled(rig.take())
    authorized = rig.lab.path_on("oslo", "/home/web/.ssh/authorized_keys")
    good = authorized.read_text()
    authorized.write_text("".join(line for line in good.splitlines(keepends=True) if "rrsync" not in line))
    try:
        trouble = await failure_of(rig, site)
    finally:
        authorized.write_text(good)
    assert (trouble.code, trouble.message) == ("login-refused", "oslo does not take the peer key of lima")


async def test_a_missing_peer_key_is_said(rig: Rig) -> None:
    site = await rig.filled(rig.take())
    key = rig.lab.path_on("lima", "/srv/lima/keys/peer")
    key.rename(key.with_name("away"))
    try:
        trouble = await failure_of(rig, site)
    finally:
        key.with_name("away").rename(key)
    assert trouble.code in ("peer-key", "login-refused")


async def test_a_server_without_a_peer_key_in_the_fleet_file_is_refused(rig: Rig) -> None:
    servers = rig.ports.fleet.servers
    bare = rig.with_sites(servers={**servers, "lima": replace(servers["lima"], peer=None)})
    trouble = await failure_of(bare, rig.take())
    assert (trouble.code, trouble.refused) == ("no-peer-key", True)


async def test_a_root_outside_of_what_the_key_may_read_is_refused(rig: Rig) -> None:
    site = replace(rig.take(), name="outside", root="/srv/{server}/other/shop")
    result = await rig.with_sites(site).sync(site)
    assert result.trouble is not None
    assert result.trouble.code == "limited-key"


async def test_a_limit_that_the_fleet_file_does_not_know_is_said(rig: Rig) -> None:
    servers = rig.ports.fleet.servers
    peer = servers["oslo"].peer
    assert peer is not None
    wrong = replace(servers["oslo"], peer=replace(peer, limited_to=None))
    trouble = await failure_of(rig.with_sites(servers={**servers, "oslo": wrong}), rig.take())
    assert trouble.code == "limited-key"


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (lambda root: root.rmdir() or root.symlink_to("/usr"), "root-symlink"),
        (lambda root: root.rmdir() or root.symlink_to("/srv"), "source-above"),
        (lambda root: root.rmdir() or root.write_text("a file"), "root-not-folder"),
    ],
)
async def test_a_root_that_cannot_be_exchanged_is_refused(rig: Rig, spoil: Callable[[Path], object], code: str) -> None:
    site = rig.take()
    spoil(rig.root(site, "lima"))
    result = await rig.sync(site)
    assert result.trouble is not None
    assert (result.trouble.code, result.outcome) == (code, "refused")


async def test_a_mount_at_the_root_or_inside_it_is_refused_and_what_is_mounted_stays(own_rig: Rig) -> None:
    for below, code in (("", "root-mount-point"), ("/uploads", "mount-inside")):
        site = await own_rig.filled(own_rig.take())
        own_rig.write(site, "oslo", {"index.html": "changed"})
        own_rig.write(site, "lima", {"uploads/x": "x"})
        mount_tmpfs(own_rig, "lima", f"{site.root_on('lima')}{below}", "size=1m")
        result = await own_rig.sync(site)
        assert result.trouble is not None
        assert result.trouble.code == code


async def test_a_parent_that_is_missing_is_refused_and_not_made(rig: Rig) -> None:
    site = replace(rig.take(), name="nowhere", root="/srv/{server}/www/unmounted/shop")
    rig.write(site, "oslo", {"index.html": "x"})
    result = await rig.with_sites(site).sync(site)
    assert result.trouble is not None
    assert result.trouble.code == "no-parent"
    assert not rig.lab.path_on("lima", "/srv/lima/www/unmounted").exists()


async def test_a_parent_that_the_user_may_not_write_is_refused(rig: Rig) -> None:
    site = replace(rig.take(), name="closed", root="/srv/{server}/www/closed/shop")
    rig.write(site, "oslo", {"index.html": "x"})
    rig.lab.path_on("lima", "/srv/lima/www/closed").mkdir(mode=0o755)
    result = await rig.with_sites(site).sync(site)
    assert result.trouble is not None
    assert result.trouble.code == "parent-closed"


async def test_files_that_come_and_go_while_they_are_copied_are_no_failure(rig: Rig) -> None:
    site = await rig.filled(rig.take())
    root = rig.root(site, "oslo")
    owner = root.stat()
    going = True

    async def churn() -> None:
        number = 0
        while going:
            path = root / f"session-{number % 50}"
            path.write_text("x" * (number % 1000))
            os.chown(path, owner.st_uid, owner.st_gid)
            (root / f"session-{(number + 25) % 50}").unlink(missing_ok=True)
            number += 1
            await asyncio.sleep(0)

    churning = asyncio.create_task(churn())
    outcomes = [(await rig.sync(site, allow_delete=True)).outcome for _ in range(3)]
    going = False
    await churning
    assert outcomes == ["good"] * 3
    await rig.sync(site, allow_delete=True)
    assert rig.same(site)


async def test_a_file_of_the_old_content_is_never_served_beside_one_of_the_new(rig: Rig) -> None:
    site = rig.take()
    rig.write(site, "oslo", {f"part-{number}": "first" for number in range(200)})
    await rig.filled(site)
    rig.write(site, "oslo", {f"part-{number}": "second" for number in range(200)})
    working = asyncio.create_task(rig.sync(site))
    seen = set()
    while not working.done():
        folder = os.open(rig.root(site, "lima"), os.O_RDONLY)
        try:
            seen.add(frozenset(_read_at(folder, f"part-{number}") for number in range(0, 200, 10)))
        except FileNotFoundError:
            # Only of a folder that was served when it was opened, and has been replaced and tidied away since.
            assert not os.path.samestat(os.fstat(folder), rig.root(site, "lima").stat())
        finally:
            os.close(folder)
        await asyncio.sleep(0)
    assert (await working).outcome == "good"
    assert seen <= {frozenset({b"first"}), frozenset({b"second"})}
    assert contents_at(rig.root(site, "lima"))["part-0"] == b"second"


def _read_at(folder: int, name: str) -> bytes:
    file = os.open(name, os.O_RDONLY, dir_fd=folder)
    try:
        return os.read(file, 100)
    finally:
        os.close(file)


async def test_a_dead_server_costs_one_time_out_and_not_one_a_site(own_rig: Rig) -> None:
    own_rig.lab.freeze("oslo")
    sites = [own_rig.take("lima") for _ in range(12)]
    line = "sync --to oslo " + " ".join(site.name for site in sites)
    reply = await own_rig.say(line)
    assert reply.exit_code == 1
    assert reply.facts is not None
    results = reply.facts["results"]
    assert isinstance(results, list)
    assert len(results) == 12
    tried = [result for result in results if result["took_s"] > 0]
    assert len(tried) <= own_rig.ports.fleet.sync.parallel

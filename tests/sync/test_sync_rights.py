"""What a real run would be stopped by for want of rights, `check --live` and a trial say before it."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING

from ops.gather.live_check import ssh_findings

if TYPE_CHECKING:
    from pathlib import Path

    from sync.harness import Rig

    from core.fleet import Site

STRANGER = 33


def foreign(root: Path) -> None:
    (root / "upload").write_text("by the web application")
    os.chown(root / "upload", STRANGER, STRANGER)


def unreadable(root: Path) -> None:
    foreign(root)
    (root / "upload").chmod(0o600)


async def found_by_check(rig: Rig, site: Site, server: str) -> list[tuple[bool, str]]:
    fleet = rig.ports.fleet
    found = await ssh_findings(rig.ports.ssh, fleet)
    what = f"rights of {fleet.servers[server].ssh.user} on {server}"
    return [(finding.ok, finding.why) for finding in found if finding.what == what and site.name in finding.why]


async def test_files_of_others_on_a_mirror_are_found_before_a_real_run_refuses_them(rig: Rig) -> None:
    site = await rig.filled(rig.take())
    assert await found_by_check(rig, site, "lima") == []
    foreign(rig.root(site, "lima"))
    rig.write(site, "oslo", {"index.html": "changed"})
    ((ok, why),) = await found_by_check(rig, site, "lima")
    assert (ok, "holds files of other users" in why, "/upload" in why) == (False, True, True)
    trial, real = await rig.sync(site, dry_run=True), await rig.sync(site)
    assert trial.trouble == real.trouble
    (rig.root(site, "lima") / "upload").unlink()
    assert (await rig.sync(site, dry_run=True)).outcome == "good"
    assert (await rig.sync(site)).outcome == "good"


async def test_files_that_cannot_be_read_at_home_are_found_before_a_real_run_fails(rig: Rig) -> None:
    site = await rig.filled(rig.take())
    unreadable(rig.root(site, "oslo"))
    ((ok, why),) = await found_by_check(rig, site, "oslo")
    assert (ok, "/upload" in why) == (False, True)
    trial, real = await rig.sync(site, dry_run=True), await rig.sync(site)
    assert trial.trouble is not None
    assert real.trouble is not None
    assert (trial.trouble.code, real.trouble.code) == ("source-unreadable",) * 2
    (rig.root(site, "oslo") / "upload").unlink()
    assert (await rig.sync(site, dry_run=True)).outcome == "good"


async def test_a_folder_around_the_root_that_nobody_may_write_in_is_found_too(rig: Rig) -> None:
    site = rig.take()
    around = rig.root(site, "lima").parent / "around"
    home = rig.root(site, "oslo").parent / "around"
    for folder, like in ((around, around.parent), (home, home.parent)):
        folder.mkdir(exist_ok=True)
        os.chown(folder, like.stat().st_uid, like.stat().st_gid)
    moved = rig.take()
    changed = replace(moved, root="/srv/{server}/www/around/site")
    rig.write(changed, "oslo", {"index.html": "x"})
    around.chmod(0o555)
    rig = rig.with_sites(changed)
    ((ok, why),) = await found_by_check(rig, changed, "lima")
    assert not ok
    trial = await rig.sync(changed, dry_run=True)
    real = await rig.sync(changed)
    assert trial.trouble == real.trouble
    assert trial.trouble is not None
    assert trial.trouble.message in why

"""However many files differ, what is said of them is bounded, right in its numbers, and enough to copy them all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sync.harness import tree_at

from core.sync.rsync_output import KEPT_CHANGES, KEPT_RELINKS
from ops.rsync.script import LOOK

if TYPE_CHECKING:
    from sync.harness import Rig

    from core.fleet import Site

pytestmark = pytest.mark.xdist_group("sync-many-files")


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have three files be many."""
    script = LOOK.replace(str(KEPT_CHANGES), "3").replace(str(KEPT_RELINKS), "3")
    assert script.count(" 3 : 3") == 1
    monkeypatch.setattr("ops.rsync.mirror.LOOK", script)


def changed(rig: Rig, site: Site) -> None:
    """Change the site's source in every way, several times each."""
    root = rig.root(site, "oslo")
    rig.write(site, "oslo", {f"new-{number}/x": "x" for number in range(10)})
    rig.write(site, "oslo", {f"old-{number}": "changed" for number in range(6)})
    for number in range(5):
        (root / f"gone-{number}").unlink()
        (root / f"mode-{number}").chmod(0o600)


async def filled(rig: Rig) -> Site:
    site = rig.take()
    names = [f"{kind}-{number}" for kind in ("old", "gone", "mode", "same") for number in range(6)]
    rig.write(site, "oslo", dict.fromkeys(names, "x"))
    return await rig.filled(site)


async def test_the_numbers_are_right_where_not_every_file_is_named(rig: Rig) -> None:
    site = await filled(rig)
    changed(rig, site)
    dry = await rig.sync(site, dry_run=True)
    assert (dry.files, dry.deleted) == (21, 5)
    assert len([change for change in dry.changes if not change.is_folder]) == 3 * 4
    result = await rig.sync(site)
    assert (result.outcome, result.files, result.deleted) == ("good", 21, 5)
    assert rig.same(site)
    assert {f"gone-{number}" for number in range(5)} <= rig.replaced(site, "lima").keys()


async def test_what_is_served_keeps_its_modes_where_too_many_change_to_be_named(rig: Rig) -> None:
    site = await filled(rig)
    changed(rig, site)
    secret = rig.root(site, "oslo") / "secret"
    secret.write_text("of another user")
    secret.chmod(0o600)
    before = tree_at(rig.root(site, "lima"))
    assert (await rig.sync(site)).outcome == "failed"
    assert tree_at(rig.root(site, "lima")) == before
    secret.unlink()
    assert (await rig.sync(site)).outcome == "good"
    assert rig.same(site)
    assert not (rig.work(site, "lima") / "stage-own").exists()


async def test_without_awk_there_every_file_is_named(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ops.rsync.mirror.LOOK", LOOK.replace("command -v awk", "command -v no-such-awk"))
    site = await filled(rig)
    changed(rig, site)
    assert (await rig.sync(site)).files == 21
    assert rig.same(site)

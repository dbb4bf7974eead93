"""Whatever a server writes into the repository, a restore takes what is on record, and touches no other site."""

from __future__ import annotations

import json
import os
import stat
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from backup.forged import forge, restic, saved
from backup.harness import WHO, Vault, approved
from sync.harness import rigged, tree_at

from core.backup.snapshots import fleet_tag, site_tag
from core.errors import RefusedError
from core.plan.plan import PlanState
from ops.contracts import SiteLocation
from ops.store.copies.backups import SAVE, BackupRun

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from core.fleet import Site

LATER = "2099-01-01T00:00:00Z"
# From where a restore makes content ready to the folder around the root: .sharpnet/KEY/tmp/restored.
UP = "/../../../.."


async def other_and_own(vault: Vault) -> tuple[Vault, Site, Site]:
    """Give two sites of Oslo whose copies on Lima are live, and a backup of the second."""
    vault, attic = vault.taking()
    vault, own = vault.taking()
    vault.rig.write(attic, "lima", {"db-password.php": "the attic's"})
    vault.rig.write(own, "oslo", {"page": "saved"})
    backed = await vault.run()
    assert [one.outcome for one in backed.results] == ["good", "good"]
    return vault, attic, own


def newest_id(vault: Vault, site: Site) -> str:
    """Return the whole id of the site's one snapshot."""
    listed: list[dict[str, Any]] = json.loads(restic(vault, "snapshots", "--json", "--tag", site_tag(site.name)))
    return str(max(listed, key=lambda one: one["time"])["id"])


@asynccontextmanager
async def burned(vault: Vault, folder: Path) -> AsyncIterator[Vault]:
    """Give the same to a bot that knows of no backup, since its machine burned."""
    async with rigged(vault.rig.shared, folder / "new.sqlite") as rig:
        yield Vault(rig, rig.ports).on(vault.ports.fleet)


async def on_record(vault: Vault, site: Site, full_id: str, **body: object) -> None:
    """Put on record that a backup has made the snapshot: its server said so."""
    place = SiteLocation(site, "oslo")
    run = BackupRun(f"forged-{full_id[:8]}", SAVE, site.name, "oslo", vault.ports.clock.now())
    await vault.ports.store.backups.begin(run, WHO)
    facts = {"files": 1, "size_bytes": 1, "full_id": full_id, "repository": "oslo", "root": place.root, **body}
    await vault.ports.store.backups.end(run, "good", full_id[:8], facts, vault.ports.clock.now(), WHO)


async def test_a_snapshot_whose_path_leads_to_another_site_moves_nothing_of_it(vault: Vault) -> None:
    vault, attic, own = await other_and_own(vault)
    before = tree_at(vault.rig.root(attic, "lima"))
    forge(vault, newest_id(vault, own), paths=[f"{UP}/{attic.name}"], time=LATER)
    listed = await vault.say(f"backup list {own.name}")
    assert "not made by this bot" in str(listed.parts)
    reply = await vault.say(f"backup restore {own.name} --to lima")
    assert reply.exit_code == 0, reply
    assert tree_at(vault.rig.root(attic, "lima")) == before
    assert tree_at(vault.rig.root(own, "lima")) == tree_at(vault.rig.root(own, "oslo"))


CLAIMS: dict[str, Callable[[str], dict[str, object]]] = {
    "a mirror": lambda _: {"hostname": "lima"},
    "a stranger": lambda _: {"hostname": "elsewhere"},
    "another fleet": lambda site: {"tags": [fleet_tag("other"), site_tag(site)]},
    "another path": lambda _: {"paths": ["/etc"]},
    "no time": lambda _: {"time": "0001-01-01T00:00:00Z"},
}


@pytest.mark.parametrize("claim", CLAIMS)
async def test_a_claim_of_any_kind_is_not_restored_without_a_record_either(
    vault: Vault, tmp_path: Path, claim: str
) -> None:
    vault, attic, own = await other_and_own(vault)
    full_id = newest_id(vault, own)
    forge(vault, full_id, **CLAIMS[claim](own.name))
    restic(vault, "forget", full_id)
    before = tree_at(vault.rig.root(attic, "lima"))
    async with burned(vault, tmp_path) as new:
        with pytest.raises(RefusedError, match="no backup"):
            await new.say(f"backup restore {own.name} --to lima")
    assert not any(vault.rig.root(own, "lima").iterdir())
    assert tree_at(vault.rig.root(attic, "lima")) == before


async def test_with_the_store_lost_what_equals_app_yaml_comes_back_by_an_approval_that_says_so(
    vault: Vault, tmp_path: Path
) -> None:
    vault, _, own = await other_and_own(vault)
    async with burned(vault, tmp_path) as new:
        reply = await new.say(f"backup restore {own.name} --to lima")
        assert "no record confirms this backup" in str(reply.parts)
        assert not any(vault.rig.root(own, "lima").iterdir())
        assert await approved(new, reply) == PlanState.CONFIRMED
    assert tree_at(vault.rig.root(own, "lima")) == tree_at(vault.rig.root(own, "oslo"))


async def test_a_snapshot_in_the_past_is_not_what_a_moment_means_where_a_record_is(vault: Vault) -> None:
    vault, _, own = await other_and_own(vault)
    before = datetime.now(UTC) - timedelta(days=1)
    forge(vault, newest_id(vault, own), time=before.isoformat())
    dry = await vault.say(f"backup restore {own.name} --to lima --dry-run")
    assert dry.facts is not None
    assert dry.facts["recorded"] is True
    reply = await vault.say(f"backup restore {own.name} --to lima --at {before.isoformat()} --dry-run")
    assert reply.facts is not None
    assert (reply.facts["recorded"], reply.facts["needs_approval"]) == (False, True)


def hostile_tree(folder: Path, place: SiteLocation, kind: str) -> None:
    """Make what a server would save to leave the folder that is restored into, or to gain rights."""
    root = folder / place.root.lstrip("/")
    if kind in {"a link in the root's place", "a link on the way"}:
        at = root if kind == "a link in the root's place" else root.parent
        at.parent.mkdir(parents=True)
        at.symlink_to("/srv/lima/www")
        return
    root.mkdir(parents=True)
    (root / "page").write_text("saved")
    dumps = folder / place.dumps.lstrip("/")
    dumps.mkdir(parents=True)
    (dumps / "mariadb-shop.sql").symlink_to("/etc/passwd")


@pytest.mark.parametrize("kind", ["a link in the root's place", "a link on the way", "a link for a dump"])
async def test_a_tree_that_leads_elsewhere_is_refused_though_it_is_on_record(
    vault: Vault, tmp_path: Path, kind: str
) -> None:
    vault, attic, own = await other_and_own(vault)
    place, folder = SiteLocation(own, "oslo"), tmp_path / "hostile"
    hostile_tree(folder, place, kind)
    dumps = place.dumps if kind == "a link for a dump" else ""
    full_id = saved(vault, folder, "srv")
    tags = [fleet_tag(vault.ports.fleet.name), site_tag(own.name)]
    paths = [place.root, *([dumps] if dumps else [])]
    forged = forge(vault, full_id, paths=paths, tags=tags, hostname="oslo")
    await on_record(vault, own, forged, dumps=dumps)
    before = {site.name: tree_at(vault.rig.root(site, "lima")) for site in (attic, own)}
    with pytest.raises(RefusedError, match="could not be restored whole"):
        await vault.say(f"backup restore {own.name} --to lima")
    assert {site.name: tree_at(vault.rig.root(site, "lima")) for site in (attic, own)} == before
    assert {path.name for path in vault.rig.work(own, "lima").iterdir()} == {"lock", "turn"}


async def test_no_program_comes_back_with_the_rights_of_its_owner(vault: Vault, tmp_path: Path) -> None:
    vault, _, own = await other_and_own(vault)
    place, folder = SiteLocation(own, "oslo"), tmp_path / "hostile"
    root = folder / place.root.lstrip("/")
    root.mkdir(parents=True)
    for name, mode in (("shell", 0o6755), ("plain", 0o644)):
        (root / name).write_text("x")
        (root / name).chmod(mode)
    tags = [fleet_tag(vault.ports.fleet.name), site_tag(own.name)]
    forged = forge(vault, saved(vault, folder, "srv"), paths=[place.root], tags=tags, hostname="oslo")
    await on_record(vault, own, forged)
    reply = await vault.say(f"backup restore {own.name} --to lima")
    assert reply.exit_code == 0, reply
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in vault.rig.root(own, "lima").iterdir()}
    assert modes == {"shell": 0o755, "plain": 0o644}
    assert os.lstat(vault.rig.root(own, "lima")).st_mode & stat.S_IFDIR


async def test_a_snapshot_that_its_server_gave_another_id_for_is_not_taken_for_the_one_on_record(vault: Vault) -> None:
    vault, _, own = await other_and_own(vault)
    forged = forge(vault, newest_id(vault, own), paths=["/srv/oslo/www"])
    await on_record(vault, own, forged)
    listed = await vault.say(f"backup list {own.name}")
    assert listed.facts is not None
    origins = [one["origin"] for one in listed.facts["snapshots"]]  # type: ignore[attr-defined]
    assert sorted(origins) == ["foreign", "recorded"]

"""Whose folders a backup and a restore go through: a root that is a link leads to its own, and nobody else's is."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from backup.harness import Vault, approved, offsite
from sync.customer import CUSTOMER, at_a_customers, release
from sync.harness import lab_to_share, rigged, tree_at

from core.errors import RefusedError
from core.plan.plan import PlanState
from ops.work_folder import site_key

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from core.fleet import Site

NAME = "fjord.example"
DATABASE = ("postgresql", "fjord")
COUNT = "SELECT count(*) FROM entries"


async def released(vault: Vault) -> tuple[Vault, Site]:
    """Give a site whose root is a link to a release on both servers, saved from there."""
    vault, site = vault.taking()
    vault.rig.write(site, "oslo", {"index.html": "release 42"})
    vault.rig.write(site, "lima", {"index.html": "as it was"})
    for server in ("oslo", "lima"):
        release(vault.rig, site, server)
    await vault.saved()
    return vault, site


async def test_a_root_that_is_a_link_to_a_release_of_its_own_is_saved_from_there_and_restored_to_there(
    vault: Vault,
) -> None:
    vault, site = await released(vault)
    verified = await vault.say(f"backup verify {site.name}")
    assert verified.exit_code == 0, verified
    reply = await vault.say(f"backup restore {site.name} --to lima")
    assert await approved(vault, reply) == PlanState.CONFIRMED
    root = vault.rig.root(site, "lima")
    assert root.is_symlink()
    assert (root.with_name(f"{root.name}.releases") / "42/index.html").read_text() == "release 42"


async def test_with_the_store_lost_what_was_saved_from_a_release_comes_back_as_well(
    vault: Vault, tmp_path: Path
) -> None:
    vault, site = await released(vault)
    async with rigged(vault.rig.shared, tmp_path / "new.sqlite") as rig:
        new = Vault(rig, rig.ports).on(vault.ports.fleet)
        reply = await new.say(f"backup restore {site.name} --to lima")
        assert await approved(new, reply) == PlanState.CONFIRMED
    assert tree_at(vault.rig.root(site, "lima").resolve()) == tree_at(vault.rig.root(site, "oslo").resolve())


async def test_a_root_that_is_a_link_to_another_sites_is_neither_saved_nor_restored_to(vault: Vault) -> None:
    vault, sibling = vault.taking()
    vault.rig.write(sibling, "oslo", {"db-password.php": "s3cret"})
    vault.rig.write(sibling, "lima", {"db-password.php": "s3cret"})
    vault, site = vault.taking()
    await vault.run()
    for server in ("oslo", "lima"):
        root = vault.rig.root(site, server)
        root.rename(root.with_name(f"{root.name}.away"))
        root.symlink_to(vault.rig.root(sibling, server).name)
    before = tree_at(vault.rig.root(sibling, "lima"))
    backed = next(one for one in (await vault.run()).results if one.site == site.name)
    assert backed.trouble is not None
    assert (backed.outcome, backed.trouble.code) == ("failed", "root-symlink"), backed
    with pytest.raises(RefusedError, match="is not followed"):
        await vault.say(f"backup restore {site.name} --to lima")
    assert tree_at(vault.rig.root(sibling, "lima")) == before


def as_root(tree: dict[str, Any]) -> None:
    """Give one site a database, and have the bot log in as root."""
    tree["sites"] = {NAME: tree["sites"][NAME]}
    tree["sites"][NAME]["databases"] = [{"engine": DATABASE[0], "name": DATABASE[1]}]
    for server in ("oslo", "lima"):
        tree["servers"][server]["ssh"]["user"] = "root"
    tree["offsite"] = offsite(tree)


@pytest.fixture
async def root_vault(tmp_path: Path) -> AsyncIterator[Vault]:
    """Open a process on a lab with a database, whose servers let the bot in as root."""
    with lab_to_share(tmp_path, as_root) as own:
        async with rigged(own, tmp_path / "store.sqlite") as rig:
            site = at_a_customers(rig, rig.ports.fleet.sites[NAME])
            made = Vault.of(rig, "repository")
            yield made.on(replace(made.ports.fleet, sites={site.name: site}))


async def test_where_a_customer_can_write_around_the_root_dumps_lie_one_above_and_come_back_from_there(
    root_vault: Vault,
) -> None:
    lab, (site,) = root_vault.lab, root_vault.ports.fleet.sites.values()
    around = root_vault.rig.root(site, "oslo").parent
    secret = lab.path_on("oslo", "/root/secret")
    secret.mkdir()
    planted = around / ".sharpnet" / site_key(site.name)
    planted.parent.mkdir()
    planted.symlink_to("/root/secret")
    for path in (planted, planted.parent):
        os.chown(path, CUSTOMER, CUSTOMER, follow_symlinks=False)
    result = await root_vault.saved()
    assert result.paths is not None
    above = around.parent / ".sharpnet" / site_key(site.name)
    assert lab.path_on("oslo", result.paths.dumps) == above / "backup"
    assert not (above / "backup").exists()
    verified = await root_vault.say("backup verify")
    assert verified.facts is not None
    assert verified.facts["results"][0]["dumps"] == 1  # type: ignore[index]
    assert verified.exit_code == 0, verified
    lab.sql("oslo", *DATABASE, "DELETE FROM entries")
    reply = await root_vault.say(f"backup restore {site.name} --to oslo")
    assert await approved(root_vault, reply) == PlanState.CONFIRMED
    assert lab.sql("oslo", *DATABASE, COUNT).strip() == "200"
    assert not any(secret.iterdir())

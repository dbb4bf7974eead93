"""Databases are saved with their site, proven to be whole, and brought back with it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from backup.harness import Vault, approved, offsite
from sync.harness import lab_to_share, rigged

from core.plan.plan import PlanState

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

NAME = "fjord.example"
COUNT = "SELECT count(*) FROM entries"
MARIA = ("mariadb", "it's odd")
POSTGRES = ("postgresql", "fjord")


def stocked(tree: dict[str, Any]) -> None:
    """Give one site a database of each kind, and the fleet an off-site host."""
    tree["sites"] = {NAME: tree["sites"][NAME]}
    tree["sites"][NAME]["databases"] = [
        {"engine": MARIA[0], "name": MARIA[1], "user": "f", "password": "env:FJORD_PASSWORD"},
        {"engine": POSTGRES[0], "name": POSTGRES[1]},
    ]
    tree["offsite"] = offsite(tree)


@pytest.fixture
async def vault(tmp_path: Path) -> AsyncIterator[Vault]:
    """Open a process on a lab with databases."""
    with lab_to_share(tmp_path, stocked) as own:
        async with rigged(own, tmp_path / "store.sqlite") as rig:
            made = Vault.of(rig, "repository")
            yield made.on(replace(made.ports.fleet, sites=dict(rig.ports.fleet.sites)))


async def test_databases_are_saved_proven_and_brought_back_with_their_site(vault: Vault) -> None:
    lab, site = vault.lab, vault.ports.fleet.sites[NAME]
    result = await vault.saved()
    assert result.databases == 2
    assert not (vault.rig.work(site, "oslo") / "backup").exists()
    verified = await vault.say("backup verify")
    assert verified.exit_code == 0, verified
    assert verified.facts is not None
    assert verified.facts["results"][0]["dumps"] == 2  # type: ignore[index]

    for engine, name in (MARIA, POSTGRES):
        lab.sql("oslo", engine, name, "DELETE FROM entries")
        assert lab.sql("oslo", engine, name, COUNT).strip() == "0"
    vault.rig.write(site, "oslo", {"index.html": "spoilt"})
    reply = await vault.say(f"backup restore {NAME} --to oslo")
    assert await approved(vault, reply) == PlanState.CONFIRMED
    for engine, name in (MARIA, POSTGRES):
        assert lab.sql("oslo", engine, name, COUNT).strip() == "200"
    assert "Welcome to fjord.example" in (vault.rig.root(site, "oslo") / "index.html").read_text()
    databases = vault.ports.databases
    for database in site.databases:
        kept = await databases.kept(database, "oslo")
        assert isinstance(kept, tuple)
        assert len(kept) == 1
        assert lab.sql("oslo", database.engine, kept[0].name, COUNT).strip() == "0"


async def test_a_database_that_cannot_be_dumped_fails_the_backup_and_leaves_no_dump(vault: Vault) -> None:
    site = vault.ports.fleet.sites[NAME]
    gone = replace(site.databases[1], name="nobody")
    vault = vault.on(replace(vault.ports.fleet, sites={NAME: replace(site, databases=(site.databases[0], gone))}))
    result = (await vault.run()).results[0]
    assert result.outcome != "good"
    assert result.trouble is not None
    assert "nobody" in result.trouble.message
    assert not (vault.rig.work(site, "oslo") / "backup").exists()

"""A backup is proven by restoring a sample of it and comparing that with the live site."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from backup.harness import Vault


def only(facts: Any) -> dict[str, Any]:  # noqa: ANN401  a reply's facts
    """Return the one result."""
    assert len(facts["results"]) == 1
    found: dict[str, Any] = facts["results"][0]
    return found


async def test_a_good_backup_is_proven_and_nothing_is_left_behind(vault: Vault) -> None:
    vault, site = vault.taking()
    vault.rig.write(site, "oslo", {"big": os.urandom(200_000).hex(), "we[i]rd *?\\ name ": "w", "é": "unicode"})
    await vault.saved()
    reply = await vault.say("backup verify")
    assert reply.exit_code == 0, reply
    result = only(reply.facts)
    assert (result["outcome"], result["different"], result["left_out"]) == ("proven", [], 0)
    assert result["same"] >= 12
    assert result["full_restore_s"] > 0
    assert list(vault.rig.work(site, "oslo").iterdir()) == []
    status = await vault.say("backup")
    assert status.facts is not None
    assert status.facts["sites"][0]["verified"] is True  # type: ignore[index]


async def test_what_was_changed_or_removed_since_the_backup_is_no_difference_but_counted(vault: Vault) -> None:
    vault, site = vault.taking()
    vault.rig.write(site, "oslo", {"largest": "x" * 50_000})
    await vault.saved()
    vault.rig.write(site, "oslo", {"largest": "y" * 50_000})
    result = only((await vault.say(f"backup verify {site.name}")).facts)
    assert (result["outcome"], result["different"], result["left_out"]) == ("proven", [], 1)


async def test_a_damaged_repository_is_found(vault: Vault) -> None:
    vault, site = vault.taking()
    vault.rig.write(site, "oslo", {"big": os.urandom(300_000).hex()})
    await vault.saved()
    damage(vault.repository)
    reply = await vault.say("backup verify")
    assert reply.exit_code == 1
    assert "not sound" in reply.title


async def test_a_site_without_a_backup_is_said(vault: Vault) -> None:
    vault, _ = vault.taking()
    reply = await vault.say("backup verify")
    assert reply.exit_code == 1
    assert only(reply.facts)["code"] == "no-backup"


def damage(repository: Path) -> None:
    """Take away the largest piece of the backups' data."""
    max(
        (path for path in (repository / "data").rglob("*") if path.is_file()), key=lambda path: path.stat().st_size
    ).unlink()

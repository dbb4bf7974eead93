"""A site is saved whole from where it is active, and never from a source that looks lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from backup.vault import Vault


async def test_a_backup_is_made_listed_and_on_record(vault: Vault) -> None:
    vault, site = vault.taking()
    vault.rig.write(site, "oslo", {"page.html": "hello", "deep/er/file.txt": "x" * 5000})
    reply = await vault.say("backup run")
    assert reply.exit_code == 0, reply

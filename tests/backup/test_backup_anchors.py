"""The record, compared with what the backups on a real off-site host keep of it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from backup.forged import forge
from record_anew import write_anew

from core.backup.snapshots import RecordEnd, record_end_of
from core.people import Person, Role
from ops.gather import anchors

if TYPE_CHECKING:
    import pytest
    from backup.harness import Vault

    from core.reply import Reply


def words(reply: Reply) -> str:
    return "\n".join([reply.title, *(str(part) for part in reply.parts)])


async def noted(vault: Vault) -> tuple[str, RecordEnd]:
    """Return the one snapshot's whole id, and what it keeps of the record."""
    restic = vault.ports.restic
    assert restic is not None
    found = await restic.snapshots("oslo")
    assert isinstance(found, tuple)
    (snapshot,) = found
    (end,) = [one for tag in snapshot.tags if (one := record_end_of(tag)) is not None]
    return snapshot.full_id, end


async def test_a_record_is_proven_up_to_the_last_backup(vault: Vault) -> None:
    vault, _ = vault.taking()
    await vault.saved()
    _, end = await noted(vault)
    entry = await vault.ports.store.identity.hashes({end.number})
    assert entry == {end.number: end.hash}
    reply = await vault.say("history --verify")
    assert reply.exit_code == 0, reply
    assert f"Proven up to entry {end.number:,} by the backups of oslo" in words(reply)
    assert "by the chain alone" in words(reply)


async def test_a_record_that_was_written_anew_with_good_hashes_is_found_by_a_backup(vault: Vault) -> None:
    vault, _ = vault.taking()
    await vault.saved()
    _, end = await noted(vault)
    await write_anew(vault.ports.store, 1)
    reply = await vault.say("history --verify")
    assert reply.exit_code == 1
    assert reply.title.startswith(f"The record was written anew: entry {end.number} is not the one of the backups of")
    assert "Only backups say so" in words(reply)


async def test_a_server_that_adds_a_note_of_its_own_hides_nothing_and_is_named(vault: Vault) -> None:
    vault, site = vault.taking()
    await vault.saved()
    full_id, end = await noted(vault)
    lie = RecordEnd(end.store, 1, "ab" * 32)
    forge(vault, full_id, tags=[f"fleet:{vault.ports.fleet.name}", f"site:{site.name}", lie.tag])
    reply = await vault.say("history --verify")
    assert reply.exit_code == 1
    assert "the backups of oslo" in reply.title
    assert "look at that server" in words(reply)
    await write_anew(vault.ports.store, 1)
    reply = await vault.say("history --verify")
    assert reply.facts is not None
    numbers = {one["number"] for one in reply.facts["against"]}  # type: ignore[index, union-attr, call-overload]
    assert numbers == {1, end.number}


async def test_a_note_of_another_store_says_nothing_of_this_one(vault: Vault) -> None:
    vault, site = vault.taking()
    await vault.saved()
    full_id, end = await noted(vault)
    other = RecordEnd("another", end.number, "ab" * 32)
    forge(vault, full_id, tags=[f"fleet:{vault.ports.fleet.name}", f"site:{site.name}", other.tag])
    assert (await vault.say("history --verify")).exit_code == 0


async def test_what_cannot_be_read_in_time_is_said_and_not_waited_for(
    vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    vault, _ = vault.taking()
    await vault.saved()
    monkeypatch.setattr(anchors, "BACKUPS_S", 0.01)
    reply = await vault.say("history --verify")
    assert reply.exit_code == 0
    assert re.search("Not compared with the backups of .*oslo", words(reply))


async def test_a_person_without_a_role_has_nothing_asked_of_the_off_site_host(vault: Vault) -> None:
    vault, _ = vault.taking()
    await vault.saved()
    reply = await vault.say("history --verify", Person("guest", "terminal", frozenset[Role]()))
    assert reply.exit_code == 0
    assert "the backups" not in words(reply)


async def test_more_notes_than_a_bot_gives_away_are_not_taken(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    vault, _ = vault.taking()
    await vault.saved()
    monkeypatch.setattr(anchors, "MOST_NOTED", 0)
    reply = await vault.say("history --verify")
    assert reply.exit_code == 0
    assert "Not compared with the backups of oslo" in words(reply)

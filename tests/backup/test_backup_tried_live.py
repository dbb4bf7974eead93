"""`check --live` tries the way to the off-site backups from every server, and changes nothing there."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from commands.check import check_live
from ops.gather.offsite_check import offsite_findings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from backup.harness import Vault

    from core.status.findings import Finding
    from lab import Lab

FROM_OSLO, FROM_LIMA = "oslo reaching its off-site repository", "lima reaching its off-site repository"
LIMITS, OWN = "what the bot's key may do on the off-site host", "restic on the bot's machine"


@pytest.fixture(autouse=True)
def hosts_are_back(vault_lab: tuple[Lab, Path, list[str]]) -> Iterator[None]:
    """Leave the lab as it was."""
    yield
    for host in ("offsite", "oslo", "lima"):
        vault_lab[0].back(host)


async def tried(vault: Vault) -> dict[str, Finding]:
    return {finding.what: finding for finding in await offsite_findings(vault.ports)}


def login_to(vault: Vault) -> str:
    offsite = vault.ports.fleet.offsite
    assert offsite is not None
    return f"login to the off-site host (keeper@{offsite.server.address}, port 2322)"


async def test_all_that_works_is_said_with_the_version_of_restic_and_leaves_no_trace(vault: Vault) -> None:
    vault, _ = vault.taking()
    before = sorted(vault.repository.rglob("*"))
    found = await tried(vault)
    assert list(found) == [login_to(vault), LIMITS, OWN, FROM_OSLO, FROM_LIMA]
    assert all(finding.ok for finding in found.values())
    assert found[FROM_LIMA].why.startswith("restic 0.")
    assert found[OWN].why.startswith("restic 0.")
    assert found[LIMITS].why == "SFTP, and no change to its own keys"
    assert sorted(vault.repository.rglob("*")) == before


async def test_before_the_first_backup_a_repository_that_is_not_there_is_as_it_should_be(bare_vault: Vault) -> None:
    vault, _ = bare_vault.taking()
    found = await tried(vault)
    assert found[FROM_OSLO].ok
    assert "the first `backup run` makes it" in found[FROM_OSLO].why


async def test_a_repository_that_is_gone_is_said(vault: Vault) -> None:
    vault, _ = vault.taking()
    await vault.saved()
    vault.repository.rename(vault.repository.with_name("elsewhere"))
    found = await tried(vault)
    assert not found[FROM_OSLO].ok
    assert found[FROM_OSLO].why == "there is no repository at offsite.path on the off-site host"
    assert found[FROM_OSLO].hint


async def test_an_off_site_host_that_is_gone_is_said_once(vault: Vault) -> None:
    vault, _ = vault.taking()
    vault.lab.drop("offsite")
    found = await tried(vault)
    assert list(found) == [login_to(vault)]
    assert "cannot be reached" in found[login_to(vault)].why
    assert found[login_to(vault)].hint


async def test_a_wrong_password_is_said_for_what_it_is(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    vault, _ = vault.taking()
    monkeypatch.setenv("SHARPNET_TEST_RESTIC", "not-the-right-one")
    found = await tried(vault)
    assert found[FROM_OSLO].why == "the repository does not open with offsite.password"
    assert found[login_to(vault)].ok


async def test_a_host_that_lets_the_bots_key_change_who_is_let_in_is_said(vault: Vault) -> None:
    vault, _ = vault.taking()
    keys = vault.lab.path_on("offsite", "/home/keeper/.ssh")
    owner = vault.repository.stat()
    os.chown(keys, owner.st_uid, owner.st_gid)
    try:
        found = await tried(vault)
    finally:
        os.chown(keys, 0, 0)
    assert found[LIMITS].warning
    assert found[LIMITS].why == "it may let others in: it may change .ssh"
    assert "docs/backup.md" in found[LIMITS].hint


async def test_a_bots_machine_without_restic_is_said(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    vault, _ = vault.taking()
    monkeypatch.setenv("PATH", "/nonexistent")
    found = await tried(vault)
    assert not found[OWN].ok
    assert found[OWN].why == "restic is missing on the bot's machine"
    assert found[FROM_OSLO].ok


async def test_a_password_that_is_not_set_is_said(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    vault, _ = vault.taking()
    monkeypatch.delenv("SHARPNET_TEST_RESTIC")
    found = await tried(vault)
    assert "SHARPNET_TEST_RESTIC is not set" in found[FROM_OSLO].why


async def test_of_a_server_without_a_login_only_its_login_is_said(vault: Vault) -> None:
    vault, _ = vault.taking()
    vault.lab.drop("lima")
    found = await tried(vault)
    assert list(found) == [login_to(vault), LIMITS, OWN, FROM_OSLO]
    assert all(finding.ok for finding in found.values())


async def test_a_fleet_without_an_off_site_section_has_nothing_to_try(vault: Vault) -> None:
    bare = replace(vault.ports, fleet=replace(vault.ports.fleet, offsite=None), restic=None)
    assert await offsite_findings(bare) == ()


async def test_check_live_says_it_with_the_rest(vault: Vault) -> None:
    vault, _ = vault.taking()
    vault.lab.drop("offsite")
    reply = await check_live(vault.ports)
    assert login_to(vault) in str(reply.parts)
    assert reply.exit_code == 1

"""A site is saved whole from where it is active, and never from a source that looks lost."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from core.errors import RefusedError, UnreachableError
from core.people import Person, Role
from jobs.backup import JOB, SCHEDULED
from jobs.backup.listing import list_backups
from jobs.interrupted import end_interrupted
from ops.durable.claimed import LEASE
from ops.store.copies.backups import SAVE, BackupRun

if TYPE_CHECKING:
    from backup.harness import Vault


async def test_a_backup_is_made_listed_and_on_record(bare_vault: Vault) -> None:
    vault, site = bare_vault.taking()
    vault.rig.write(site, "oslo", {"page.html": "hello", "deep/er/file.txt": "x" * 5000})
    assert (await vault.say("backup")).exit_code == 1
    reply = await vault.say("backup run")
    assert reply.exit_code == 0, reply
    listed = await vault.say("backup list")
    assert listed.facts is not None
    assert [one["site"] for one in listed.facts["snapshots"]] == [site.name]  # type: ignore[attr-defined]
    status = await vault.say("backup")
    assert status.exit_code == 0, status
    assert status.facts is not None
    assert status.facts["repository_bytes"]
    kinds = [entry.kind for entry in await vault.ports.store.record.entries(subject=site.name)]
    assert kinds == ["backup.begun", "backup.good"]


async def test_a_second_backup_sends_only_what_is_new(vault: Vault) -> None:
    vault, site = vault.taking()
    vault.rig.write(site, "oslo", {"big": os.urandom(300_000).hex()})
    first = await vault.saved()
    vault.rig.write(site, "oslo", {"small": "new"})
    second = await vault.saved()
    assert first.new_bytes > 300_000
    assert second.new_bytes < 50_000
    assert second.files == first.files + 1


async def test_what_is_excluded_from_syncs_is_not_in_the_backup_and_nothing_else_is_left_out(vault: Vault) -> None:
    vault, site = vault.taking(exclude=("cache/", "/top.txt", "*.tmp", "we\\[i\\]rd *"))
    excluded = {"cache/a": "", "deep/cache/b": "", "top.txt": "", "x.tmp": "", "we[i]rd $HOME ": "", "é\n.tmp": ""}
    kept = {"deep/cachet": "", "deep/top.txt": "", "file/cache": "", "x.tmp.txt": "", "weird": ""}
    before = await vault.saved()
    vault.rig.write(site, "oslo", {**excluded, **kept})
    assert (await vault.saved()).files == before.files + len(kept)


@pytest.mark.parametrize("loss", ["emptied", "missing", "a link to elsewhere"])
async def test_a_source_that_looks_lost_is_not_backed_up_and_nothing_is_let_go(vault: Vault, loss: str) -> None:
    vault, site = vault.taking()
    vault = vault.with_offsite(keep={"daily": 1})
    await vault.saved()
    root = vault.rig.root(site, "oslo")
    shutil.rmtree(root)
    if loss == "emptied":
        (root / "only/folders").mkdir(parents=True)
        os.chown(root, root.parent.stat().st_uid, -1)
    elif loss == "a link to elsewhere":
        root.symlink_to("/")
    backed = await vault.run()
    assert backed.results[0].outcome == "failed"
    trouble = backed.results[0].trouble
    assert trouble is not None
    assert trouble.code in {"source-empty", "source-missing", "source-outside"}
    assert len(await list_backups(vault.ports)) == 1


async def test_a_site_that_shrank_is_saved_and_told_and_nothing_of_it_is_let_go_until_somebody_agrees(
    vault: Vault,
) -> None:
    vault, site = vault.taking()
    vault = vault.with_offsite(keep={"daily": 1})
    vault.rig.write(site, "oslo", {f"file-{number}": "text" for number in range(60)})
    await vault.saved()
    for number in range(60):
        (vault.rig.root(site, "oslo") / f"file-{number}").unlink()
    for _ in range(2):
        await JOB.run(vault.ports, SCHEDULED, vault.ports.clock.now())
    card = await vault.ports.store.cards.get(f"backup:site:{site.name}")
    assert card is not None
    assert "shrunk to less than half" in card.reply.title
    assert len(await list_backups(vault.ports)) == 3
    reply = await vault.say(card.reply.buttons[0].line)
    assert reply.exit_code == 0, reply
    assert len(await list_backups(vault.ports)) == 1
    card = await vault.ports.store.cards.get(f"backup:site:{site.name}")
    assert card is not None
    assert card.reply.tone == "good"


async def test_it_is_saved_from_where_it_is_active_and_not_from_a_quarantined_copy(vault: Vault) -> None:
    vault, site = vault.taking()
    await vault.rig.filled(site)
    copies, now = vault.ports.store.copies, vault.ports.clock.now()
    # DNS is not changed here: what it says is what was seen last.
    vault = replace(vault, ports=replace(vault.ports, dns=_Silent()))  # type: ignore[arg-type]
    await copies.set_active({site.name: "lima"}, now)
    assert (await vault.run()).results[0].server == "lima"
    await copies.quarantine([(site.name, "lima")], "for the test", now, "test")
    assert (await vault.run()).results[0].outcome == "refused"


class _Silent:
    """A DNS that does not answer."""

    async def serial(self, *_args: object, **_kwargs: object) -> None:
        raise UnreachableError("silent")


async def test_a_wrong_password_is_said_and_makes_no_other_repository(
    vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    vault, _ = vault.taking()
    await vault.saved()
    config = (vault.repository / "config").read_bytes()
    monkeypatch.setenv("SHARPNET_TEST_RESTIC", "another")
    backed = await vault.run()
    trouble = backed.results[0].trouble
    assert trouble is not None
    assert trouble.code == "wrong-password"
    assert (vault.repository / "config").read_bytes() == config
    with pytest.raises(RefusedError, match=r"offsite\.password"):
        await vault.say("backup list")


async def test_a_repository_that_is_gone_is_made_anew_only_when_somebody_says_so(vault: Vault) -> None:
    vault, _ = vault.taking()
    await vault.saved()
    away = vault.repository.rename(vault.repository.with_name(vault.repository.name + "-unmounted"))
    backed = await vault.run()
    trouble = backed.results[0].trouble
    assert trouble is not None
    assert trouble.code == "repository-gone"
    assert not vault.repository.exists()
    assert (await vault.say("backup run --new-repository")).exit_code == 0
    assert away.exists()


async def test_a_file_that_cannot_be_read_is_named_and_the_rest_is_saved(vault: Vault) -> None:
    vault, site = vault.taking()
    vault.rig.write(site, "oslo", {"secret": "s"})
    closed = vault.rig.root(site, "oslo") / "secret"
    os.chown(closed, 0, 0)
    closed.chmod(0o600)
    result = (await vault.run()).results[0]
    assert result.trouble is not None
    assert (result.outcome, result.trouble.code) == ("failed", "source-unreadable")
    assert result.trouble.message.endswith("secret")
    assert result.snapshot is not None
    closed.unlink()


async def test_while_one_run_is_under_way_another_is_refused(vault: Vault) -> None:
    vault, _ = vault.taking()
    claims, now = vault.ports.store.claims, vault.ports.clock.now()
    await claims.take(["backup"], "other", "a backup run", now, LEASE)
    with pytest.raises(RefusedError, match=r"a backup run \(other\) is under way"):
        await vault.say("backup run")


async def test_a_run_whose_bot_is_gone_is_reported_and_the_next_one_goes_well(vault: Vault) -> None:
    vault, site = vault.taking()
    run = BackupRun("r1", SAVE, site.name, "oslo", vault.ports.clock.now(), body={"owner": "r1"})
    await vault.ports.store.backups.begin(run, "test")
    assert await end_interrupted(vault.ports) == {"backups": 1}
    assert not await end_interrupted(vault.ports)
    await vault.saved()


async def test_a_backup_that_has_not_run_is_an_alert_until_it_has(vault: Vault) -> None:
    vault, site = vault.taking()
    await JOB.run(vault.ports, "", vault.ports.clock.now())
    card = await vault.ports.store.cards.get("backup:overdue")
    assert card is not None
    assert card.reply.title == "Backups have not run: 1 site never"
    await vault.say("backup run")
    card = await vault.ports.store.cards.get("backup:overdue")
    assert card is not None
    assert card.reply.tone == "good"
    later = vault.rig.later(timedelta(hours=30))
    await JOB.run(replace(later.ports, fleet=vault.ports.fleet), "", later.ports.clock.now())
    card = await vault.ports.store.cards.get("backup:overdue")
    assert card is not None
    assert site.name in card.reply.title


async def test_only_operators_touch_backups(vault: Vault) -> None:
    vault, _ = vault.taking()
    guest = Person("guest", "slack", frozenset({Role.ANYONE}))
    with pytest.raises(Exception, match="operators"):
        await vault.say("backup run", guest)


async def test_a_fleet_without_an_offsite_host_says_so(vault: Vault) -> None:
    ports = replace(vault.ports, restic=None)
    with pytest.raises(RefusedError, match="no off-site host"):
        await replace(vault, ports=ports).say("backup")

"""Whatever breaks in the middle of a backup, what was saved before stays, and the next run goes well."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from backup.forged import forge, leave_lock, saved
from backup.harness import WHO
from lapsed import let_leases_pass

from core.backup.origin import Origin
from core.backup.snapshots import fleet_tag, site_tag
from core.failure import FailureCode
from jobs.backup import JOB, SCHEDULED
from jobs.backup.listing import list_backups
from jobs.backup.restore_site import what_to_restore
from jobs.interrupted import end_interrupted
from ops.contracts import SiteLocation
from ops.store.copies.backups import SAVE, UPKEEP, BackupRun

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from backup.harness import Vault

SLOW = 60_000
LARGE = 1_500_000
PATIENCE_S = 40.0


async def until(is_so: Callable[[], bool]) -> None:
    """Wait until something is so."""
    async with asyncio.timeout(PATIENCE_S):
        while not is_so():  # noqa: ASYNC110 - nothing here tells of processes elsewhere
            await asyncio.sleep(0.1)


def resting(vault: Vault) -> bool:
    """Return whether nobody saves anything in the test's repository, on any host of the lab."""
    repository = f"RESTIC_REPOSITORY=sftp:offsite:{vault.place}/servers/oslo".encode()
    for path in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            saves = b"--exclude-file" in (path / "cmdline").read_bytes().split(b"\0")
            if saves and repository in (path / "environ").read_bytes().split(b"\0"):
                return False
    return True


@contextlib.contextmanager
def immutable(path: Path) -> Iterator[None]:
    """Have nobody remove a file meanwhile, root included."""
    subprocess.run(["chattr", "+i", path], check=True)
    try:
        yield
    finally:
        subprocess.run(["chattr", "-i", path], check=True)


async def test_with_the_offsite_host_dead_it_fails_with_words_and_an_alert_that_ends_when_it_is_back(
    vault: Vault,
) -> None:
    vault, site = vault.taking()
    await vault.saved()
    vault.lab.drop("offsite")
    try:
        await JOB.run(vault.ports, SCHEDULED, vault.ports.clock.now())
    finally:
        vault.lab.back("offsite")
    card = await vault.ports.store.cards.get(f"backup:site:{site.name}")
    assert card is not None
    assert "off-site host" in card.reply.title
    assert "cannot be reached" in card.reply.title
    await vault.say("backup run")
    card = await vault.ports.store.cards.get(f"backup:site:{site.name}")
    assert card is not None
    assert card.reply.tone == "good"


async def test_an_offsite_host_that_dies_in_mid_run_costs_nothing_that_was_saved(vault: Vault) -> None:
    vault, site = vault.taking(bandwidth=SLOW)
    await vault.saved()
    vault.rig.write(site, "oslo", {"large": os.urandom(LARGE // 2).hex()})
    running = asyncio.create_task(vault.run())
    await until(lambda: not resting(vault))
    await asyncio.sleep(1)
    vault.lab.drop("offsite")
    try:
        result = (await running).results[0]
    finally:
        vault.lab.back("offsite")
    assert result.outcome == "failed"
    await until(lambda: resting(vault))
    assert len(await list_backups(vault.ports)) == 1
    faster = vault.on(replace(vault.ports.fleet, sites={site.name: replace(site, bandwidth=None)}))
    assert (await faster.saved()).files == result.files or result.files == 0


async def test_a_server_that_is_down_is_a_failure_of_its_sites_only(vault: Vault) -> None:
    vault, site = vault.taking()
    vault, other = vault.taking("lima")
    vault.lab.drop("lima")
    try:
        backed = await vault.run()
    finally:
        vault.lab.back("lima")
    assert {result.site: result.outcome for result in backed.results} == {site.name: "good", other.name: "failed"}


async def test_a_killed_bot_leaves_nothing_running_and_the_next_one_says_so_and_goes_on(vault: Vault) -> None:
    vault, site = vault.taking(bandwidth=SLOW)
    await vault.saved()
    vault.rig.write(site, "oslo", {"large": os.urandom(LARGE // 2).hex()})
    store = vault.ports.store._db._path
    words = [vault.rig.config, store, site.name, vault.place, SLOW]
    argv = [sys.executable, str(Path(__file__).with_name("slow_backup.py")), *map(str, words)]
    env = {**os.environ, "PYTHONPATH": "."}
    bot = await asyncio.create_subprocess_exec(*argv, cwd=Path(__file__).parents[2], env=env)
    try:
        await until(lambda: not resting(vault))
        await asyncio.sleep(1)
    finally:
        bot.kill()
        await bot.wait()
    await until(lambda: resting(vault))
    await let_leases_pass(vault.ports.store)
    assert await end_interrupted(vault.ports) == {"backups": 1}
    known = (await vault.say("backup")).facts
    assert known is not None
    assert "the bot that ran it is gone" in known["sites"][0]["trouble"]  # type: ignore[index]
    assert len(await list_backups(vault.ports)) == 1
    faster = vault.on(replace(vault.ports.fleet, sites={site.name: replace(site, bandwidth=None)}))
    await faster.saved()


async def test_a_site_with_a_hostile_name_is_backed_up_listed_and_restored(vault: Vault, tmp_path: Path) -> None:
    vault, site = vault.taking()
    name = f"it's $(touch {tmp_path}/x), % -- é"
    fleet = vault.ports.fleet
    vault = vault.on(replace(fleet, sites={name: replace(site, name=name)}))
    await vault.saved()
    found = await list_backups(vault.ports)
    assert [(one.snapshot.site, one.origin) for one in found] == [(name, Origin.RECORDED)]
    hostile = vault.ports.fleet.sites[name]
    restore = await what_to_restore(vault.ports, hostile, "lima", None, "test")
    assert restore.site == name
    assert "x" not in {path.name for path in Path(tmp_path).iterdir()}  # noqa: ASYNC240 - it is small


async def test_a_lock_that_a_dead_server_has_left_holds_up_neither_forgetting_nor_pruning(
    bare_vault: Vault, tmp_path: Path
) -> None:
    vault, site = bare_vault.with_offsite(keep={"daily": 1}).taking()
    restic = vault.ports.restic
    assert restic is not None
    assert (await restic.make("oslo"), await restic.make("lima")) == (None, None)
    (tmp_path / "page").write_text("of when Lima served it")
    like, root = saved(vault, tmp_path, "page", of="lima"), SiteLocation(site, "lima").root
    tags = [fleet_tag(vault.ports.fleet.name), site_tag(site.name)]
    full_id = forge(vault, like, of="lima", hostname="lima", paths=[root], tags=tags)
    begun_at = vault.ports.clock.now() - timedelta(days=2)
    backups = vault.ports.store.backups
    run = BackupRun("on-lima", SAVE, site.name, "lima", begun_at)
    await backups.begin(run, WHO)
    facts = {"files": 1, "size_bytes": 22, "repository": "lima", "full_id": full_id, "root": root}
    await backups.end(run, "good", full_id[:8], facts, begun_at, WHO)
    leave_lock(vault, "lima")
    await vault.saved()
    assert [one.snapshot.server for one in await list_backups(vault.ports)] == ["oslo"]
    assert set(await backups.newest(UPKEEP, ("done",))) == {""}


async def test_old_backups_that_cannot_be_removed_are_not_called_let_go(vault: Vault) -> None:
    vault, _ = vault.taking()
    await vault.saved()
    (old,) = (vault.repository / "snapshots").iterdir()
    with immutable(old):
        backed = await vault.with_offsite(keep={"daily": 1}).run()
    assert [result.outcome for result in backed.results] == ["good"]
    assert old.exists()
    assert backed.upkeep is not None
    assert backed.upkeep.code == FailureCode.RESTIC

"""A server that somebody has broken into can add to its own backups, and nothing else, whatever it asks meanwhile."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sync.harness import tree_at

from core.backup.repositories import SHARED, repository_password, repository_path
from core.backup.repository_access import Access, RepositoryAccess
from core.backup.sftp_packets import Kind, OpenFlag, Status
from core.errors import RefusedError
from jobs.backup.listing import list_backups
from ops.contracts import End

if TYPE_CHECKING:
    from backup.harness import Vault

ASKING = Path(__file__).with_name("asking.py").read_text()
DENIED = str(int(Status.PERMISSION_DENIED))
WRITE = OpenFlag.WRITE | OpenFlag.CREATE
NEW = WRITE | OpenFlag.EXCLUSIVE
TRUNCATE = 0x10
SOON_S = 60.0
LYING = """#!/bin/sh
/usr/bin/restic "$@" 2>&1 | sed 's/"snapshot_id":"[0-9a-f]*"/"snapshot_id":"01234567"/'
"""
OTHER = "cd" * 32


async def asked(vault: Vault, requests: list[list[object]], access: Access = Access.ADD) -> list[str]:
    """Have Oslo ask, over the way that its restic has, and return how each request was answered."""
    path = repository_path(vault.place, "oslo")
    line = f"exec python3 -c {shlex.quote(ASKING)} {shlex.quote(json.dumps(requests))}"
    end = End("oslo", line, b"the password\n")
    ran = await vault.ports.ssh.with_offsite(end, RepositoryAccess(path, access), timeout_s=SOON_S)
    assert ran.exit_code == 0, ran.err
    return ran.err.decode().split()


def attacks(vault: Vault) -> dict[str, list[list[object]]]:
    """Return what a broken server might try, each as requests of which the last must be denied."""
    own, other = repository_path(vault.place, "oslo"), repository_path(vault.place, "lima")
    snapshot = next((vault.repository / "snapshots").iterdir()).name
    begun = [Kind.OPEN, f"{own}/snapshots/{OTHER}-restic-temp-01", NEW, 0]
    return {
        "the bot's keys": [[Kind.OPEN, "/home/keeper/.ssh/authorized_keys", WRITE, 0]],
        "the bot's keys from where it is": [[Kind.OPEN, ".ssh/authorized_keys", WRITE | TRUNCATE, 0]],
        "a folder for keys": [[Kind.MKDIR, "/home/keeper/.ssh2", 0]],
        "another's password": [[Kind.OPEN, f"{other}/config", OpenFlag.READ, 0]],
        "another's backups by a way round": [[Kind.OPEN, f"{own}/../lima/config", OpenFlag.READ, 0]],
        "who else has backups": [[Kind.OPENDIR, vault.place]],
        "all that the host has": [[Kind.OPENDIR, "/"]],
        "a backup gone": [[Kind.REMOVE, f"{own}/snapshots/{snapshot}"]],
        "a backup renamed away": [[Kind.RENAME, f"{own}/snapshots/{snapshot}", f"{own}/snapshots/{OTHER}"]],
        "the repository renamed away": [[Kind.RENAME, own, f"{vault.place}/gone"]],
        "a backup overwritten": [[Kind.OPEN, f"{own}/snapshots/{snapshot}", WRITE | TRUNCATE, 0]],
        "a backup cut short": [[Kind.SETSTAT, f"{own}/snapshots/{snapshot}", 1, 0, 0]],
        "a backup that nobody may read": [[Kind.SETSTAT, f"{own}/snapshots/{snapshot}", 4, 0]],
        "a backup overwritten by a rename": [
            begun,
            [Kind.CLOSE, "handle"],
            [Kind.RENAME, f"{own}/snapshots/{OTHER}-restic-temp-01", f"{own}/snapshots/{snapshot}"],
        ],
        "a backup overwritten by the other rename": [
            begun,
            [Kind.EXTENDED, "posix-rename@openssh.com", f"{own}/snapshots/{OTHER}-restic-temp-01", f"{own}/config"],
        ],
        "a link out": [[Kind.SYMLINK, "/", f"{own}/data/zz"]],
        "another key": [[Kind.OPEN, f"{own}/keys/{OTHER}-restic-temp-01", NEW, 0]],
        "other settings": [[Kind.OPEN, f"{own}/config", WRITE | TRUNCATE, 0]],
    }


async def test_a_server_that_asks_for_more_than_a_backup_needs_is_denied_and_nothing_changes(vault: Vault) -> None:
    vault, _ = vault.taking()
    await vault.saved()
    home, backups = vault.lab.path_on("offsite", "/home/keeper"), vault.lab.path_on("offsite", vault.place)
    before = tree_at(home), tree_at(backups)
    for name, requests in attacks(vault).items():
        answers = await asked(vault, requests)
        assert answers[-1] == DENIED, name
        for unfinished in backups.rglob("*-restic-temp-*"):
            unfinished.unlink()
        assert (tree_at(home), tree_at(backups)) == before, name
    reading = await asked(vault, [[Kind.OPEN, f"{repository_path(vault.place, 'oslo')}/config", OpenFlag.READ, 0]])
    assert reading == ["answered"]


async def test_a_server_that_something_is_restored_to_may_write_nothing(vault: Vault) -> None:
    own = repository_path(vault.place, "oslo")
    for requests in ([[Kind.OPEN, f"{own}/locks/{OTHER}-restic-temp-01", NEW, 0]], [[Kind.MKDIR, f"{own}/data/ab", 0]]):
        assert await asked(vault, requests, Access.READ) == [DENIED]


async def test_restic_itself_can_neither_forget_nor_add_a_key_from_a_server(vault: Vault) -> None:
    vault, site = vault.taking()
    await vault.saved()
    (snapshot,) = (vault.repository / "snapshots").iterdir()
    stored = tree_at(vault.repository)
    password = repository_password(os.environ["SHARPNET_TEST_RESTIC"].encode(), "oslo")
    path = repository_path(vault.place, "oslo")
    relay = "sh -c 'exec 5<&0; cat <&6 & cat <&5 >&7; kill $!'"
    for words in (f"forget {snapshot.name}", "key add --new-password-file /etc/hostname"):
        line = (
            "IFS= read -r RESTIC_PASSWORD; export RESTIC_PASSWORD; exec 6<&0 7>&1 </dev/null >&2; "
            f"exec restic --no-cache -o sftp.command={shlex.quote(relay)} "
            f"-r {shlex.quote(f'sftp:offsite:{path}')} {words}"
        )
        end = End("oslo", f"timeout 8 sh -c {shlex.quote(line)}", password + b"\n")
        ran = await vault.ports.ssh.with_offsite(end, RepositoryAccess(path, Access.ADD), timeout_s=SOON_S)
        # restic 0.18 ends well though it has removed nothing.
        assert ran.exit_code != 0 or b"permission denied" in ran.err, words
        now = tree_at(vault.repository)
        assert {name: now.get(name) for name in stored} == stored, words
    assert [one.snapshot.site for one in await list_backups(vault.ports)] == [site.name]


async def test_what_says_other_things_than_sftp_is_cut_off(vault: Vault) -> None:
    path = repository_path(vault.place, "oslo")
    end = End("oslo", "head -c 100000 /dev/urandom | tr '\\0' 'x'; sleep 30", b"")
    with pytest.raises(RefusedError, match=r"oslo .* does not speak SFTP"):
        await vault.ports.ssh.with_offsite(end, RepositoryAccess(path, Access.ADD), timeout_s=SOON_S)


def test_the_password_of_one_server_opens_no_other_repository(vault: Vault) -> None:
    master = os.environ["SHARPNET_TEST_RESTIC"].encode()
    for of, opens in (("oslo", True), ("lima", False), (SHARED, False)):
        environ = {**os.environ, "RESTIC_PASSWORD": repository_password(master, of).decode()}
        argv = ["restic", "--no-cache", "--no-lock", "-r", str(vault.repository), "cat", "config"]
        ran = subprocess.run(argv, env=environ, capture_output=True, check=False, timeout=SOON_S)
        assert (ran.returncode == 0) is opens, of


async def test_a_backup_that_its_server_names_wrongly_is_no_good_one(vault: Vault) -> None:
    vault, _ = vault.taking()
    await vault.saved()
    home = vault.lab.path_on("oslo", "/home/web")
    (home / "bin").mkdir()
    (home / "bin/restic").write_text(LYING)
    (home / "bin/restic").chmod(0o755)
    (home / ".bashrc").write_text("PATH=/home/web/bin:$PATH\n")
    try:
        result = (await vault.run()).results[0]
    finally:
        (home / ".bashrc").unlink()
        shutil.rmtree(home / "bin")
    assert (result.outcome, result.snapshot) == ("failed", None)
    assert len(list((vault.repository / "snapshots").iterdir())) == 2

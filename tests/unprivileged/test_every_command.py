"""Every command works with a bot that is not root, on servers whose sites belong to several users."""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING

import pytest
from backup.harness import approved
from cutover.harness import MOMENTS
from unprivileged.conftest import DOCS, SESSION, SITES, USER, in_host

from commands.check import check_live
from core.plan.plan import PlanState

if TYPE_CHECKING:
    from backup.harness import Vault

    from core.fleet import Site

COUNT = "SELECT count(*) FROM entries"


def owners(vault: Vault, site: Site, server: str) -> set[int]:
    root = vault.rig.root(site, server)
    return {path.lstat().st_uid for path in (root, *root.rglob("*"))}


async def copied(vault: Vault, name: str) -> Site:
    site = vault.ports.fleet.sites[name]
    result = await vault.rig.sync(site)
    assert result.outcome == "good", result
    return site


async def test_a_live_check_finds_nothing_to_fix_on_the_servers(vault: Vault) -> None:
    reply = await check_live(vault.ports)
    assert reply.exit_code == 0, reply


@pytest.mark.parametrize("name", SITES)
async def test_a_sync_keeps_whose_each_file_is_and_copies_what_only_the_owner_may_read(vault: Vault, name: str) -> None:
    site = await copied(vault, name)
    assert owners(vault, site, "lima") == {SITES[name]}
    secret = vault.rig.root(site, "lima") / "secret.php"
    assert (secret.read_text(), oct(secret.stat().st_mode)[-3:]) == (name.replace(".", ""), "600")
    for database in site.databases:
        assert vault.lab.sql("lima", database.engine, database.name, COUNT).strip() == "200"
    verified = await vault.say(f"sync {name} --verify")
    assert verified.exit_code == 0, verified


async def test_an_undo_brings_back_a_file_of_its_owners(vault: Vault) -> None:
    site = await copied(vault, "ann.ski.example")
    secret = vault.rig.root(site, "oslo") / "secret.php"
    old = secret.read_text()
    secret.write_text("newer")
    result = await vault.rig.sync(site)
    assert result.outcome == "good", result
    runs = await vault.say(f"sync {site.name} --runs")
    assert runs.facts is not None, runs
    run = str(runs.facts["runs"][0]["run"])  # type: ignore[index]
    done = await vault.say(f"sync --undo {run} secret.php")
    assert done.exit_code == 0, done
    back = vault.rig.root(site, "lima") / "secret.php"
    assert (back.read_text(), back.stat().st_uid) == (old, SITES[site.name])
    secret.write_text(old)


async def test_a_backup_is_saved_verified_and_restored_with_its_owners_and_databases(vault: Vault) -> None:
    site = vault.ports.fleet.sites["bob.ski.example"]
    saved = await vault.say("backup run")
    assert saved.exit_code == 0, saved
    verified = await vault.say("backup verify")
    assert verified.exit_code == 0, verified
    secret = vault.rig.root(site, "oslo") / "secret.php"
    secret.write_text("spoilt")
    vault.lab.sql("oslo", "postgresql", "bob", "DELETE FROM entries")
    reply = await vault.say(f"backup restore {site.name} --to oslo")
    assert await approved(vault, reply) == PlanState.CONFIRMED
    assert (secret.read_text(), secret.stat().st_uid) == ("bobskiexample", SITES[site.name])
    assert vault.lab.sql("oslo", "postgresql", "bob", COUNT).strip() == "200"


def moments(vault: Vault, server: str) -> list[str]:
    trace = vault.lab.path_on(server, f"/srv/{server}/www/trace.log")
    return [line.split()[0] for line in trace.read_text().splitlines()]


async def test_a_failover_with_its_hooks_and_the_way_back(vault: Vault) -> None:
    site = await copied(vault, "cook.ski.example")
    reply = await vault.say(f"failover {site.name} --planned")
    assert await approved(vault, reply) == PlanState.CONFIRMED
    assert moments(vault, "oslo") == list(MOMENTS)
    secret = vault.rig.root(site, "lima") / "secret.php"
    secret.write_text("written at lima")
    taken = await vault.say(f"failback {site.name} --take-active")
    assert taken.exit_code == 0, taken
    plan = await vault.say(f"failback {site.name}")
    assert await approved(vault, plan) == PlanState.CONFIRMED
    home = vault.rig.root(site, "oslo") / "secret.php"
    assert (home.read_text(), home.stat().st_uid) == ("written at lima", SITES[site.name])
    assert moments(vault, "lima") == list(MOMENTS)


async def test_the_status_page_is_written_and_proves_the_record(vault: Vault) -> None:
    written = await vault.say("page --put")
    assert written.exit_code == 0, written
    assert vault.lab.path_on("lima", "/srv/lima/status/index.html").stat().st_mode & 0o004
    proven = await vault.say("history --verify")
    assert "by the status page on " in str(proven.parts)


ASKED = ("status", "status oslo", "sites", "sync --all --dry-run", "backup list", "dns")


@pytest.mark.parametrize("line", ASKED)
async def test_it_is_answered(vault: Vault, line: str) -> None:
    reply = await vault.say(line)
    assert reply.exit_code == 0, reply


ESCAPES = {
    "be root": "id -u | grep -qx 0",
    "read a password": "cat /etc/shadow | grep -q .",
    "read a host key": "cat /etc/ssh/ssh_host_*_key /.lab/ssh/host_key | grep -q .",
    "read a database's own files": "cat /etc/mysql/* /var/lib/*/* | grep -q .",
    "change an account": "echo x >>/etc/passwd",
    "change a program": "touch /usr/local/sbin/sharpnet-session",
    "change what it may do": "touch /home/sharpnet/.ssh/authorized_keys || touch /home/sharpnet/.bashrc",
    "make a device": "mknod /tmp/device b 8 0",
    "become another": "setpriv --reuid 70001 true",
    "be root again": "sudo -n /usr/local/sbin/sharpnet-session",
    "change the kernel": "echo 0 >/proc/sys/kernel/panic",
    "end another's process": "kill -0 1",
    "go where a process outside is": "cat /proc/[1-9]*/root/etc/shadow | grep -q .",
    "find a file by its number": "cd /srv/lima/www && python3 -c 'import ctypes; libc = ctypes.CDLL(None); "
    'exit(libc.open_by_handle_at(-100, b"\\x08\\0\\0\\0\\x01\\0\\0\\0\\x02\\0\\0\\0\\0\\0\\0\\0", 0) < 0)\'',
}


@pytest.mark.parametrize("wish", ESCAPES)
async def test_the_bots_key_does_not(vault: Vault, wish: str) -> None:
    # Between the login and sudo there is a shell of the user who logs in, outside of the session's view.
    in_host(vault.lab, "lima", f"setpriv --reuid {USER} --regid {USER} --clear-groups sleep 60 >/dev/null 2>&1 &")
    ran = await vault.ports.ssh.run("lima", f"{{ {ESCAPES[wish]}; }} 2>&1", timeout_s=30)
    assert ran.exit_code != 0, ran.out


async def test_a_program_that_it_gives_to_root_is_nobodys_way_to_be_root(vault: Vault) -> None:
    made = "cp /bin/sh /srv/lima/www/sh && chown 0:0 /srv/lima/www/sh && chmod 4755 /srv/lima/www/sh"
    ran = await vault.ports.ssh.run("lima", made, timeout_s=30)
    assert ran.exit_code == 0, ran.err
    uid = "setpriv --reuid 70001 --regid 70001 --clear-groups /srv/lima/www/sh -p -c 'id -u' | grep -qx 70001"
    in_host(vault.lab, "lima", uid)
    vault.lab.path_on("lima", "/srv/lima/www/sh").unlink()


async def test_what_is_seen_is_the_sites_and_no_more(vault: Vault) -> None:
    ran = await vault.ports.ssh.run("lima", "id -un; ls /; ls /srv/lima", timeout_s=30)
    shown = "bin dev etc home lib lib64 proc run sbin srv tmp usr var"
    assert ran.out.decode().split() == [SESSION, *shown.split(), "status", "www"]


@pytest.mark.parametrize("asked", ["id", "cat /etc/passwd", "rsync --server -e.LsfxCIvu . /srv/oslo/www/"])
async def test_a_peers_key_does_nothing_but_read(vault: Vault, asked: str) -> None:
    peer = f"ssh -p 2222 -l {USER} -i /home/{USER}/peer -o UserKnownHostsFile=/home/{USER}/peer_known_hosts"
    address = vault.ports.fleet.servers["oslo"].address
    ran = await vault.ports.ssh.run("lima", f"{peer} -o BatchMode=yes {address} '{asked}' </dev/null", timeout_s=30)
    assert ran.exit_code != 0, ran.out
    assert b"root:" not in ran.out


def test_sudo_takes_no_words_that_somebody_else_chooses() -> None:
    rules = [line.rpartition("NOPASSWD: ")[2] for line in (DOCS / "server/sudoers").read_text().splitlines()]
    commands = [rule for rule in rules if rule.startswith("/")]
    assert len(commands) == 3
    assert not [command for command in commands if re.search(r"[*?\[,]", command)]
    asked = re.findall(r'command="exec sudo -n ([^"]+)"', (DOCS / "server/authorized_keys").read_text())
    assert set(asked) <= {command.removesuffix(' ""') for command in commands}


def test_the_sudoers_file_is_one_that_sudo_takes_and_the_script_one_that_sh_does() -> None:
    subprocess.run(["visudo", "-cqf", DOCS / "server/sudoers"], check=True)
    subprocess.run(["sh", "-n", DOCS / "server/sharpnet-session"], check=True)

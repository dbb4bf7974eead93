"""What the lab's databases and its off-site host are, seen from those who use them."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from lab import Lab, LabError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from lab.small_fleet import SmallFleet

ENGINES = [("mariadb", "fjord"), ("postgresql", "fjord")]


def with_databases(tree: dict[str, Any]) -> None:
    """Give the fleet both engines, a second MariaDB of another user's, and an off-site host."""
    tree["sites"]["fjord.example"]["databases"] = [
        {"engine": "mariadb", "name": "fjord"},
        {"engine": "postgresql", "name": "fjord", "socket": "/run/{server}-postgresql"},
        {
            "engine": "mysql",
            "name": "it's `odd`",
            "socket": "/run/{server}.sock",
            "user": "f",
            "password": "file:keys/f",
        },
    ]
    tree["sites"]["ceviche.example"]["databases"] = [
        {"engine": "postgresql", "name": "ceviche", "user": "cook", "password": "env:CEVICHE_PASSWORD"}
    ]
    address = tree["servers"]["oslo"]["ipv4"].rpartition(".")[0] + ".30"
    login = {"user": "keeper", "port": 2222, "key": "file:keys/bot", "known_hosts": "keys/known_hosts"}
    tree["offsite"] = {
        "server": {"address": address, "ssh": login},
        "path": "/srv/offsite/restic",
        "password": "env:SHARPNET_RESTIC_PASSWORD",
    }


@pytest.fixture(scope="module")
def stocked(tmp_path_factory: pytest.TempPathFactory, small_fleet: SmallFleet) -> Iterator[Lab]:
    """Give this file one lab with databases and an off-site host."""
    fleet_file = small_fleet(tmp_path_factory.mktemp("stocked"), with_databases)
    with Lab(fleet_file, fleet_file.parent / ".lab") as lab:
        yield lab


def on(lab: Lab, server: str, command: str, text_in: str = "") -> subprocess.CompletedProcess[str]:
    config = lab.host(server).folder.parents[1] / "ssh_config"
    argv = ["ssh", "-F", str(config), "-o", "BatchMode=yes", server, command]
    return subprocess.run(argv, input=text_in, capture_output=True, text=True, timeout=30, check=False)


def sftp(lab: Lab, commands: str) -> subprocess.CompletedProcess[str]:
    config = lab.host("offsite").folder.parents[1] / "ssh_config"
    argv = ["sftp", "-q", "-F", str(config), "-b", "-", "offsite"]
    return subprocess.run(argv, input=commands, capture_output=True, text=True, timeout=30, check=False)


@pytest.mark.parametrize(("engine", "name"), [*ENGINES, ("mariadb", "it's `odd`")])
def test_a_database_has_its_content_at_home_and_nothing_on_a_mirror(stocked: Lab, engine: str, name: str) -> None:
    assert stocked.sql("oslo", engine, name, "SELECT text FROM marker").strip() == "fjord.example"
    assert stocked.sql("oslo", engine, name, "SELECT count(*) FROM entries").strip() == "200"
    with pytest.raises(LabError, match="marker"):
        stocked.sql("lima", engine, name, "SELECT text FROM marker")


@pytest.mark.parametrize("server", ["oslo", "lima"])
@pytest.mark.parametrize(
    ("create", "drop"),
    [
        ("mariadb -e 'CREATE DATABASE fjord_sharpnet_fresh'", "mariadb -e 'DROP DATABASE fjord_sharpnet_fresh'"),
        ('createdb -h "/run/$(hostname)-postgresql" fresh', 'dropdb -h "/run/$(hostname)-postgresql" fresh'),
    ],
)
def test_the_ssh_user_makes_and_drops_databases_beside_its_own_without_a_password(
    stocked: Lab, server: str, create: str, drop: str
) -> None:
    done = on(stocked, server, f"{create} && {drop}")
    assert (done.returncode, done.stderr) == (0, "")


def test_an_account_does_nothing_but_with_its_own_databases(stocked: Lab) -> None:
    for statement in ("CREATE DATABASE fresh", "CREATE USER fresh", "SELECT 1 INTO OUTFILE '/tmp/fresh'"):
        assert "Access denied" in on(stocked, "oslo", f'mariadb -e "{statement}"').stderr, statement
    at = '-h "/run/$(hostname)-postgresql" postgres'
    for statement in ("CREATE ROLE fresh", "COPY (SELECT 1) TO PROGRAM 'true'", "DROP DATABASE postgres"):
        assert "ERROR" in on(stocked, "oslo", f'psql {at} -c "{statement}"').stderr, statement


def test_the_ssh_user_dumps_both_engines(stocked: Lab) -> None:
    assert "-- Dump completed" in on(stocked, "oslo", "mariadb-dump --single-transaction fjord").stdout
    dump = on(stocked, "oslo", 'pg_dump -h "/run/$(hostname)-postgresql" fjord').stdout
    assert "PostgreSQL database dump complete" in dump


def test_a_user_of_the_fleet_file_logs_in_with_its_password_and_not_without(stocked: Lab) -> None:
    password = (stocked.path_on("oslo", "/").parents[3] / "keys" / "f").read_text().strip()
    file = f"[client]\nuser=f\npassword='{password}'\nsocket=/run/oslo.sock\n"
    assert on(stocked, "oslo", "mariadb --defaults-extra-file=/dev/stdin -N -e 'SELECT 1'", file).stdout == "1\n"
    assert "Access denied" in on(stocked, "oslo", "mariadb -S /run/oslo.sock -u f -e 'SELECT 1'").stderr
    login = "psql -U cook -w ceviche -Atc 'SELECT text FROM marker'"
    told = f"IFS= read -r PGPASSWORD; export PGPASSWORD; {login}"
    assert on(stocked, "lima", told, stocked.env["CEVICHE_PASSWORD"] + "\n").stdout == "ceviche.example\n"
    assert "no password supplied" in on(stocked, "lima", login).stderr


def test_what_a_database_was_told_outlives_a_kill(stocked: Lab) -> None:
    lab = stocked
    for engine, name in ENGINES:
        lab.sql("oslo", engine, name, "INSERT INTO entries (text) VALUES ('last words')")
    lab.drop("oslo")
    with pytest.raises(LabError, match="dropped"):
        lab.sql("oslo", "mariadb", "fjord", "SELECT 1")
    lab.back("oslo")
    for engine, name in ENGINES:
        assert (
            lab.sql("oslo", engine, name, "DELETE FROM entries WHERE text = 'last words' RETURNING id").strip() == "201"
        )
    lab.freeze("oslo")
    with pytest.raises(LabError, match="frozen"):
        lab.sql("oslo", "postgresql", "fjord", "SELECT 1")
    lab.back("oslo")


def test_one_port_for_the_databases_of_two_hosts_is_refused(small_fleet: SmallFleet, tmp_path: Path) -> None:
    def clash(tree: dict[str, Any]) -> None:
        tree["sites"]["fjord.example"]["databases"] = [{"engine": "mariadb", "name": "fjord", "port": 3306}]

    fleet_file = small_fleet(tmp_path, clash)
    with pytest.raises(LabError, match="port 3306 of oslo and of lima"):
        Lab(fleet_file, tmp_path / ".lab").up()


def test_the_offsite_host_takes_files_by_sftp_from_the_bot_alone_and_gives_no_shell(stocked: Lab) -> None:
    assert sftp(stocked, "mkdir /srv/offsite/restic/kept").returncode == 0
    assert stocked.path_on("offsite", "/srv/offsite/restic/kept").is_dir()
    assert "sftp" in on(stocked, "offsite", "id").stdout
    assert stocked.path_on("offsite", "/home/keeper/.ssh/authorized_keys").read_text().count("ssh-ed25519") == 1


def test_the_offsite_host_can_be_dropped_cut_off_and_brought_back(stocked: Lab) -> None:
    stocked.drop("offsite")
    assert {host.name: host.state for host in stocked.status()}["offsite"] == "dropped"
    assert sftp(stocked, "ls").returncode == 255
    stocked.back("offsite")
    stocked.cut_off("offsite")
    stocked.back("offsite")
    assert sftp(stocked, "ls").returncode == 0


def test_the_programs_that_copies_and_backups_need_are_found_on_a_server(stocked: Lab) -> None:
    found = on(
        stocked, "oslo", "command -v restic mariadb mariadb-dump psql pg_dump pg_restore createdb"
    ).stdout.split()
    assert len(found) == 7

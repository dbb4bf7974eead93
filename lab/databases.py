"""The database servers of the web servers: which the fleet file wants, how they are started and how they are asked."""

import itertools
import os
import posixpath
import socket
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from lab import content, mariadb, postgresql, programs, ssh
from lab.database_server import DatabaseContent, DatabaseServer
from lab.errors import FleetFileError
from lab.fleet import Engine, FleetSpec, ServerSpec
from lab.init import DaemonSpec
from lab.root_folder import INSIDE, on_host

_ANSWER_S = 0.5
_SOME_BYTES = 64


class _Software(Protocol):
    """What a module of one engine has."""

    USER: str
    SOFTWARE: str
    FOLDER: str

    def socket_path(self, named: str | None, port: int | None, /) -> str: ...
    def start_script(self, server: DatabaseServer, /) -> str: ...
    def first_content(self, server: DatabaseServer, /) -> dict[str, str]: ...
    def leftovers(self, server: DatabaseServer, /) -> list[str]: ...
    def client(self, server: DatabaseServer, database: str, /) -> list[str]: ...
    def client_user(self) -> str: ...


_SOFTWARE: dict[Engine, _Software] = {"mariadb": mariadb, "postgresql": postgresql}


def servers_on(server: ServerSpec, fleet: FleetSpec, passwords: Mapping[str, str]) -> list[DatabaseServer]:
    """List the database servers of a web server: one for each socket or port that the fleet file names there.

    `passwords` are the secrets by the places that the fleet file gives for them.
    """
    found: dict[tuple[Engine, str], DatabaseServer] = {}
    numbers = {engine: itertools.count(1) for engine in _SOFTWARE}
    for site in fleet.sites.values():
        for database in site.databases if server.name in site.roots else ():
            software = _SOFTWARE[database.engine]
            named = database.socket.replace("{server}", server.name) if database.socket else None
            at = software.socket_path(named, database.port)
            if (database.engine, at) not in found:
                number = next(numbers[database.engine])
                suffix = "" if number == 1 else f"-{number}"
                tcp = database.port if database.socket is None else None
                folder, name = software.FOLDER + suffix, database.engine + suffix
                found[database.engine, at] = DatabaseServer(database.engine, name, folder, at, tcp, server.user)
            its = found[database.engine, at]
            if database.user and database.user != server.user:
                its.accounts[database.user] = passwords[database.password] if database.password else None
            rows = content.rows(site) if server.name == site.home else None
            its.databases[database.name] = DatabaseContent(database.user or server.user, rows)
    return list(found.values())


def refuse_shared_ports(databases: Mapping[str, Sequence[DatabaseServer]]) -> None:
    """Refuse a fleet file that gives one TCP port to several hosts, which have one loopback together."""
    holders: dict[int, str] = {}
    for server, its in databases.items():
        for port in (one.tcp_port for one in its):
            if port is not None and holders.setdefault(port, server) != server:
                raise FleetFileError(
                    f"databases at port {port} of {holders[port]} and of {server}: in the lab that is the same port",
                    "Give them a socket, which each host has to itself.",
                )


def folders(databases: Sequence[DatabaseServer]) -> list[str]:
    """List the folders of a host that its database servers use."""
    return [folder for one in databases for folder in (one.folder, posixpath.dirname(one.socket))]


def furnish(databases: Sequence[DatabaseServer], folder: Path) -> None:
    """Make their folders in a host that does not run, and what they start with."""
    for one in databases:
        user = _SOFTWARE[one.engine].USER
        uid = ssh.DATABASE_UIDS[user]
        content.make_folder(folder, posixpath.dirname(one.folder), 0)
        content.make_folder(folder, one.folder, uid)
        # Whoever has that folder, the database's user must be able to make its socket there.
        content.make_folder(folder, posixpath.dirname(one.socket), 0).chmod(0o1777)
        files = {**_SOFTWARE[one.engine].first_content(one), "start": _SOFTWARE[one.engine].start_script(one)}
        for name, text in files.items():
            programs.write(folder / one.name / name, text)
            os.chown(folder / one.name / name, uid, uid)
        for path in _SOFTWARE[one.engine].leftovers(one):
            on_host(folder, path).unlink(missing_ok=True)


def daemon(database: DatabaseServer) -> DaemonSpec:
    """Say how to start one, as the user that it runs as."""
    user = _SOFTWARE[database.engine].USER
    change = ["--reuid", user, "--regid", user, "--clear-groups", "--"]
    argv = [programs.find("setpriv"), *change, "/bin/sh", f"{INSIDE}/{database.name}/start"]
    return {"name": database.name, "argv": argv, "environ": {"HOME": database.folder}}


def software_of(databases: Sequence[DatabaseServer]) -> list[str]:
    """Name the softwares, each once."""
    return list(dict.fromkeys(_SOFTWARE[one.engine].SOFTWARE for one in databases))


def answers(database: DatabaseServer, folder: Path) -> bool:
    """Say whether one takes statements."""
    at = on_host(folder, database.socket)
    if database.engine == "postgresql":
        # It takes connections before it takes statements, and says here when: pg_ctl(1) looks at the same line.
        pid_file = on_host(folder, database.folder) / "data" / "postmaster.pid"
        return pid_file.exists() and pid_file.read_text(encoding="utf-8").rstrip().endswith("ready")
    try:
        # By way of the folder's descriptor: the path of a socket ends at 108 bytes (unix(7)).
        descriptor = os.open(at.parent, os.O_PATH)
    except FileNotFoundError:
        return False
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(_ANSWER_S)
            connection.connect(f"/proc/self/fd/{descriptor}/{at.name}")
            return bool(connection.recv(_SOME_BYTES))
    except OSError:
        return False
    finally:
        os.close(descriptor)


def ask(database: DatabaseServer, first_pid: int, name: str, statement: str) -> str:
    """Have statements carried out in the running host whose first process is `first_pid`, and give what they print."""
    software = _SOFTWARE[database.engine]
    user = software.client_user()
    inside = ["nsenter", "--target", str(first_pid), "--mount", "--", "env", "--chdir=/"]
    change = ["setpriv", "--reuid", user, "--regid", user, "--clear-groups", "--"]
    return programs.run([*inside, *change, *software.client(database, name)], statement)

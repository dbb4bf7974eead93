"""PostgreSQL in a host: a cluster made at its first start, by its own user, with the sites' databases in it."""

import posixpath
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

from lab.database_server import DatabaseContent, DatabaseServer
from lab.errors import LabError
from lab.root_folder import INSIDE

USER = "postgres"
SOFTWARE = "PostgreSQL"
FOLDER = "/var/lib/postgresql"
_SOCKET_FOLDER = "/run/postgresql"
_PORT = 5432
_PROGRAMS = Path("/usr/lib/postgresql")
_SETTINGS = (
    "fsync=off",
    "shared_buffers=16MB",
    "max_connections=50",
    "log_destination=stderr",
    "logging_collector=off",
)


def socket_path(named: str | None, port: int | None) -> str:
    """Say where its socket is: the fleet file names the socket, or its folder."""
    if named and re.fullmatch(r"\.s\.PGSQL\.\d+", posixpath.basename(named)):
        return named
    return f"{named or _SOCKET_FOLDER}/.s.PGSQL.{port or _PORT}"


def start_script(server: DatabaseServer) -> str:
    """Write what starts it: where a first start was interrupted, the next one begins anew."""
    data, new, own = (shlex.quote(path) for path in _paths(server))
    folder, port = shlex.quote(posixpath.dirname(server.socket)), server.socket.rpartition(".")[2]
    listen = "127.0.0.1" if server.tcp_port is not None else ""
    settings = [*_SETTINGS, f"listen_addresses={listen}", f"port={port}", f"hba_file={INSIDE}/{server.name}/hba"]
    options = " ".join(f"-c {shlex.quote(setting)}" for setting in settings)
    alone = f"postgres --single -j -c exit_on_error=true -D {new}"
    return "\n".join(
        [
            "set -e; umask 077",
            f"PATH={shlex.quote(str(_programs()))}:$PATH",
            f"if [ ! -d {data} ]; then",
            f"  rm -rf {new}",
            f"  initdb --pgdata={new} --username={USER} --auth=peer --encoding=UTF8 --locale=C.UTF-8 --no-sync",
            f"  {alone} postgres <{own}/first.sql >/dev/null",
            *(
                f"  {alone} {shlex.quote(name)} <{own}/content{number}.sql >/dev/null"
                for number, (name, wanted) in enumerate(server.databases.items())
                if wanted.rows
            ),
            f"  mv {new} {data}",
            "fi",
            f"exec postgres -D {data} -c unix_socket_directories={folder} {options}",
            "",
        ]
    )


def first_content(server: DatabaseServer) -> dict[str, str]:
    """Write the SQL of its first start and who may log in, by file name in its folder of the host."""
    contents = {
        f"content{number}.sql": _script(_rows(wanted))
        for number, wanted in enumerate(server.databases.values())
        if wanted.rows
    }
    return {"first.sql": _script(_statements(server)), "hba": _who_may_log_in(server), **contents}


def leftovers(server: DatabaseServer) -> list[str]:
    """List what a killed one leaves: names of processes whose numbers may be others' by now."""
    return [f"{server.folder}/data/postmaster.pid", server.socket, f"{server.socket}.lock"]


def client(server: DatabaseServer, database: str) -> list[str]:
    """Give the command that takes statements on its standard input, and prints values with tabs between them."""
    folder, port = posixpath.dirname(server.socket), server.socket.rpartition(".")[2]
    settings = [
        "--no-psqlrc",
        "--quiet",
        "--tuples-only",
        "--no-align",
        "--field-separator=\t",
        "--set=ON_ERROR_STOP=1",
    ]
    return ["psql", f"--host={folder}", f"--port={port}", f"--dbname={database or 'postgres'}", *settings]


def client_user() -> str:
    """Name the user of the host who may do everything there."""
    return USER


def _programs() -> Path:
    versions = sorted(_PROGRAMS.glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if not versions:
        raise LabError("PostgreSQL is not installed", "Run lab/install-debian.sh: it installs all that the lab needs.")
    return versions[-1].parent


def _paths(server: DatabaseServer) -> tuple[str, str, str]:
    return f"{server.folder}/data", f"{server.folder}/new", f"{INSIDE}/{server.name}"


def _who_may_log_in(server: DatabaseServer) -> str:
    rules = []
    for user, password in server.accounts.items():
        method = "trust" if password is None else "scram-sha-256"
        rules += [f"local all {_name(user)} {method}", f"host all {_name(user)} 127.0.0.1/32 {method}"]
    return "\n".join([*rules, "local all all peer", ""])


def _statements(server: DatabaseServer) -> Iterator[str]:
    if server.ssh_user != USER:
        yield f"CREATE ROLE {_name(server.ssh_user)} LOGIN CREATEDB IN ROLE pg_signal_backend"
    for user, password in server.accounts.items():
        by = f" PASSWORD {_text(password)}" if password is not None else ""
        yield f"CREATE ROLE {_name(user)} LOGIN CREATEDB IN ROLE pg_signal_backend{by}"
    for name, wanted in server.databases.items():
        yield f"CREATE DATABASE {_name(name)} OWNER {_name(wanted.owner)}"


def _rows(wanted: DatabaseContent) -> Iterator[str]:
    yield f"SET ROLE {_name(wanted.owner)}"
    for table, values in (wanted.rows or {}).items():
        yield f"CREATE TABLE {_name(table)} (id serial PRIMARY KEY, text text NOT NULL)"
        for number, value in enumerate(values, start=1):
            yield f"INSERT INTO {_name(table)} VALUES ({number}, {_text(value)})"  # noqa: S608 -- quoted, and the lab\'s own
        yield f"SELECT setval(pg_get_serial_sequence({_text(_name(table))}, 'id'), {len(values)})"


def _script(statements: Iterator[str]) -> str:
    # A semicolon and two line breaks end a statement of the single-user mode: postgres(1), -j.
    return "".join(f"{statement};\n\n" for statement in statements)


def _name(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _text(text: str) -> str:
    return "E'" + text.replace("\\", "\\\\").replace("'", "''") + "'"

"""MariaDB in a host: made at its first start, by its own user, with the sites' databases in it."""

import re
import shlex
from collections.abc import Iterator

from lab.database_server import DatabaseContent, DatabaseServer
from lab.root_folder import INSIDE

USER = "mysql"
SOFTWARE = "MariaDB"
FOLDER = "/var/lib/mysql"
SOCKET = "/run/mysqld/mysqld.sock"
_STEM_LENGTH = 14
_SETTINGS = (
    "--skip-log-bin",
    "--performance-schema=0",
    "--character-set-server=utf8mb4",
    "--innodb-buffer-pool-size=16M",
    "--innodb-log-file-size=8M",
    # A killed process leaves what it wrote to the system: waiting for the disk would only make tests slow.
    "--innodb-flush-method=nosync",
    "--sync-frm=0",
    "--innodb-flush-log-at-trx-commit=2",
    "--key-buffer-size=1M",
)


def socket_path(named: str | None, _port: int | None) -> str:
    """Say where its socket is, as the fleet file names it."""
    return named or SOCKET


def start_script(server: DatabaseServer) -> str:
    """Write what starts it: where a first start was interrupted, the next one begins anew."""
    data, new, temporary, sql = (shlex.quote(path) for path in _paths(server))
    listen = (
        [f"--bind-address=127.0.0.1 --port={server.tcp_port}"] if server.tcp_port is not None else ["--skip-networking"]
    )
    install = "--auth-root-authentication-method=socket --skip-test-db --innodb-log-file-size=8M"
    # Two that shared one would take each other's temporary tables: their names are made of process ids.
    install += f" --tmpdir={temporary}"
    run = [
        f"--datadir={data}",
        f"--tmpdir={temporary}",
        f"--socket={shlex.quote(server.socket)}",
        f"--pid-file={data}/pid",
        *listen,
        *_SETTINGS,
    ]
    return "\n".join(
        [
            "set -e; umask 077",
            f"mkdir -p {temporary}",
            f"if [ ! -d {data} ]; then",
            f"  rm -rf {new}",
            f"  mariadb-install-db --no-defaults --datadir={new} {install} --extra-file={sql}",
            f"  mv {new} {data}",
            "fi",
            f"exec mariadbd --no-defaults {' '.join(run)}",
            "",
        ]
    )


def first_content(server: DatabaseServer) -> dict[str, str]:
    """Write the SQL of its first start, by file name in its folder of the host."""
    return {"first.sql": "".join(f"{statement};\n" for statement in _statements(server))}


def leftovers(server: DatabaseServer) -> list[str]:
    """List what a killed one leaves that is in the way."""
    return [server.socket]


def client(server: DatabaseServer, database: str) -> list[str]:
    """Give the command that takes statements on its standard input, and prints values with tabs between them."""
    settings = ["--default-character-set=utf8mb4", "--batch", "--raw", "--skip-column-names"]
    return ["mariadb", "--no-defaults", f"--socket={server.socket}", *settings, "--", database]


def client_user() -> str:
    """Name the user of the host who may do everything there."""
    return "root"


def _paths(server: DatabaseServer) -> tuple[str, str, str, str]:
    own = server.folder
    return f"{own}/data", f"{own}/new", f"{own}/tmp", f"{INSIDE}/{server.name}/first.sql"


def _statements(server: DatabaseServer) -> Iterator[str]:
    # Without it, --bootstrap refuses statements about accounts.
    yield "FLUSH PRIVILEGES"
    if server.ssh_user != "root":
        account = f"{_name(server.ssh_user)}@localhost"
        yield f"CREATE USER IF NOT EXISTS {account} IDENTIFIED VIA unix_socket"
        yield f"GRANT SELECT ON mysql.proc TO {account}"
    for user, password in server.accounts.items():
        account = f"{_name(user)}@localhost"
        by = f" IDENTIFIED BY {_text(password)}" if password is not None else ""
        yield f"CREATE USER IF NOT EXISTS {account}{by}"
        yield f"GRANT SELECT ON mysql.proc TO {account}"
    for name, wanted in server.databases.items():
        yield f"CREATE DATABASE {_name(name)}"
        if wanted.owner != "root":
            for pattern in (_literal(name), f"{_literal(_stem(name))}%"):
                yield f"GRANT ALL ON {_name(pattern)}.* TO {_name(wanted.owner)}@localhost"
        yield from _rows(name, wanted)


def _rows(database: str, wanted: DatabaseContent) -> Iterator[str]:
    for table, values in (wanted.rows or {}).items():
        place = f"{_name(database)}.{_name(table)}"
        yield f"CREATE TABLE {place} (id INT PRIMARY KEY AUTO_INCREMENT, text TEXT NOT NULL) ENGINE=InnoDB"
        for number, value in enumerate(values, start=1):
            yield f"INSERT INTO {place} VALUES ({number}, {_text(value)})"  # noqa: S608 -- quoted, and the lab\'s own


def _stem(name: str) -> str:
    """Give what the names of a database's copies begin with: docs/databases.md."""
    plain = re.sub(r"[^a-z0-9_]", "", name.lower())[:_STEM_LENGTH]
    return (plain if plain[:1].isalpha() else f"d{plain}"[:_STEM_LENGTH]) + "_sharpnet_"


def _literal(name: str) -> str:
    return re.sub(r"([\\%_])", r"\\\1", name)


def _name(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


def _text(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"

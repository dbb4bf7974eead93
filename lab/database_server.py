"""One database server of a host, as the fleet file wants it: where it listens, who may log in, and what it holds."""

from dataclasses import dataclass, field

from lab.fleet import Engine


@dataclass(slots=True)
class DatabaseContent:
    """A database to make: whose it is, and its values by table; None leaves it empty, as on a mirror."""

    owner: str
    rows: dict[str, list[str]] | None


@dataclass(slots=True)
class DatabaseServer:
    """A database server; paths are those of the host.

    `socket` is the socket itself. `tcp_port` is one of the host's 127.0.0.1, or None. `ssh_user` is an
    account too, known by its being that user of the host. `accounts` are more of them, with their passwords. Each may
    do with the databases that it owns what a copy needs, and nothing else.
    """

    engine: Engine
    name: str
    folder: str
    socket: str
    tcp_port: int | None
    ssh_user: str
    accounts: dict[str, str | None] = field(default_factory=dict)
    databases: dict[str, DatabaseContent] = field(default_factory=dict)

"""What the lab needs to know of a fleet in order to build it; `lab.fleet_reading` reads it from a fleet file."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from lab.errors import FleetFileError


def ascii_label(name: str) -> str:
    """Turn a server's name into a label of a host name."""
    return "".join(letter if letter.isalnum() else "-" for letter in name.lower())


Engine = Literal["mariadb", "postgresql"]


@dataclass(frozen=True, slots=True)
class PeerSpec:
    """How a server reads from the others; all three are paths on the server, the last may be None."""

    key: str
    known_hosts: str
    limited_to: str | None


@dataclass(frozen=True, slots=True)
class StatusPageSpec:
    """The folder on the server that is served under the host name of its address."""

    root: str
    host: str


@dataclass(frozen=True, slots=True)
class MailDomainSpec:
    """A mail domain: its exchangers, first choice first, and what the fleet file says of probes.

    password: where that of the mailbox `mailbox` is.
    """

    name: str
    exchangers: tuple[str, ...]
    probe: str | None = None
    mailbox: str | None = None
    password: str | None = None

    @property
    def users(self) -> tuple[str, ...]:
        """Every mailbox of the domain: two people's, and the one for probes."""
        people = (f"ann@{self.name}", f"bob@{self.name}")
        return people if self.mailbox is None else (*people, self.mailbox)

    @property
    def aliases(self) -> tuple[tuple[str, str], ...]:
        """Every address that is no mailbox, and whose mail it is."""
        names = dict.fromkeys((f"postmaster@{self.name}", self.probe or f"postmaster@{self.name}"))
        return tuple((name, self.users[0]) for name in names if name not in self.users)


@dataclass(frozen=True, slots=True)
class ServerMailSpec:
    """A server's mail: its ports, the domains that it takes mail for, and where it is configured.

    Without a port it has no such server. name: what its certificate is good for, where the fleet file says so.
    """

    smtp: tuple[int, ...] = ()
    imap: tuple[int, ...] = ()
    name: str | None = None
    domains: tuple[MailDomainSpec, ...] = ()
    postfix: str = "/etc/postfix"
    dovecot: str = "/etc/dovecot/dovecot.conf"


@dataclass(frozen=True, slots=True)
class ServerSpec:
    """A web server of the fleet; `key` and `known_hosts` are the bot's, on this machine."""

    name: str
    ipv4: str
    ipv6: str | None
    user: str
    ssh_port: int
    key: Path
    known_hosts: Path
    peer: PeerSpec | None
    http_port: int
    https_port: int | None
    status_page: StatusPageSpec | None
    mail: ServerMailSpec = ServerMailSpec()

    @property
    def has_certificate(self) -> bool:
        """Say whether it has one, for HTTPS or for its mail."""
        return bool(self.https_port or self.mail.name or self.mail.domains)

    @property
    def addresses(self) -> tuple[str, ...]:
        """Every address of the server, IPv4 first."""
        return (self.ipv4, self.ipv6) if self.ipv6 else (self.ipv4,)


@dataclass(frozen=True, slots=True)
class DatabaseSpec:
    """A database of a site, on each server that has the site.

    `socket` may hold {server}; without it and without `port` the engine's own place is meant. `password` says where
    the password is (env:NAME or file:PATH).
    """

    engine: Engine
    name: str
    socket: str | None
    port: int | None
    user: str | None
    password: str | None


@dataclass(frozen=True, slots=True)
class SiteSpec:
    """A site, with its names as the DNS has them and its folder on each server that has it."""

    key: str
    names: tuple[str, ...]
    home: str
    roots: dict[str, str]
    check_path: str
    check_status: int
    check_contains: str
    databases: tuple[DatabaseSpec, ...] = ()


@dataclass(frozen=True, slots=True)
class EndpointSpec:
    """Where a name server answers."""

    address: str
    port: int


@dataclass(frozen=True, slots=True)
class TsigSpec:
    """The bot's key for updates: its secret is where `secret` says (env:NAME or file:PATH)."""

    name: str
    algorithm: str
    secret: str


@dataclass(frozen=True, slots=True)
class OffsiteSpec:
    """The host of the third copy: a login like a server's, for SFTP alone, and the folder of the backups there.

    `password` says where the backups' password is.
    """

    login: ServerSpec
    path: str
    password: str


@dataclass(frozen=True, slots=True)
class FleetSpec:
    """What the lab builds, in the fleet file's order. Environment names are those that the bot will look for."""

    file: Path
    name: str
    servers: dict[str, ServerSpec]
    sites: dict[str, SiteSpec]
    updates: tuple[EndpointSpec, ...]
    nameservers: dict[str, EndpointSpec]
    tsig: TsigSpec | None
    zones: tuple[str, ...]
    max_ttl_s: int
    environment_names: tuple[str, ...]
    offsite: OffsiteSpec | None = None
    mail_domains: tuple[MailDomainSpec, ...] = ()

    @property
    def secrets(self) -> tuple[str, ...]:
        """Say where the fleet's secrets are, each as env:NAME or file:PATH."""
        places = [database.password for site in self.sites.values() for database in site.databases]
        places += [domain.password for domain in self.mail_domains]
        places += [self.tsig.secret if self.tsig else None, self.offsite.password if self.offsite else None]
        return tuple(dict.fromkeys(place for place in places if place))

    @property
    def without_mail(self) -> "FleetSpec":
        """The same fleet, whose servers have no mail."""
        servers = {name: replace(server, mail=ServerMailSpec()) for name, server in self.servers.items()}
        return replace(self, servers=servers, mail_domains=())

    def exchanger_name(self, server: str, domain: str) -> str:
        """Name a server as the MX record of a mail domain does."""
        return self.servers[server].mail.name or f"mx-{ascii_label(server)}.{domain}"

    def zone_of(self, name: str) -> str:
        """Name the zone that holds `name`: the longest that it ends in."""
        fitting = [zone for zone in self.zones if name == zone or name.endswith("." + zone)]
        if not fitting:
            raise FleetFileError(f"{name} is in none of dns.zones", "Add its zone there, or correct the name.")
        return max(fitting, key=len)

    def beside(self, path: str) -> Path:
        """Turn a path of the fleet file into one of this machine."""
        return self.file.parent / path

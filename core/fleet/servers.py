"""The servers: how each is reached, what it serves on, and what of it is looked at."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from core.wording import placed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from core.fleet.access import SshLogin


ROOTS = "roots"


@dataclass(frozen=True, slots=True)
class Peer:
    """How a server reads from the others: paths on that server.

    `limited_to`: on this server the others' keys may only read this directory, and paths they ask for are relative to
    it; `ROOTS`: only the sites' roots, by their whole paths; None: they are not limited.
    """

    key: str
    known_hosts: str
    limited_to: str | None = None

    @property
    def folder(self) -> str | None:
        """The one directory of this server that the others' keys may read; None: there is no such one."""
        return None if self.limited_to == ROOTS else self.limited_to


@dataclass(frozen=True, slots=True)
class WebPorts:
    """The ports on which a server answers for its sites. `https` is None where it has none."""

    http: int = 80
    https: int | None = None


@dataclass(frozen=True, slots=True)
class StatusPage:
    """Where a server's status page lies, and where people read it."""

    root: str
    url: str


@dataclass(frozen=True, slots=True)
class HostLimits:
    """What is looked at on a server over SSH, every so often, and from where on it is degraded.

    disk, inodes, memory: shares in use, of the fullest file system and of all memory. load: the 5-minute load of each
    processor; None: any.
    """

    every: timedelta = timedelta(minutes=5)
    disk: float = 0.95
    inodes: float = 0.95
    memory: float = 0.97
    load: float | None = None
    clock: timedelta = timedelta(seconds=5)
    units: bool = True
    reboot: bool = False


@dataclass(frozen=True, slots=True)
class ServerChecks:
    """What of a server is looked at besides its SSH banner and its sites.

    smtp, imap: None: not looked at. mail_name: what their certificate must be valid for; None: any will do. host: None:
    nothing.
    """

    icmp: bool = False
    tcp: tuple[int, ...] = ()
    smtp: int | None = None
    imap: int | None = None
    mail_name: str | None = None
    mail_certificate: timedelta = timedelta(days=14)
    host: HostLimits | None = HostLimits()


@dataclass(frozen=True, slots=True)
class ServerMail:
    """Where a server's Postfix and Dovecot are configured: paths on that server."""

    postfix: str = "/etc/postfix"
    dovecot: str = "/etc/dovecot/dovecot.conf"


@dataclass(frozen=True, slots=True)
class Server:
    """One web server. `ipv4` and `ipv6` are the addresses that DNS records point to; at least one is there.

    work: the folder in which the sites' work folders lie there; None: each lies beside its root.
    """

    name: str
    location: str
    ssh: SshLogin
    ipv4: str | None = None
    ipv6: str | None = None
    peer: Peer | None = None
    web: WebPorts = WebPorts()
    status_page: StatusPage | None = None
    checks: ServerChecks = ServerChecks()
    work: str | None = None
    mail: ServerMail = ServerMail()

    @property
    def address(self) -> str:
        """The address to reach it at: IPv4 where it has one."""
        return self.ipv4 or self.ipv6 or ""


def with_place(name: str, servers: Mapping[str, Server]) -> str:
    """Name a server with its place; one that the fleet no longer has, by its name alone."""
    server = servers.get(name)
    return name if server is None else placed(name, server.location)

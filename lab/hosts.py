"""Decides which hosts a fleet needs, and makes ready all that each of them needs to start."""

import functools
import itertools
import posixpath
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from lab import content, databases, dovecot, knot, nginx, nsd, php, postfix, readiness, ssh, tls
from lab.database_server import DatabaseServer
from lab.errors import FleetFileError
from lab.fleet import EndpointSpec, FleetSpec, ServerSpec
from lab.init import DaemonSpec
from lab.name_server import Key, Primary, Secondary, bind_primary, bind_secondary
from lab.root_folder import on_host, own_paths
from lab.zones import ExtraRecords, zone_files

Kind = Literal["server", "primary", "nameserver", "offsite", "outside"]
_PUBLIC_SOFTWARE = ("BIND", "NSD", "Knot")


@dataclass(frozen=True, slots=True)
class Host:
    """One host of the lab: a web server, the update server, a public name server, the off-site host, or a stranger's.

    `folder` is where it has its files on this machine; `server` is how it is logged in to, None where nobody does;
    `dns` is where it answers, None for the others.
    """

    name: str
    kind: Kind
    software: str
    addresses: tuple[str, ...]
    folder: Path
    server: ServerSpec | None = None
    dns: EndpointSpec | None = None
    databases: tuple[DatabaseServer, ...] = ()


@dataclass(frozen=True, slots=True)
class Secrets:
    """The TSIG keys, and every secret of the fleet file by the place that it gives for it.

    The keys are the bot's (None where the fleet has none), the lab's own for edits by hand, and the one for transfers.
    mail: the password of every mailbox but those whose password the fleet file names.
    """

    bot: Key | None
    admin: Key
    transfer: Key
    by_place: dict[str, str]
    mail: str = ""


def hosts_of(fleet: FleetSpec, folder: Path, secrets: Secrets) -> dict[str, Host]:
    """List the hosts of the fleet by name, primaries first, since the others have their zones from them.

    Update servers are called primary, primary2 and so on; one that is a public name server too keeps that name.
    """
    public = {at: name for name, at in fleet.nameservers.items()}
    software = itertools.cycle(_PUBLIC_SOFTWARE)
    hosts = []
    for number, at in enumerate(fleet.updates, start=1):
        name = public.get(at) or ("primary" if number == 1 else f"primary{number}")
        hosts.append(Host(name, "primary", "BIND", (at.address,), folder / name, dns=at))
    for server in fleet.servers.values():
        where = folder / server.name
        served = databases.servers_on(server, fleet, secrets.by_place)
        mail = [name for name, port in (("Postfix", server.mail.smtp), ("Dovecot", server.mail.imap)) if port]
        served_by = ", ".join(["sshd", "nginx", *mail, *databases.software_of(served)])
        hosts.append(Host(server.name, "server", served_by, server.addresses, where, server, databases=tuple(served)))
    if fleet.offsite:
        login = fleet.offsite.login
        hosts.append(Host(login.name, "offsite", "sshd", login.addresses, folder / login.name, login))
    if fleet.mail_domains:
        taken = {address for host in hosts for address in host.addresses}
        hosts.append(Host("outside", "outside", "Postfix", (_stranger(fleet, taken),), folder / "outside"))
    for name, at in fleet.nameservers.items():
        if at not in fleet.updates:
            hosts.append(Host(name, "nameserver", next(software), (at.address,), folder / name, dns=at))
    databases.refuse_shared_ports({host.name: host.databases for host in hosts})
    by_name = {host.name: host for host in hosts}
    if len(by_name) < len(hosts):
        names = sorted(host.name for host in hosts)
        twice = sorted({name for name, after in itertools.pairwise(names) if name == after})
        raise FleetFileError(
            f"two hosts of the lab would be called {', '.join(twice)}", "Rename one in the fleet file."
        )
    return by_name


def _stranger(fleet: FleetSpec, taken: set[str]) -> str:
    """Choose an address for the host outside: near the first exchanger's, and nobody's."""
    near = fleet.servers[fleet.mail_domains[0].exchangers[0]].ipv4.rpartition(".")[0]
    servers = {at.address for at in fleet.nameservers.values()} | taken
    return next(address for last in range(250, 0, -1) if (address := f"{near}.{last}") not in servers)


def address_needed(host: Host) -> Iterator[str]:
    """List the host's addresses that must be on an interface: BIND looks there, and so does all outside 127/8."""
    return (address for address in host.addresses if host.software == "BIND" or not address.startswith("127."))


class Furnisher:
    """Makes hosts ready to start: folders, keys, content, zones and configuration. What is there already stays."""

    def __init__(
        self, fleet: FleetSpec, hosts: dict[str, Host], secrets: Secrets, extra: ExtraRecords, with_php: Sequence[str]
    ) -> None:
        self._fleet = fleet
        self._hosts = hosts
        self._secrets = secrets
        self._with_php = with_php
        self._zone_files = zone_files(fleet, extra)

    def furnish_servers(self, bot_keys: dict[str, str], authority: Path, *, with_content: bool) -> None:
        """Make all web servers ready together, since they know each other's keys, and the off-site host."""
        servers = {host.name: host for host in self._hosts.values() if host.kind == "server"}
        for host in self._hosts.values():
            self._furnish_folders(host)
            if host.server and host.kind == "offsite":
                ssh.let_bot_in(host.server, host.folder, bot_keys[host.name])
        ssh.exchange_keys(self._fleet, {name: host.folder for name, host in servers.items()}, bot_keys)
        for host in servers.values():
            if host.server and host.server.has_certificate:
                tls.make_certificate(host.server, self._fleet, authority, host.folder)
        for site in self._fleet.sites.values() if with_content else ():
            home = self._fleet.servers[site.home]
            content.fill(site, home, servers[home.name].folder, ssh.uid_of(home))

    def needed_paths(self, host: Host) -> list[str]:
        """List the host's paths that must be its own, as the first folders of its root."""
        return own_paths([*self._folders_on(host), *_of_mail(host), *databases.folders(host.databases)])

    def daemons(self, host: Host) -> list[DaemonSpec]:
        """Write the configuration of the host's daemons, and say how to start them."""
        if host.kind == "outside":
            return [postfix.postfix_outside(host.addresses[0], self._fleet, host.folder)]
        if host.server and host.kind == "offsite":
            return [ssh.sshd(host.server, host.folder, sftp_only=True)]
        if host.server:
            databases.furnish(host.databases, host.folder)
            web = [
                ssh.sshd(host.server, host.folder),
                nginx.nginx(host.server, self._fleet, host.folder, self._with_php),
            ]
            if any(host.name in self._fleet.sites[site].roots for site in self._with_php):
                web.append(php.php(host.server, host.folder))
            return [*web, *self._mail(host.server, host.folder), *map(databases.daemon, host.databases)]
        if host.dns is None:
            return []
        transfer = self._secrets.transfer
        if host.kind == "primary":
            updaters = (self._secrets.admin, *([self._secrets.bot] if self._secrets.bot else []))
            first = host.dns == self._fleet.updates[0]
            told = [at for at in self._fleet.nameservers.values() if first and at not in self._fleet.updates]
            return [bind_primary(host.folder, Primary(host.dns, tuple(told), self._zone_files, transfer, updaters))]
        notifiers = (self._secrets.bot,) if self._secrets.bot else ()
        role = Secondary(host.dns, self._fleet.updates[0], self._fleet.zones, transfer, notifiers)
        write = {"BIND": bind_secondary, "NSD": nsd.nsd_secondary, "Knot": knot.knot_secondary}[host.software]
        return [write(host.folder, role)]

    def _mail(self, server: ServerSpec, folder: Path) -> Iterator[DaemonSpec]:
        outside = self._hosts.get("outside")
        if server.mail.smtp:
            yield postfix.postfix(server, outside.addresses[0] if outside else None, folder)
        if server.mail.imap:
            yield dovecot.dovecot(server, ssh.uid_of(server), passwords(self._fleet, self._secrets), folder)

    def probes(self, host: Host) -> list[readiness.Probe]:
        """List what must hold before a host that is no name server counts as up."""
        if host.kind == "outside":
            return [readiness.smtp_greets(host.addresses[0], postfix.OUTSIDE_PORT)]
        if host.server is None:
            return []
        if host.kind == "offsite":
            return [readiness.ssh_greets(address, host.server.ssh_port) for address in host.addresses]
        asked = [functools.partial(databases.answers, database, host.folder) for database in host.databases]
        return [*readiness.server_probes(host.server), *asked]

    def furnish_root(self, host: Host) -> None:
        """Make the folders that stand in for parts of the machine's."""
        for name in ("log", "new-root"):
            (host.folder / name).mkdir(parents=True, exist_ok=True)
        for path in self.needed_paths(host):
            content.make_folder(host.folder, path, 0)
        content.make_folder(host.folder, "/tmp", 0).chmod(0o1777)
        content.make_folder(host.folder, "/var/tmp", 0).chmod(0o1777)
        content.make_folder(host.folder, "/var/log", 0)
        run = on_host(host.folder, "/var/run")
        if not run.is_symlink():
            run.symlink_to("/run")
        if host.server is None:
            ssh.prepare_host_accounts(host.folder)

    def _furnish_folders(self, host: Host) -> None:
        if host.server is None:
            return
        self.furnish_root(host)
        ssh.prepare_accounts(host.server, host.folder)
        for path in self._folders_on(host):
            content.make_folder(host.folder, path, ssh.uid_of(host.server))

    def _folders_on(self, host: Host) -> list[str]:
        if host.server is None:
            return []
        offsite = self._fleet.offsite
        folders = [offsite.path] if host.kind == "offsite" and offsite else _folders_of(host.server, self._fleet)
        for folder in folders:
            if not folder.startswith("/") or folder == "/" or ".." in folder.split("/") or folder in {"/etc", "/usr"}:
                raise FleetFileError(f"the lab cannot give {host.name} {folder!r} as a folder of its own")
        return folders


def passwords(fleet: FleetSpec, secrets: Secrets) -> dict[str, str]:
    """Give the password of every mailbox by its login."""
    known = {user: secrets.mail for domain in fleet.mail_domains for user in domain.users}
    named = {one.mailbox: secrets.by_place[one.password] for one in fleet.mail_domains if one.mailbox and one.password}
    return {**known, **named}


def _of_mail(host: Host) -> list[str]:
    if host.kind == "outside":
        return [postfix.HOME]
    if host.server is None or not host.server.mail.smtp + host.server.mail.imap:
        return []
    return [postfix.HOME, host.server.mail.postfix, posixpath.dirname(host.server.mail.dovecot)]


def _folders_of(server: ServerSpec, fleet: FleetSpec) -> list[str]:
    folders = [site.roots[server.name] for site in fleet.sites.values() if server.name in site.roots]
    if server.peer:
        folders += [posixpath.dirname(server.peer.key), posixpath.dirname(server.peer.known_hosts)]
        folders += [server.peer.limited_to] if server.peer.limited_to not in (None, ssh.ROOTS) else []
    if server.status_page:
        folders.append(server.status_page.root)
    return folders

"""Reads from a fleet file what the lab needs in order to build that fleet, and leaves the rest alone.

The shape is that of the product's app.yaml. This is no second validator: what the lab has no use for is not looked at.
"""

import ipaddress
from dataclasses import replace
from pathlib import Path

import dns.exception
import dns.name
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from lab.errors import FleetFileError
from lab.fleet import (
    DatabaseSpec,
    EndpointSpec,
    Engine,
    FleetSpec,
    MailDomainSpec,
    OffsiteSpec,
    PeerSpec,
    ServerMailSpec,
    ServerSpec,
    SiteSpec,
    StatusPageSpec,
    TsigSpec,
)
from lab.fleet_part import Part

_UNTOUCHED = "notify"
_ENGINES: dict[str, Engine] = {"mariadb": "mariadb", "mysql": "mariadb", "postgresql": "postgresql"}
_NO_PORT = 0


def ascii_name(name: str) -> str:
    """Write a host name as the DNS has it: A-labels, lower case, no dot at the end."""
    try:
        return dns.name.from_text(name.strip(), origin=None).to_text(omit_final_dot=True).lower()
    except dns.exception.DNSException as error:
        raise FleetFileError(f"{name!r} is no host name: {error}") from error


def read_fleet(file: Path, copy: Path | None = None) -> FleetSpec:
    """Read the fleet file, or the copy that was made of it; FleetFileError names the place that is wrong."""
    file = file.absolute()
    try:
        tree = YAML(typ="safe", pure=True).load(copy or file)
    except FileNotFoundError as error:
        raise FleetFileError(f"there is no {copy or file}", "Give the path of the fleet file (app.yaml).") from error
    except YAMLError as error:
        raise FleetFileError(f"{file} is not YAML: {error}") from error
    top = Part(tree, file.name)
    mail = top.part("mail") if top.has("mail") else None
    domains = tuple(_mail_domain(name, part) for name, part in mail.parts("domains").items()) if mail else ()
    ports = mail.part("ports") if mail and mail.has("ports") else None
    servers = {
        name: replace(_server(name, part, file), mail=_mail(name, part, domains, ports))
        for name, part in top.parts("servers").items()
    }
    for exchanger in (name for domain in domains for name in domain.exchangers if name not in servers):
        raise FleetFileError(f"{file.name}: mail.domains names {exchanger}, which is no server")
    dns_part = top.part("dns")
    return FleetSpec(
        file=file,
        name=top.text("fleet", "fleet"),
        servers=servers,
        sites={key: _site(key, part, servers) for key, part in top.parts("sites").items()},
        updates=tuple(_endpoint(part) for part in dns_part.listed("update")),
        nameservers={name: _endpoint(part) for name, part in dns_part.parts("nameservers").items()},
        tsig=_tsig(dns_part.part("tsig")) if dns_part.has("tsig") else None,
        zones=tuple(ascii_name(zone) for zone in dns_part.texts("zones")),
        max_ttl_s=dns_part.number("max_ttl", 300),
        environment_names=tuple(sorted(_environment_names(tree))),
        offsite=_offsite(top.part("offsite"), servers, file) if top.has("offsite") else None,
        mail_domains=domains,
    )


def _server(name: str, part: Part, file: Path) -> ServerSpec:
    ssh = part.part("ssh")
    peer = part.part("peer") if part.has("peer") else None
    web = part.part("web") if part.has("web") else None
    page = part.part("status_page") if part.has("status_page") else None
    return ServerSpec(
        name=name,
        ipv4=_address(part, "ipv4"),
        ipv6=_address(part, "ipv6") if part.has("ipv6") else None,
        user=ssh.text("user"),
        ssh_port=ssh.number("port", 22),
        key=_key(ssh, file),
        known_hosts=file.parent / ssh.text("known_hosts"),
        peer=_peer(peer) if peer else None,
        http_port=web.number("http", 80) if web else 80,
        https_port=web.number("https") if web and web.has("https") else None,
        status_page=_status_page(page) if page else None,
    )


def _mail(name: str, server: Part, domains: tuple[MailDomainSpec, ...], ports: Part | None) -> ServerMailSpec:
    """Put together what a server's own `checks` and `mail` say, and the ports of the mail domains that it serves."""
    checks = server.part("checks") if server.has("checks") else None
    where = server.part("mail") if server.has("mail") else None
    its = tuple(domain for domain in domains if name in domain.exchangers)
    listens: dict[str, tuple[int, ...]] = {}
    for key, usual in (("smtp", 25), ("imap", 143)):
        asked = [checks.number(key)] if checks and checks.has(key) else []
        asked += [ports.number(key, usual) if ports else usual] if its else []
        listens[key] = tuple(dict.fromkeys(asked))
    return ServerMailSpec(
        **listens,
        name=ascii_name(checks.text("mail_name")) if checks and checks.has("mail_name") else None,
        domains=its,
        postfix=(where.text("postfix", "/etc/postfix") if where else "/etc/postfix").rstrip("/"),
        dovecot=where.text("dovecot", "/etc/dovecot/dovecot.conf") if where else "/etc/dovecot/dovecot.conf",
    )


def _mail_domain(name: str, part: Part) -> MailDomainSpec:
    domain = ascii_name(name)
    mailbox = part.part("mailbox") if part.has("mailbox") else None
    user = mailbox.text("user") if mailbox else None
    return MailDomainSpec(
        name=domain,
        exchangers=tuple(part.texts("exchangers")),
        probe=part.text("probe") if part.has("probe") else None,
        mailbox=f"{user}@{domain}" if user and "@" not in user else user,
        password=mailbox.text("password") if mailbox else None,
    )


def _key(ssh: Part, file: Path) -> Path:
    key = ssh.text("key")
    if not key.startswith("file:"):
        raise FleetFileError(f"{ssh.where}: key is {key}", "The lab makes keys only where they are file:PATH.")
    return file.parent / key.removeprefix("file:")


def _offsite(part: Part, servers: dict[str, ServerSpec], file: Path) -> OffsiteSpec:
    at = part.part("server")
    ssh = at.part("ssh")
    names = ("offsite", *(f"offsite{number}" for number in range(2, len(servers) + 3)))
    login = ServerSpec(
        name=next(name for name in names if name not in servers),
        ipv4=_address(at, "address"),
        ipv6=None,
        user=ssh.text("user"),
        ssh_port=ssh.number("port", 22),
        key=_key(ssh, file),
        known_hosts=file.parent / ssh.text("known_hosts"),
        peer=None,
        http_port=_NO_PORT,
        https_port=None,
        status_page=None,
    )
    return OffsiteSpec(login, part.text("path").rstrip("/"), part.text("password"))


def _peer(part: Part) -> PeerSpec:
    return PeerSpec(
        key=part.text("key"),
        known_hosts=part.text("known_hosts"),
        limited_to=part.text("limited_to").rstrip("/") if part.has("limited_to") else None,
    )


def _status_page(part: Part) -> StatusPageSpec:
    authority = part.text("url").partition("://")[2].partition("/")[0]
    return StatusPageSpec(root=part.text("root"), host=authority.rpartition(":")[0] or authority)


def _site(key: str, part: Part, servers: dict[str, ServerSpec]) -> SiteSpec:
    home, mirrors = part.text("home"), part.texts("mirrors")
    for name in (home, *mirrors):
        if name not in servers:
            raise FleetFileError(f"{part.where} names {name}, which is no server")
    check = part.part("check") if part.has("check") else None
    names = tuple(ascii_name(name) for name in part.texts("names") or [key])
    return SiteSpec(
        key=key,
        names=names,
        home=home,
        roots={name: part.text("root").replace("{server}", name).rstrip("/") for name in (home, *mirrors)},
        check_path=check.text("path", "/") if check else "/",
        check_status=check.number("status", 200) if check else 200,
        check_contains=check.text("contains", key) if check else key,
        databases=tuple(_database(database) for database in part.listed("databases")),
    )


def _database(part: Part) -> DatabaseSpec:
    engine = part.text("engine")
    if engine not in _ENGINES:
        raise FleetFileError(f"{part.where}: the lab has no {engine}", f"It has {', '.join(_ENGINES)}.")
    return DatabaseSpec(
        engine=_ENGINES[engine],
        name=part.text("name"),
        socket=part.text("socket") if part.has("socket") else None,
        port=part.number("port") if part.has("port") else None,
        user=part.text("user") if part.has("user") else None,
        password=part.text("password") if part.has("password") else None,
    )


def _endpoint(part: Part) -> EndpointSpec:
    return EndpointSpec(_address(part, "address"), part.number("port", 53))


def _tsig(part: Part) -> TsigSpec:
    return TsigSpec(ascii_name(part.text("name")), part.text("algorithm", "hmac-sha256"), part.text("secret"))


def _address(part: Part, key: str) -> str:
    try:
        return str(ipaddress.ip_address(part.text(key)))
    except ValueError as error:
        raise FleetFileError(f"{part.where}: {key}: {error}") from error


def _environment_names(tree: object) -> set[str]:
    """Every NAME in an env:NAME of the file, but for the alert routes: those lead out of the lab."""
    if isinstance(tree, dict):
        return set().union(*(_environment_names(below) for key, below in tree.items() if key != _UNTOUCHED))
    if isinstance(tree, list):
        return set().union(*(_environment_names(below) for below in tree))
    return {tree.removeprefix("env:")} if isinstance(tree, str) and tree.startswith("env:") else set()

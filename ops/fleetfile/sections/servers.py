"""The section `servers`."""

from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from core.fleet import HostLimits, Peer, Server, ServerChecks, StatusPage, WebPorts
from ops.fleetfile import fields as f
from ops.fleetfile.sections.access import SshSection, login_from
from ops.fleetfile.sections.section import Section, default
from ops.fleetfile.wrong import Wrong, kind_of


class PeerSection(Section):
    """How a server reads from the others."""

    key: f.PathThere = Field(description="On this server: the private key with which it reads from the others.")
    known_hosts: f.PathThere = Field(description="On this server: the others' pinned host keys.")
    limited_to: f.PathThere | None = Field(
        default=None,
        description="On this server the others' keys may only `rrsync -ro` this directory; left out: no limit.",
    )


class WebSection(Section):
    """The ports on which a server answers for its sites."""

    http: f.Port = default(WebPorts, "http", "The port for http.")
    https: f.Port | None = default(WebPorts, "https", "The port for https; left out: sites are not looked at by https.")


class StatusPageSection(Section):
    """A server's status page."""

    root: f.PathThere = Field(description="The directory on this server into which its status page is written.")
    url: f.Url = Field(description="Where people read it.")


class HostSection(Section):
    """What is looked at on a server over SSH."""

    every: f.Duration = default(HostLimits, "every", "How often.")
    disk: f.Share = default(HostLimits, "disk", "A file system fuller than this is a warning.")
    inodes: f.Share = default(HostLimits, "inodes", "The same for its inodes.")
    memory: f.Share = default(HostLimits, "memory", "More memory in use than this is a warning.")
    load: float | None = Field(
        default=None, gt=0, description="A 5-minute load above this for each processor is a warning; left out: any."
    )
    clock: f.Duration = default(HostLimits, "clock", "A clock that differs more from the bot's is a warning.")
    units: bool = default(HostLimits, "units", "Whether failed systemd units are a warning.")
    reboot: bool = default(HostLimits, "reboot", "Whether a pending reboot is a warning.")


def _none_where_off(value: object) -> object:
    """Read `off` as nothing. As one of two types it would have every mistake in the other said of both."""
    if value != f.NEVER and not isinstance(value, dict | HostSection):
        raise Wrong(f"must be a mapping, like {{every: 1m}}, or {f.NEVER}, not {kind_of(value)}")
    return None if value == f.NEVER else value


def _off_for_none(schema: dict[str, Any]) -> None:
    schema["anyOf"] = [
        {"const": f.NEVER, "type": "string"} if one == {"type": "null"} else one for one in schema["anyOf"]
    ]


class ServerChecksSection(Section):
    """What of a server is looked at besides its SSH banner and its sites."""

    icmp: bool = default(ServerChecks, "icmp", "Whether it must answer pings.")
    tcp: list[f.Port] = default(ServerChecks, "tcp", "Ports that must accept connections.")
    smtp: f.Port | None = Field(
        default=None, description="Its SMTP port, whose banner and STARTTLS must be right; left out: not looked at."
    )
    imap: f.Port | None = Field(
        default=None, description="Its IMAP port, whose banner and STARTTLS must be right; left out: not looked at."
    )
    mail_name: f.HostName | None = Field(
        default=None,
        description="The host name that the certificate of both must be valid for; left out: any certificate will do.",
    )
    mail_certificate: f.Duration = default(
        ServerChecks, "mail_certificate", "With mail_name: a certificate that ends sooner is a warning."
    )
    host: Annotated[HostSection | None, BeforeValidator(_none_where_off)] = Field(
        default_factory=HostSection,
        description="What is looked at on it over SSH; off: nothing.",
        json_schema_extra=_off_for_none,
    )


class ServerSection(Section):
    """One web server."""

    location: f.LabelText | None = Field(
        default=None, description="Where it stands, for people; the server's name if left out."
    )
    ipv4: f.Ipv4 | None = Field(
        default=None, description="The IPv4 address that DNS records point to. At least one of the two."
    )
    ipv6: f.Ipv6 | None = Field(default=None, description="The IPv6 address that DNS records point to.")
    ssh: SshSection = Field(description="How the bot logs in to it.")
    peer: PeerSection | None = Field(
        default=None, description="How it reads from the other servers; needed to keep copies."
    )
    web: WebSection = Field(default_factory=WebSection, description="The ports of its web server.")
    status_page: StatusPageSection | None = Field(default=None, description="Its status page; left out: it has none.")
    checks: ServerChecksSection = Field(
        default_factory=ServerChecksSection, description="What is looked at besides SSH and its sites."
    )


def server_from(name: str, server: ServerSection, folder: Path) -> Server:
    """Return the server of this name."""
    return Server(
        name=name,
        location=server.location or name,
        ssh=login_from(server.ssh, folder),
        ipv4=server.ipv4,
        ipv6=server.ipv6,
        peer=Peer(**dict(server.peer)) if server.peer else None,
        web=WebPorts(**dict(server.web)),
        status_page=StatusPage(**dict(server.status_page)) if server.status_page else None,
        checks=_checks_from(server.checks),
    )


def _checks_from(checks: ServerChecksSection) -> ServerChecks:
    host = HostLimits(**dict(checks.host)) if checks.host is not None else None
    return ServerChecks(**{**dict(checks), "tcp": tuple(checks.tcp), "host": host})

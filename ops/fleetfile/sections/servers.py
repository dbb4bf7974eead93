"""The section `servers`."""

from typing import Annotated, Any

from pydantic import BeforeValidator

from core.fleet import HostLimits, Peer, Server, ServerChecks, StatusPage, WebPorts
from ops.fleetfile import fields as f
from ops.fleetfile.sections.access import SshSection
from ops.fleetfile.sections.mail import ServerMailSection
from ops.fleetfile.sections.section import Section, setting
from ops.fleetfile.wrong import Wrong, kind_of


class PeerSection(Section, makes=Peer):
    """How a server reads from the others."""

    key: f.PathThere = setting("On this server: the private key with which it reads from the others.")
    known_hosts: f.PathThere = setting("On this server: the others' pinned host keys.")
    limited_to: f.PeerLimit | None = setting(
        "What the others' keys may read on this server: a directory, or the word roots; left out: they are not limited."
    )


class WebSection(Section, makes=WebPorts):
    """The ports on which a server answers for its sites."""

    http: f.Port = setting("The port for http.")
    https: f.Port | None = setting("The port for https; left out: sites are not looked at by https.")


class StatusPageSection(Section, makes=StatusPage):
    """A server's status page."""

    root: f.PathThere = setting("The directory on this server into which its status page is written.")
    url: f.Url = setting("Where people read it.")


class HostSection(Section, makes=HostLimits):
    """What is looked at on a server over SSH."""

    every: f.Duration = setting("How often.")
    disk: f.Share = setting("A file system fuller than this is a warning.")
    inodes: f.Share = setting("The same for its inodes.")
    memory: f.Share = setting("More memory in use than this is a warning.")
    load: float | None = setting("A 5-minute load above this for each processor is a warning; left out: any.", gt=0)
    clock: f.Duration = setting("A clock that differs more from the bot's is a warning.")
    units: bool = setting("Whether failed systemd units are a warning.")
    reboot: bool = setting("Whether a pending reboot is a warning.")


def _none_where_off(value: object) -> object:
    """Read `off` as nothing. As one of two types it would have every mistake in the other said of both."""
    if value != f.NEVER and not isinstance(value, dict | HostSection):
        raise Wrong(f"must be a mapping, like {{every: 1m}}, or {f.NEVER}, not {kind_of(value)}")
    return None if value == f.NEVER else value


def _off_for_none(schema: dict[str, Any]) -> None:
    schema["anyOf"] = [
        {"const": f.NEVER, "type": "string"} if one == {"type": "null"} else one for one in schema["anyOf"]
    ]


class ServerChecksSection(Section, makes=ServerChecks):
    """What of a server is looked at besides its SSH banner and its sites."""

    icmp: bool = setting("Whether it must answer pings.")
    tcp: list[f.Port] = setting("Ports that must accept connections.")
    smtp: f.Port | None = setting("Its SMTP port, whose banner and STARTTLS must be right; left out: not looked at.")
    imap: f.Port | None = setting("Its IMAP port, whose banner and STARTTLS must be right; left out: not looked at.")
    mail_name: f.HostName | None = setting(
        "The host name that the certificate of both must be valid for; left out: any certificate will do."
    )
    mail_certificate: f.Duration = setting("With mail_name: a certificate that ends sooner is a warning.")
    host: Annotated[HostSection | None, BeforeValidator(_none_where_off)] = setting(
        "What is looked at on it over SSH; off: nothing.", json_schema_extra=_off_for_none
    )


class ServerSection(Section, makes=Server):
    """One web server."""

    location: f.LabelText | None = setting("Where it stands, for people; the server's name if left out.", default=None)
    ipv4: f.Ipv4 | None = setting("The IPv4 address that DNS records point to. At least one of the two.")
    ipv6: f.Ipv6 | None = setting("The IPv6 address that DNS records point to.")
    ssh: SshSection = setting("How the bot logs in to it.")
    peer: PeerSection | None = setting("How it reads from the other servers; needed to keep copies.")
    web: WebSection = setting("The ports of its web server.")
    status_page: StatusPageSection | None = setting("Its status page; left out: it has none.")
    checks: ServerChecksSection = setting("What is looked at besides SSH and its sites.")
    mail: ServerMailSection = setting("Where its mail is configured, where it is an exchanger of a mail domain.")
    work: f.PathThere | None = setting(
        "The folder, on the disk of the sites' roots, for what is not served; left out: the one around each root."
    )

    def made(self, **named: str) -> Server:
        """Return the server of this name."""
        return super().made(**named, location=self.location or named["name"])  # type: ignore[no-any-return]

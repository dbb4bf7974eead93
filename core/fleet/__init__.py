"""The fleet as its operator describes it: servers, sites, name servers, and how they are looked after.

Plain values, as `ops.fleetfile` reads them from app.yaml. Every reference in them holds: a site's home and mirrors are
servers of the fleet, and every name lies in exactly one of its zones. Durations are `timedelta`, names are lower-case
ASCII (IDNA A-labels) without a final dot, and paths of this machine are absolute. What each value means is said where
its key is, in `ops.fleetfile.sections`; here, what is not said there.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from core.errors import NotInFleetError
from core.fleet.access import SecretRef, SshLogin
from core.fleet.copies import Offsite, OffsiteServer, Schedule, SyncPolicy
from core.fleet.dns import DnsSettings, Endpoint, NameServer, Tsig, zone_of
from core.fleet.mail import Mail, MailDomain, MailMirror, MailPorts, MailQueue, ProbeMailbox
from core.fleet.servers import HostLimits, Peer, Server, ServerChecks, ServerMail, StatusPage, WebPorts
from core.fleet.sites import Database, Hook, Hooks, Site, SiteCheck
from core.fleet.telling import Alerts, ApprovalPolicy, Heartbeat, SlackAccess, StatusPages, Web
from core.fleet.watch import Watch

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "Alerts",
    "ApprovalPolicy",
    "Database",
    "DnsSettings",
    "Endpoint",
    "Fleet",
    "Heartbeat",
    "Hook",
    "Hooks",
    "HostLimits",
    "Mail",
    "MailDomain",
    "MailMirror",
    "MailPorts",
    "MailQueue",
    "NameServer",
    "Offsite",
    "OffsiteServer",
    "Peer",
    "ProbeMailbox",
    "Schedule",
    "SecretRef",
    "Server",
    "ServerChecks",
    "ServerMail",
    "Site",
    "SiteCheck",
    "SlackAccess",
    "SshLogin",
    "StatusPage",
    "StatusPages",
    "SyncPolicy",
    "Tsig",
    "Watch",
    "Web",
    "WebPorts",
    "zone_of",
]


_Named = TypeVar("_Named")


@dataclass(frozen=True, slots=True)
class Fleet:
    """Everything that app.yaml says."""

    name: str
    timezone: str
    servers: Mapping[str, Server]
    sites: Mapping[str, Site]
    dns: DnsSettings
    slack: SlackAccess | None = None
    approval: ApprovalPolicy = field(default_factory=ApprovalPolicy)
    watch: Watch = field(default_factory=Watch)
    schedule: Schedule = field(default_factory=Schedule)
    sync: SyncPolicy = field(default_factory=SyncPolicy)
    mail: Mail | None = None
    offsite: Offsite | None = None
    notify: tuple[SecretRef, ...] = ()
    alerts: Alerts = field(default_factory=Alerts)
    heartbeat: Heartbeat | None = None
    status_pages: StatusPages = field(default_factory=StatusPages)
    web: Web | None = None

    def site(self, name: str) -> Site:
        """Return the site that something kept is about. Raises NotInFleetError where the file has it no longer."""
        return _found(self.sites, name)

    def server(self, name: str) -> Server:
        """Return the server that something kept is about. Raises NotInFleetError where the file has it no longer."""
        return _found(self.servers, name)

    def zone_of(self, name: str) -> str:
        """Return the zone of this fleet that holds `name`: the longest that matches.

        Raises LookupError where none does, which a fleet that was read from its file rules out for its own names.
        """
        return zone_of(name, self.dns.zone_set)


def _found(named: Mapping[str, _Named], name: str) -> _Named:
    if name not in named:
        raise NotInFleetError(name)
    return named[name]

"""The shape of the fleet file: every key, its type, its default, and what it does.

These models check one value at a time; `core.fleet_problems` checks how values fit together. Defaults are those of
`core.fleet`, spelled as the file spells them.
"""

from __future__ import annotations

from dataclasses import fields
from datetime import timedelta
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from core.fleet import (
    Alerts,
    ApprovalPolicy,
    Dns,
    Endpoint,
    Heartbeat,
    Hook,
    HostLimits,
    Mail,
    Offsite,
    Schedule,
    ServerChecks,
    Site,
    SiteCheck,
    StatusPages,
    SyncPolicy,
    Watch,
    Web,
    WebPorts,
)
from core.units import format_duration, format_share
from ops.fleetfile import fields as f

HIGHEST_TTL_S = 86_400
DEFAULT_SSH_PORT = 22


class Section(BaseModel):
    """A mapping of known keys. A key with nothing after its colon counts as left out."""

    model_config = ConfigDict(
        strict=True, extra="forbid", frozen=True, validate_default=True, hide_input_in_errors=True
    )

    @model_validator(mode="before")
    @classmethod
    def _without_empty(cls, value: Any) -> Any:  # noqa: ANN401  whatever stands in the file
        if isinstance(value, dict) and None in value.values():
            return {key: entry for key, entry in value.items() if entry is not None}
        return value


def _default(owner: type, name: str, what: str) -> Any:  # noqa: ANN401  as pydantic's own Field
    value = next(field.default for field in fields(owner) if field.name == name)
    if isinstance(value, timedelta):
        value = format_duration(value)
    elif isinstance(value, float):
        value = format_share(value)
    elif isinstance(value, tuple):
        value = list(value)
    return Field(default=value, description=what)


class SshSection(Section):
    """How the bot logs in."""

    user: f.Login = Field(description="The user to log in as.")
    port: f.Port = Field(default=DEFAULT_SSH_PORT, description="The port of its SSH server.")
    key: f.Secret = Field(
        description="The bot's private key: file:PATH on the bot's machine, or env:NAME holding its text."
    )
    known_hosts: f.PathHere = Field(
        description="A file on the bot's machine with the server's pinned host key, as ssh-keyscan writes it."
    )


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

    http: f.Port = _default(WebPorts, "http", "The port for http.")
    https: f.Port | None = _default(
        WebPorts, "https", "The port for https; left out: sites are not looked at by https."
    )


class StatusPageSection(Section):
    """A server's status page."""

    root: f.PathThere = Field(description="The directory on this server into which its status page is written.")
    url: f.Url = Field(description="Where people read it.")


class HostSection(Section):
    """What is looked at on a server over SSH."""

    every: f.Duration = _default(HostLimits, "every", "How often.")
    disk: f.Share = _default(HostLimits, "disk", "A file system fuller than this is a warning.")
    inodes: f.Share = _default(HostLimits, "inodes", "The same for its inodes.")
    memory: f.Share = _default(HostLimits, "memory", "More memory in use than this is a warning.")
    load: float | None = Field(
        default=None, gt=0, description="A 5-minute load above this for each processor is a warning; left out: any."
    )
    clock: f.Duration = _default(HostLimits, "clock", "A clock that differs more from the bot's is a warning.")
    units: bool = _default(HostLimits, "units", "Whether failed systemd units are a warning.")
    reboot: bool = _default(HostLimits, "reboot", "Whether a pending reboot is a warning.")


class ServerChecksSection(Section):
    """What of a server is looked at besides its SSH banner and its sites."""

    icmp: bool = _default(ServerChecks, "icmp", "Whether it must answer pings.")
    tcp: list[f.Port] = _default(ServerChecks, "tcp", "Ports that must accept connections.")
    smtp: f.Port | None = Field(
        default=None, description="Its SMTP port, whose banner and STARTTLS must be right; left out: not looked at."
    )
    imap: f.Port | None = Field(
        default=None, description="Its IMAP port, whose banner and STARTTLS must be right; left out: not looked at."
    )
    host: HostSection | Literal["off"] = Field(
        default_factory=HostSection, description="What is looked at on it over SSH; off: nothing."
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


class SiteCheckSection(Section):
    """What a healthy answer looks like."""

    path: f.UrlPath = _default(SiteCheck, "path", "The page to ask for.")
    status: int = Field(default=SiteCheck().status, ge=100, le=599, description="The HTTP status that is right.")
    contains: str | None = Field(default=None, min_length=1, description="Text that the page must hold; left out: any.")
    redirect: str | None = Field(
        default=None, min_length=1, description="Where it must redirect to, as its Location header says; left out: any."
    )
    within: f.Duration | None = Field(
        default=None, description="A site that takes longer to answer is degraded; left out: any time."
    )
    certificate: f.Duration = _default(
        SiteCheck, "certificate", "A certificate that ends sooner than this makes the site degraded."
    )


class DatabaseSection(Section):
    """One database of a site."""

    engine: f.Engine = Field(description="Its software.")
    name: f.DatabaseName = Field(description="Its name.")
    socket: f.PathOfServer | None = Field(
        default=None,
        description="Its socket (PostgreSQL: or the folder of it); {server} becomes the server's name.",
    )
    port: f.Port | None = Field(default=None, description="Its TCP port on the server itself, where it has no socket.")
    user: f.Login | None = Field(default=None, description="The user to log in to it as; left out: the SSH user.")
    password: f.Secret | None = Field(
        default=None, description="Where its password is, on the bot's machine; left out: none, or as set up there."
    )


class HookSection(Section):
    """A command at one moment of a sync or a cutover."""

    on: f.HookPlace = Field(description="Where it runs: source, target, or a server's name.")
    run: f.ShellLine = Field(description="The shell line. It gets SITE, SOURCE, TARGET and ROOT in its environment.")
    timeout: f.Duration = _default(Hook, "timeout", "How long it may take.")


class HooksSection(Section):
    """What a site wants done around its syncs and cutovers."""

    before_sync: list[HookSection] = Field(default_factory=list, description="Before a sync; a failure stops it.")
    after_sync: list[HookSection] = Field(default_factory=list, description="After a good sync.")
    before_cutover: list[HookSection] = Field(
        default_factory=list, description="Before a cutover changes DNS; a failure stops it."
    )
    after_cutover: list[HookSection] = Field(default_factory=list, description="When the site has moved.")
    freeze: list[HookSection] = Field(
        default_factory=list, description="In a planned cutover before its last sync: stop writing. A failure stops it."
    )
    thaw: list[HookSection] = Field(
        default_factory=list, description="When a cutover that froze it has ended, however it ended."
    )


class SiteSection(Section):
    """One site."""

    home: str = Field(description="The server where it normally lives.")
    mirrors: list[str] = Field(
        description="The servers that keep a copy, first choice first; [] for none (an exception)."
    )
    names: list[f.HostName] = Field(min_length=1, description="The names that move with it.")
    root: f.PathOfServer = Field(description="Its directory; {server} becomes the server's name.")
    exclude: list[f.Exclude] = _default(Site, "exclude", "What is not copied: rsync patterns.")
    check: SiteCheckSection = Field(default_factory=SiteCheckSection, description="What a healthy answer looks like.")
    sync: f.SiteSync = _default(Site, "sync", "When it is copied: daily (at schedule.sync), off, or a cron expression.")
    max_age: f.Duration = _default(Site, "max_age", "A failover to a copy older than this takes an explicit yes.")
    databases: list[DatabaseSection] = _default(Site, "databases", "The databases that belong to it.")
    hooks: HooksSection = Field(default_factory=HooksSection, description="Commands around its syncs and cutovers.")
    bandwidth: f.Rate | None = Field(
        default=None, description="The most that a copy may take, in bytes a second; left out: sync.bandwidth."
    )
    owner: dict[f.ServerName, f.Owner] = Field(
        default_factory=dict,
        description="By server, the USER or USER:GROUP that its files belong to, where these differ.",
    )


class EndpointSection(Section):
    """An address and a port of DNS."""

    address: f.Ip = Field(description="Its IPv4 or IPv6 address.")
    port: f.Port = _default(Endpoint, "port", "Its port.")


class NameServerSection(EndpointSection):
    """One of the public name servers."""

    location: f.LabelText | None = Field(default=None, description="Where it stands, for people; its name if left out.")


class TsigSection(Section):
    """The key that signs updates and transfers."""

    name: f.ZoneName = Field(description="The key's name, as the update server has it.")
    algorithm: f.Algorithm = Field(description="Its algorithm.")
    secret: f.Secret = Field(description="Where its secret (base64) is.")


class DnsSection(Section):
    """Where the zones are changed and answered."""

    update: list[EndpointSection] = Field(
        min_length=1, description="Where signed updates (RFC 2136) go; each gets its own."
    )
    tsig: TsigSection | None = Field(
        default=None, description="The key that signs them; left out: they are not signed."
    )
    nameservers: dict[f.ServerName, NameServerSection] = Field(
        min_length=1, description="The public name servers by name, all of which must answer alike."
    )
    zones: list[f.ZoneName] = Field(min_length=1, description="The zones that hold the sites' names.")
    max_ttl: int = Field(
        default=Dns((), (), ()).max_ttl_s,
        ge=1,
        le=HIGHEST_TTL_S,
        description="The longest TTL, in seconds, of a record that fails over.",
    )
    agree_within: f.Duration = _default(
        Dns, "agree_within", "How long a cutover waits for all name servers to agree before it ends unfinished."
    )
    rollback_within: f.Duration = _default(Dns, "rollback_within", "How long a cutover can be rolled back.")
    answer_within: f.Duration | None = Field(
        default=None, description="A name server that takes longer to answer is degraded; left out: any time."
    )
    open_transfers: bool = _default(
        Dns, "open_transfers", "Whether name servers may let anybody transfer a zone; no: such a one is degraded."
    )


class SlackSection(Section):
    """Who may do what in Slack."""

    ops_channel: f.SlackChannel = Field(description="The id of the channel for alerts and plans.")
    operators: list[f.SlackPerson] = Field(
        default_factory=list,
        description="Users or user groups who may sync, back up, acknowledge and ask for a failover.",
    )
    approvers: list[f.SlackPerson] = Field(
        default_factory=list, description="Users or user groups who may approve a cutover."
    )
    approvals_needed: f.Count = _default(
        ApprovalPolicy, "needed", "How many approvers a plan takes. From 2 on, who asked does not count."
    )
    approval_ttl: f.Duration = _default(ApprovalPolicy, "ttl", "How long a plan waits for them.")


class WatchSection(Section):
    """How often is looked."""

    every: f.Duration = _default(Watch, "every", "How often each thing is looked at.")
    retry: f.Duration = _default(Watch, "retry", "How soon again after a failure.")
    timeout: f.Duration = _default(Watch, "timeout", "How long an answer may take.")
    down_after: f.Count = _default(Watch, "down_after", "This many failures in a row are an outage.")
    up_after: f.Count = _default(Watch, "up_after", "This many good looks in a row end it.")


class ScheduleSection(Section):
    """What happens when, by the fleet's clock."""

    sync: f.Scheduled = _default(Schedule, "sync", "When the sites whose sync is daily are copied. Cron, or off.")
    backup: f.Scheduled = Field(default=f.NEVER, description="When the off-site backup runs. Cron, or off.")
    readiness: f.Scheduled = Field(default=f.NEVER, description="When readiness is checked and told. Cron, or off.")
    verify: f.Scheduled = _default(Schedule, "verify", "When a share of the copies is verified. Cron, or off.")


class SyncSection(Section):
    """What a sync may do."""

    max_delete: f.Share = _default(SyncPolicy, "max_delete", "A run that would delete more of a mirror stops and asks.")
    keep_replaced: f.Duration = _default(
        SyncPolicy, "keep_replaced", "How long the mirror keeps what a run replaced or deleted."
    )
    parallel: f.Count = _default(SyncPolicy, "parallel", "How many sites are copied at once.")
    verify: f.Share = _default(SyncPolicy, "verify", "The share of the copies that schedule.verify takes each time.")
    bandwidth: f.Rate | None = Field(
        default=None, description="The most that one copy may take, in bytes a second; left out: no limit."
    )


class MailDomainSection(Section):
    """Who takes a domain's mail."""

    exchangers: list[str] = Field(
        min_length=1, description="The servers that take its mail, in the order of the MX records."
    )
    probe: f.MailAddress | None = Field(default=None, description="An address that all of them must accept.")


class MailPortsSection(Section):
    """The ports of the mail servers."""

    smtp: f.Port = _default(Mail, "smtp_port", "The port for SMTP.")
    imap: f.Port = _default(Mail, "imap_port", "The port for IMAP.")


class MailSection(Section):
    """The mail that the servers take."""

    domains: dict[f.HostName, MailDomainSection] = Field(description="The mail domains by name.")
    ports: MailPortsSection = Field(default_factory=MailPortsSection, description="The ports of the mail servers.")


class OffsiteServerSection(Section):
    """The host of the third copy."""

    address: f.IpOrHost = Field(description="Its address or host name.")
    ssh: SshSection = Field(description="How the bot logs in to it.")


class KeepSection(Section):
    """How many backups are kept, of each kind."""

    hourly: f.Count | None = Field(default=None, description="One an hour, this many.")
    daily: f.Count | None = Field(default=None, description="One a day, this many.")
    weekly: f.Count | None = Field(default=None, description="One a week, this many.")
    monthly: f.Count | None = Field(default=None, description="One a month, this many.")
    yearly: f.Count | None = Field(default=None, description="One a year, this many.")


class OffsiteSection(Section):
    """Where the third copy goes."""

    server: OffsiteServerSection = Field(description="The host of the third copy.")
    path: f.PathThere = Field(description="The directory of the restic repository there.")
    password: f.Secret = Field(description="Where the repository's password is.")
    keep: KeepSection = Field(default_factory=KeepSection, description="How many backups are kept; left out: all.")
    max_age: f.Duration = _default(Offsite, "max_age", "A site whose backup is older than this is an alert.")


class AlertsSection(Section):
    """How people are told."""

    remind: f.Duration = _default(Alerts, "remind", "How often an alert is repeated that nobody has acknowledged.")
    summary: f.Scheduled = Field(
        default=f.NEVER, description="When the day is summed up, if there is anything to say. Cron, or off."
    )


class HeartbeatSection(Section):
    """A dead-man's switch elsewhere, told that the bot lives."""

    url: f.Secret = Field(description="Where the address to ask for is: it holds a secret.")
    every: f.Duration = _default(Heartbeat, "every", "How often.")


class StatusPagesSection(Section):
    """What the servers' status pages show to everybody."""

    title: f.LabelText | None = Field(default=None, description="Their title; the fleet's name if left out.")
    hide: list[str] = _default(StatusPages, "hide", "Sites that are not on them.")
    addresses: bool = _default(StatusPages, "addresses", "Whether they show the servers' addresses.")
    stale_after: f.Duration = _default(
        StatusPages, "stale_after", "A page that was written longer ago says by itself that it is old."
    )


class BotWebSection(Section):
    """The bot's own HTTP, for monitoring."""

    port: f.Port = Field(description="Its port.")
    address: f.Ip = _default(Web, "address", "The address to listen at.")
    alertmanager: f.Secret | None = Field(
        default=None, description="Where the token is with which an Alertmanager may send alerts; left out: none may."
    )


class FleetFile(Section):
    """The fleet, as its operator writes it."""

    fleet: f.LabelText = Field(description="The fleet's name.")
    timezone: f.TimeZone = Field(default="UTC", description="How times are shown and schedules are read.")
    slack: SlackSection | None = Field(default=None, description="Slack; left out: the terminal only.")
    servers: dict[f.ServerName, ServerSection] = Field(min_length=1, description="The web servers by name.")
    sites: dict[f.SiteName, SiteSection] = Field(description="The sites by name: any printable text.")
    dns: DnsSection = Field(description="Where the zones are changed and answered.")
    watch: WatchSection = Field(
        default_factory=WatchSection, description="How often is looked, and what counts as down."
    )
    schedule: ScheduleSection = Field(default_factory=ScheduleSection, description="What happens when.")
    sync: SyncSection = Field(default_factory=SyncSection, description="What a sync may do.")
    mail: MailSection | None = Field(default=None, description="The mail that the servers take.")
    offsite: OffsiteSection | None = Field(default=None, description="The third copy, away from both.")
    notify: list[f.Secret] = Field(
        default_factory=list, description="Where alerts also go: env:NAME, an Apprise URL each."
    )
    alerts: AlertsSection = Field(default_factory=AlertsSection, description="How people are told.")
    heartbeat: HeartbeatSection | None = Field(
        default=None, description="A dead-man's switch that is told that the bot lives; left out: none."
    )
    status_pages: StatusPagesSection = Field(
        default_factory=StatusPagesSection, description="What the status pages show to everybody."
    )
    web: BotWebSection | None = Field(default=None, description="The bot's own HTTP, for monitoring; left out: none.")

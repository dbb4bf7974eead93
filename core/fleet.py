"""The fleet as its operator describes it: servers, sites, name servers, and how they are looked after.

Plain values, as `ops.fleetfile` reads them from app.yaml. Every reference in them holds: a site's home and mirrors are
servers of the fleet, and every name lies in exactly one of its zones. Durations are `timedelta`, names are lower-case
ASCII (IDNA A-labels) without a final dot, and paths of this machine are absolute.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping


@dataclass(frozen=True, slots=True)
class SecretRef:
    """Where a secret is: never the secret itself. `env:NAME` or `file:PATH` (absolute once read)."""

    kind: Literal["env", "file"]
    where: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.where}"


@dataclass(frozen=True, slots=True)
class SshLogin:
    """How the bot logs in to a server. `known_hosts` is a path on the bot's machine."""

    user: str
    port: int
    key: SecretRef
    known_hosts: str


@dataclass(frozen=True, slots=True)
class Peer:
    """How a server reads from the others: paths on that server.

    `limited_to`: on this server the others' keys may only read this directory, and paths they ask for are relative to
    it; None: they are not limited.
    """

    key: str
    known_hosts: str
    limited_to: str | None = None


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
    processor; None: any. clock: how far its clock may be from the bot's. units: whether failed units count; reboot:
    whether a pending reboot does.
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

    icmp: whether it must answer pings. tcp: ports that must accept. smtp, imap: ports whose banner and STARTTLS must
    be right; None: not looked at. host: what is looked at over SSH; None: nothing.
    """

    icmp: bool = False
    tcp: tuple[int, ...] = ()
    smtp: int | None = None
    imap: int | None = None
    host: HostLimits | None = HostLimits()


@dataclass(frozen=True, slots=True)
class Server:
    """One web server. `ipv4` and `ipv6` are the addresses that DNS records point to; at least one is there."""

    name: str
    location: str
    ssh: SshLogin
    ipv4: str | None = None
    ipv6: str | None = None
    peer: Peer | None = None
    web: WebPorts = WebPorts()
    status_page: StatusPage | None = None
    checks: ServerChecks = ServerChecks()

    @property
    def address(self) -> str:
        """The address to reach it at: IPv4 where it has one."""
        return self.ipv4 or self.ipv6 or ""


@dataclass(frozen=True, slots=True)
class SiteCheck:
    """What a healthy answer of a site looks like. `contains` None: any content.

    redirect: where it must redirect to, as its Location says; None: anywhere. within: an answer that takes longer is
    degraded; None: any time. certificate: one that ends sooner than this is degraded.
    """

    path: str = "/"
    status: int = 200
    contains: str | None = None
    redirect: str | None = None
    within: timedelta | None = None
    certificate: timedelta = timedelta(days=14)


@dataclass(frozen=True, slots=True)
class Database:
    """One database of a site, by the same name and with the same access on every server that holds the site.

    socket: its socket, or for PostgreSQL the folder of it; may hold `{server}`. port: of TCP on the server's own
    loopback, where there is no socket. user, password: None leaves them to what is set up for the SSH user there (its
    own name, `~/.my.cnf`, `~/.pgpass`, peer authentication).
    """

    engine: Literal["mariadb", "mysql", "postgresql"]
    name: str
    socket: str | None = None
    port: int | None = None
    user: str | None = None
    password: SecretRef | None = None

    def socket_on(self, server: str) -> str | None:
        """Return the path of its socket on `server`, or None."""
        return None if self.socket is None else self.socket.replace("{server}", server)


@dataclass(frozen=True, slots=True)
class Hook:
    """A command at one moment of a sync or a cutover. on: `source`, `target`, or a server's name."""

    on: str
    run: str
    timeout: timedelta = timedelta(seconds=60)

    def server(self, source: str, target: str) -> str:
        """Return the server that it runs on."""
        return {"source": source, "target": target}.get(self.on, self.on)


@dataclass(frozen=True, slots=True)
class Hooks:
    """What a site wants done around its syncs and cutovers. A failing *before* or *freeze* stops what it precedes.

    freeze: before the last sync of a planned cutover, so that nothing is written any more; thaw: when that cutover has
    ended, however it ended.
    """

    before_sync: tuple[Hook, ...] = ()
    after_sync: tuple[Hook, ...] = ()
    before_cutover: tuple[Hook, ...] = ()
    after_cutover: tuple[Hook, ...] = ()
    freeze: tuple[Hook, ...] = ()
    thaw: tuple[Hook, ...] = ()


@dataclass(frozen=True, slots=True)
class Site:
    """One site: the names that move with it, its content, where it lives and where copies are kept.

    `mirrors` is in order of preference; empty: an exception, kept nowhere else. `sync` is "daily", "off" or a cron
    expression. bandwidth: the most that a copy may take, in bytes a second; None: the fleet's. owner: by server, the
    `USER` or `USER:GROUP` that its files belong to there, where users differ from server to server.
    """

    name: str
    home: str
    mirrors: tuple[str, ...]
    names: tuple[str, ...]
    root: str
    exclude: tuple[str, ...] = ()
    check: SiteCheck = SiteCheck()
    sync: str = "daily"
    max_age: timedelta = timedelta(hours=26)
    databases: tuple[Database, ...] = ()
    hooks: Hooks = Hooks()
    bandwidth: int | None = None
    owner: Mapping[str, str] = field(default_factory=dict, hash=False)

    def root_on(self, server: str) -> str:
        """Return the path of this site's content on `server`."""
        return self.root.replace("{server}", server)

    @property
    def servers(self) -> tuple[str, ...]:
        """Every server that holds this site: its home first, then its mirrors."""
        return (self.home, *self.mirrors)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An address and a port, of DNS here."""

    address: str
    port: int = 53

    def __str__(self) -> str:
        return f"[{self.address}]:{self.port}" if ":" in self.address else f"{self.address}:{self.port}"


@dataclass(frozen=True, slots=True)
class Tsig:
    """The key that signs updates and transfers (RFC 8945)."""

    name: str
    algorithm: str
    secret: SecretRef


@dataclass(frozen=True, slots=True)
class NameServer:
    """One of the public name servers."""

    name: str
    endpoint: Endpoint
    location: str


@dataclass(frozen=True, slots=True)
class Dns:
    """Where the zones are changed and where they are answered.

    max_ttl_s: in seconds. agree_within: how long a cutover waits for all name servers before it says *unfinished*.
    """

    update: tuple[Endpoint, ...]
    nameservers: tuple[NameServer, ...]
    zones: tuple[str, ...]
    tsig: Tsig | None = None
    max_ttl_s: int = 300
    agree_within: timedelta = timedelta(seconds=60)
    rollback_within: timedelta = timedelta(days=7)
    answer_within: timedelta | None = None
    open_transfers: bool = True
    zone_set: frozenset[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        # Every name of the fleet is looked up in it: with thousands of each, a tuple would be searched for minutes.
        object.__setattr__(self, "zone_set", frozenset(self.zones))


@dataclass(frozen=True, slots=True)
class Watch:
    """How often is looked, and how many failures in a row make an outage."""

    every: timedelta = timedelta(seconds=30)
    retry: timedelta = timedelta(seconds=2)
    timeout: timedelta = timedelta(seconds=5)
    down_after: int = 3
    up_after: int = 2


@dataclass(frozen=True, slots=True)
class Schedule:
    """Cron expressions of five fields, read in the fleet's time zone. None: never by itself."""

    sync: str | None = "0 3 * * *"
    backup: str | None = None
    readiness: str | None = None
    verify: str | None = "0 5 * * sun"


@dataclass(frozen=True, slots=True)
class SyncPolicy:
    """What a sync may do. `max_delete` and `verify` are shares: 0.25 is 25 %.

    verify: how many of the sites are verified each time that `Schedule.verify` comes round, longest ago first.
    bandwidth: the most that one copy may take, in bytes a second; None: no limit.
    """

    max_delete: float = 0.25
    keep_replaced: timedelta = timedelta(days=14)
    parallel: int = 4
    verify: float = 0.25
    bandwidth: int | None = None


@dataclass(frozen=True, slots=True)
class SlackSettings:
    """Who may do what in Slack, and where alerts go. Ids of users (U…) or user groups (S…)."""

    ops_channel: str
    operators: tuple[str, ...] = ()
    approvers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ApprovalPolicy:
    """How many approvers a plan needs, and how long it waits for them."""

    needed: int = 1
    ttl: timedelta = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class MailDomain:
    """Which servers take a domain's mail, in the order of its MX records; `probe` is an address all must accept."""

    name: str
    exchangers: tuple[str, ...]
    probe: str | None = None


@dataclass(frozen=True, slots=True)
class Mail:
    """The mail domains and the ports of the mail servers."""

    domains: tuple[MailDomain, ...] = ()
    smtp_port: int = 25
    imap_port: int = 143


@dataclass(frozen=True, slots=True)
class Offsite:
    """Where the third copy goes: a restic repository over SFTP. max_age: an older backup is an alert."""

    address: str
    ssh: SshLogin
    path: str
    password: SecretRef
    keep: Mapping[str, int] = field(default_factory=dict)
    max_age: timedelta = timedelta(hours=26)


@dataclass(frozen=True, slots=True)
class Alerts:
    """How people are told. remind: how often while nobody has acknowledged. summary: a daily word; None: never."""

    remind: timedelta = timedelta(minutes=30)
    summary: str | None = None


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """A dead-man's switch elsewhere that is told that the bot lives. url: where its address is: it holds a secret."""

    url: SecretRef
    every: timedelta = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class StatusPages:
    """What the servers' status pages show to everybody.

    title: None: the fleet's name. hide: sites that are not on them. addresses: whether servers' addresses are.
    stale_after: a page says by itself that it is old when it was written longer ago.
    """

    title: str | None = None
    hide: tuple[str, ...] = ()
    addresses: bool = False
    stale_after: timedelta = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Web:
    """The bot's own HTTP, for monitoring. alertmanager: the token with which alerts may be sent; None: none may."""

    port: int
    address: str = "127.0.0.1"
    alertmanager: SecretRef | None = None


@dataclass(frozen=True, slots=True)
class Fleet:
    """Everything that app.yaml says."""

    name: str
    timezone: str
    servers: Mapping[str, Server]
    sites: Mapping[str, Site]
    dns: Dns
    slack: SlackSettings | None = None
    approval: ApprovalPolicy = ApprovalPolicy()
    watch: Watch = Watch()
    schedule: Schedule = Schedule()
    sync: SyncPolicy = SyncPolicy()
    mail: Mail | None = None
    offsite: Offsite | None = None
    notify: tuple[SecretRef, ...] = ()
    alerts: Alerts = Alerts()
    heartbeat: Heartbeat | None = None
    status_pages: StatusPages = StatusPages()
    web: Web | None = None

    def zone_of(self, name: str) -> str:
        """Return the zone of this fleet that holds `name`: the longest that matches.

        Raises LookupError where none does, which a fleet that was read from its file rules out for its own names.
        """
        return zone_of(name, self.dns.zone_set)


def zone_of(name: str, zones: Collection[str]) -> str:
    """Return the longest of `zones` that `name` lies in. Raises LookupError where none does. A set is fastest."""
    candidate = name
    while candidate:
        if candidate in zones:
            return candidate
        candidate = candidate.partition(".")[2]
    raise LookupError(name)

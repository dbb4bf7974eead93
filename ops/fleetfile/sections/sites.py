"""The section `sites`."""

from pathlib import Path

from pydantic import Field

from core.fleet import Database, Hook, Hooks, Site, SiteCheck
from ops.fleetfile import fields as f
from ops.fleetfile.places import secret_in
from ops.fleetfile.sections.section import Section, default


class SiteCheckSection(Section):
    """What a healthy answer looks like."""

    path: f.UrlPath = default(SiteCheck, "path", "The page to ask for.")
    status: int = Field(default=SiteCheck().status, ge=100, le=599, description="The HTTP status that is right.")
    contains: str | None = Field(default=None, min_length=1, description="Text that the page must hold; left out: any.")
    redirect: str | None = Field(
        default=None, min_length=1, description="Where it must redirect to, as its Location header says; left out: any."
    )
    within: f.Duration | None = Field(
        default=None, description="A site that takes longer to answer is degraded; left out: any time."
    )
    certificate: f.Duration = default(
        SiteCheck, "certificate", "A certificate that ends sooner than this makes the site degraded."
    )


class DatabaseSection(Section):
    """One database of a site."""

    engine: f.EngineName = Field(description="Its software.")
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
    timeout: f.Duration = default(Hook, "timeout", "How long it may take.")


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
    exclude: list[f.Exclude] = default(Site, "exclude", "What is not copied: rsync patterns.")
    check: SiteCheckSection = Field(default_factory=SiteCheckSection, description="What a healthy answer looks like.")
    sync: f.SiteSync = default(Site, "sync", "When it is copied: daily (at schedule.sync), off, or a cron expression.")
    max_age: f.Duration = default(Site, "max_age", "A failover to a copy older than this takes an explicit yes.")
    databases: list[DatabaseSection] = default(Site, "databases", "The databases that belong to it.")
    hooks: HooksSection = Field(default_factory=HooksSection, description="Commands around its syncs and cutovers.")
    bandwidth: f.Rate | None = Field(
        default=None, description="The most that a copy may take, in bytes a second; left out: sync.bandwidth."
    )
    owner: dict[f.ServerName, f.Owner] = Field(
        default_factory=dict,
        description="By server, the USER or USER:GROUP that its files belong to, where these differ.",
    )


def site_from(name: str, site: SiteSection, folder: Path) -> Site:
    """Return the site of this name."""
    return Site(
        name=name,
        home=site.home,
        mirrors=tuple(site.mirrors),
        names=tuple(site.names),
        root=site.root,
        exclude=tuple(site.exclude),
        check=SiteCheck(**dict(site.check)),
        sync=site.sync,
        max_age=site.max_age,
        databases=tuple(_database_from(database, folder) for database in site.databases),
        hooks=Hooks(**{moment: tuple(Hook(**dict(hook)) for hook in hooks) for moment, hooks in site.hooks}),
        bandwidth=site.bandwidth,
        owner=dict(site.owner),
    )


def _database_from(database: DatabaseSection, folder: Path) -> Database:
    password = secret_in(database.password, folder) if database.password is not None else None
    return Database(**{**dict(database), "password": password})

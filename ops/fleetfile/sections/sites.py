"""The section `sites`."""

from core.fleet import Database, Hook, Hooks, Site, SiteCheck
from ops.fleetfile import fields as f
from ops.fleetfile.sections.section import Section, setting


class SiteCheckSection(Section, makes=SiteCheck):
    """What a healthy answer looks like."""

    path: f.UrlPath = setting("The page to ask for.")
    status: int = setting("The HTTP status that is right.", ge=100, le=599)
    contains: str | None = setting("Text that the page must hold; left out: any.", min_length=1)
    redirect: str | None = setting(
        "Where it must redirect to, as its Location header says; left out: any.", min_length=1
    )
    within: f.Duration | None = setting("A site that takes longer to answer is degraded; left out: any time.")
    certificate: f.Duration = setting("A certificate that ends sooner than this makes the site degraded.")


class DatabaseSection(Section, makes=Database):
    """One database of a site."""

    engine: f.EngineName = setting("Its software.")
    name: f.DatabaseName = setting("Its name.")
    socket: f.PathOfServer | None = setting(
        "Its socket (PostgreSQL: or the folder of it); {server} becomes the server's name."
    )
    port: f.Port | None = setting("Its TCP port on the server itself, where it has no socket.")
    user: f.Login | None = setting("The user to log in to it as; left out: the SSH user.")
    password: f.Secret | None = setting(
        "Where its password is, on the bot's machine; left out: none, or as set up there."
    )


class HookSection(Section, makes=Hook):
    """A command at one moment of a sync or a cutover."""

    on: f.ServerName = setting("Where it runs: source, target, or a server's name.")
    run: f.ShellLine = setting("The shell line. It gets SITE, SOURCE, TARGET and ROOT in its environment.")
    timeout: f.Duration = setting("How long it may take.")


class HooksSection(Section, makes=Hooks):
    """What a site wants done around its syncs and cutovers."""

    before_sync: list[HookSection] = setting("Before a sync; a failure stops it.")
    after_sync: list[HookSection] = setting("After a good sync.")
    before_cutover: list[HookSection] = setting("Before a cutover changes DNS; a failure stops it.")
    after_cutover: list[HookSection] = setting("When the site has moved.")
    freeze: list[HookSection] = setting("In a planned cutover before its last sync: stop writing. A failure stops it.")
    thaw: list[HookSection] = setting("When a cutover that froze it has ended, however it ended.")


class SiteSection(Section, makes=Site):
    """One site."""

    home: str = setting("The server where it normally lives.")
    mirrors: list[str] = setting("The servers that keep a copy, first choice first; [] for none (an exception).")
    names: list[f.HostName] = setting("The names that move with it.", min_length=1)
    root: f.PathOfServer = setting("Its directory; {server} becomes the server's name.")
    exclude: list[f.Exclude] = setting("What is not copied: rsync patterns.")
    check: SiteCheckSection = setting("What a healthy answer looks like.")
    sync: f.SiteSync = setting("When it is copied: daily (at schedule.sync), off, or a cron expression.")
    max_age: f.Duration = setting("A failover to a copy older than this takes an explicit yes.")
    databases: list[DatabaseSection] = setting("The databases that belong to it.")
    hooks: HooksSection = setting("Commands around its syncs and cutovers.")
    bandwidth: f.Rate | None = setting("The most that a copy may take, in bytes a second; left out: sync.bandwidth.")
    owner: dict[f.ServerName, f.Owner] = setting(
        "By server, the USER or USER:GROUP that its files belong to, where these differ.", default_factory=dict
    )
    work: dict[f.ServerName, f.PathThere] = setting(
        "By server, the folder for what is not served, where it is not the server's work.", default_factory=dict
    )

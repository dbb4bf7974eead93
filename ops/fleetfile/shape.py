"""The fleet file as a whole: its sections, and the fleet that they become.

These models check one value at a time; `core.fleet.problems` checks how values fit together.
"""

from pathlib import Path

from pydantic import Field

from core.fleet import Alerts, Fleet, Heartbeat, Schedule, StatusPages, SyncPolicy, Watch
from ops.fleetfile import fields as f
from ops.fleetfile.places import secret_in
from ops.fleetfile.sections.copies import OffsiteSection, ScheduleSection, SyncSection, offsite_from
from ops.fleetfile.sections.dns import DnsSection, dns_from
from ops.fleetfile.sections.mail import MailSection, mail_from
from ops.fleetfile.sections.section import Section
from ops.fleetfile.sections.servers import ServerSection, server_from
from ops.fleetfile.sections.sites import SiteSection, site_from
from ops.fleetfile.sections.telling import (
    AlertsSection,
    BotWebSection,
    HeartbeatSection,
    SlackSection,
    StatusPagesSection,
    approval_from,
    slack_from,
    web_from,
)
from ops.fleetfile.sections.watch import WatchSection


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


def fleet_from(file: FleetFile, folder: Path) -> Fleet:
    """Return the fleet that `file` describes; its relative paths are taken from `folder`."""
    return Fleet(
        name=file.fleet,
        timezone=file.timezone,
        servers={name: server_from(name, server, folder) for name, server in file.servers.items()},
        sites={name: site_from(name, site, folder) for name, site in file.sites.items()},
        dns=dns_from(file.dns, folder),
        slack=slack_from(file.slack),
        approval=approval_from(file.slack),
        watch=Watch(**dict(file.watch)),
        schedule=Schedule(**dict(file.schedule)),
        sync=SyncPolicy(**dict(file.sync)),
        mail=mail_from(file.mail),
        offsite=offsite_from(file.offsite, folder),
        notify=tuple(secret_in(secret, folder) for secret in file.notify),
        alerts=Alerts(**dict(file.alerts)),
        heartbeat=Heartbeat(secret_in(file.heartbeat.url, folder), file.heartbeat.every) if file.heartbeat else None,
        status_pages=StatusPages(**{**dict(file.status_pages), "hide": tuple(file.status_pages.hide)}),
        web=web_from(file.web, folder),
    )

"""The fleet file as a whole: its sections, and the fleet that they become.

These models check one value at a time; `core.fleet.problems` checks how values fit together. Paths in them are taken
from the file's folder, which is the context that they are validated with.
"""

from dataclasses import replace
from typing import Any

from core.fleet import ApprovalPolicy, Fleet
from ops.fleetfile import fields as f
from ops.fleetfile.sections.copies import OffsiteSection, ScheduleSection, SyncSection
from ops.fleetfile.sections.dns import DnsSection
from ops.fleetfile.sections.mail import MailSection
from ops.fleetfile.sections.section import Section, setting
from ops.fleetfile.sections.servers import ServerSection
from ops.fleetfile.sections.sites import SiteSection
from ops.fleetfile.sections.telling import (
    AlertsSection,
    BotWebSection,
    HeartbeatSection,
    SlackSection,
    StatusPagesSection,
)
from ops.fleetfile.sections.watch import WatchSection


class FleetFile(Section, makes=Fleet):
    """The fleet, as its operator writes it."""

    fleet: f.LabelText = setting("The fleet's name.")
    timezone: f.TimeZone = setting("How times are shown and schedules are read.", default="UTC")
    slack: SlackSection | None = setting("Slack; left out: the terminal only.")
    servers: dict[f.ServerName, ServerSection] = setting("The web servers by name.", min_length=1)
    sites: dict[f.SiteName, SiteSection] = setting("The sites by name: any printable text.")
    dns: DnsSection = setting("Where the zones are changed and answered.")
    watch: WatchSection = setting("How often is looked, and what counts as down.", default_factory=WatchSection)
    schedule: ScheduleSection = setting("What happens when.", default_factory=ScheduleSection)
    sync: SyncSection = setting("What a sync may do.", default_factory=SyncSection)
    mail: MailSection | None = setting("The mail that the servers take.")
    offsite: OffsiteSection | None = setting("The third copy, away from both.")
    notify: list[f.Secret] = setting("Where alerts also go: env:NAME, an Apprise URL each.")
    alerts: AlertsSection = setting("How people are told.", default_factory=AlertsSection)
    heartbeat: HeartbeatSection | None = setting("A dead-man's switch that is told that the bot lives; left out: none.")
    status_pages: StatusPagesSection = setting(
        "What the status pages show to everybody.", default_factory=StatusPagesSection
    )
    web: BotWebSection | None = setting("The bot's own HTTP, for monitoring; left out: none.")

    def values(self) -> dict[str, Any]:
        """Return everything that the file says."""
        values = super().values()
        values["name"] = values.pop("fleet")
        values["approval"] = self.slack.approval if self.slack else ApprovalPolicy()
        works = {name: server.work for name, server in values["servers"].items() if server.work is not None}
        values["sites"] = {name: replace(site, work={**works, **site.work}) for name, site in values["sites"].items()}
        return values

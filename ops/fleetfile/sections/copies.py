"""The sections about copies: `schedule`, `sync` and `offsite`."""

from core.fleet import Offsite, OffsiteServer, Schedule, SyncPolicy
from ops.fleetfile import fields as f
from ops.fleetfile.sections.access import SshSection
from ops.fleetfile.sections.section import Section, setting


class ScheduleSection(Section, makes=Schedule):
    """What happens when, by the fleet's clock."""

    sync: f.Scheduled = setting("When the sites whose sync is daily are copied. Cron, or off.")
    backup: f.Scheduled = setting("When the off-site backup runs. Cron, or off.", default=f.NEVER)
    readiness: f.Scheduled = setting("When readiness is checked and told. Cron, or off.", default=f.NEVER)
    verify: f.Scheduled = setting("When a share of the copies is verified. Cron, or off.")


class SyncSection(Section, makes=SyncPolicy):
    """What a sync may do."""

    max_delete: f.Share = setting("A run that would delete more of a mirror stops and asks.")
    keep_replaced: f.Duration = setting("How long the mirror keeps what a run replaced or deleted.")
    parallel: f.Count = setting("How many sites are copied at once.")
    verify: f.Share = setting("The share of the copies that schedule.verify takes each time.")
    bandwidth: f.Rate | None = setting("The most that one copy may take, in bytes a second; left out: no limit.")


class OffsiteServerSection(Section, makes=OffsiteServer):
    """The host of the third copy."""

    address: f.IpOrHost = setting("Its address or host name.")
    ssh: SshSection = setting("How the bot logs in to it.")


class KeepSection(Section):
    """How many backups are kept, of each kind."""

    hourly: f.Count | None = setting("One an hour, this many.", default=None)
    daily: f.Count | None = setting("One a day, this many.", default=None)
    weekly: f.Count | None = setting("One a week, this many.", default=None)
    monthly: f.Count | None = setting("One a month, this many.", default=None)
    yearly: f.Count | None = setting("One a year, this many.", default=None)

    def values(self) -> dict[str, int]:
        """Return how many are kept of each kind that is."""
        return self.model_dump(exclude_none=True)


class OffsiteSection(Section, makes=Offsite):
    """Where the third copy goes."""

    server: OffsiteServerSection = setting("The host of the third copy.")
    path: f.PathThere = setting("The directory of the restic repositories there, one a server.")
    password: f.Secret = setting("Where the password is that the repositories' are made from.")
    keep: KeepSection = setting("How many backups are kept; left out: all.", default_factory=KeepSection)
    max_age: f.Duration = setting("A site whose backup is older than this is an alert.")

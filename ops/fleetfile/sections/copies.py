"""The sections about copies: `schedule`, `sync` and `offsite`."""

from pathlib import Path

from pydantic import Field

from core.fleet import Offsite, Schedule, SyncPolicy
from ops.fleetfile import fields as f
from ops.fleetfile.places import secret_in
from ops.fleetfile.sections.access import SshSection, login_from
from ops.fleetfile.sections.section import Section, default


class ScheduleSection(Section):
    """What happens when, by the fleet's clock."""

    sync: f.Scheduled = default(Schedule, "sync", "When the sites whose sync is daily are copied. Cron, or off.")
    backup: f.Scheduled = Field(default=f.NEVER, description="When the off-site backup runs. Cron, or off.")
    readiness: f.Scheduled = Field(default=f.NEVER, description="When readiness is checked and told. Cron, or off.")
    verify: f.Scheduled = default(Schedule, "verify", "When a share of the copies is verified. Cron, or off.")


class SyncSection(Section):
    """What a sync may do."""

    max_delete: f.Share = default(SyncPolicy, "max_delete", "A run that would delete more of a mirror stops and asks.")
    keep_replaced: f.Duration = default(
        SyncPolicy, "keep_replaced", "How long the mirror keeps what a run replaced or deleted."
    )
    parallel: f.Count = default(SyncPolicy, "parallel", "How many sites are copied at once.")
    verify: f.Share = default(SyncPolicy, "verify", "The share of the copies that schedule.verify takes each time.")
    bandwidth: f.Rate | None = Field(
        default=None, description="The most that one copy may take, in bytes a second; left out: no limit."
    )


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
    max_age: f.Duration = default(Offsite, "max_age", "A site whose backup is older than this is an alert.")


def offsite_from(offsite: OffsiteSection | None, folder: Path) -> Offsite | None:
    """Return where the third copy goes; None where the file says nothing of it."""
    if offsite is None:
        return None
    return Offsite(
        address=offsite.server.address,
        ssh=login_from(offsite.server.ssh, folder),
        path=offsite.path,
        password=secret_in(offsite.password, folder),
        keep=offsite.keep.model_dump(exclude_none=True),
        max_age=offsite.max_age,
    )

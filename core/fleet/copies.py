"""How copies are kept: when they are made, what a sync may do, and where the third copy goes."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from core.fleet.access import SecretRef, SshLogin


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
class OffsiteServer:
    """The host of the third copy."""

    address: str
    ssh: SshLogin


@dataclass(frozen=True, slots=True)
class Offsite:
    """Where the third copy goes: restic repositories over SFTP. max_age: an older backup is an alert."""

    server: OffsiteServer
    path: str
    password: SecretRef
    keep: Mapping[str, int] = field(default_factory=dict)
    max_age: timedelta = timedelta(hours=26)

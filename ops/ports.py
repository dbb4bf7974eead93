"""The bundle of ports through which commands and jobs reach the world."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ops.people.user_groups import UserGroups

if TYPE_CHECKING:
    from collections.abc import Callable

    from core.fleet import Fleet
    from ops.contracts import Clock, Databases, Dns, Engine, Probe, Restic, Ssh
    from ops.durable.standing import StoreStanding
    from ops.store import Store


@dataclass(frozen=True)
class Ports:
    """Everything a command or job may use.

    fleet: as it was when this process started. live_fleet: reads the fleet file again where it has changed since
    (blocking); raises SettingsError where it cannot be used now. restic: None where the fleet has no off-site host.
    standing: whether the store may be acted upon; None where nobody can tell. groups: who is in the chat's user groups.
    """

    fleet: Fleet
    clock: Clock
    store: Store
    ssh: Ssh
    dns: Dns
    probe: Probe
    databases: Databases
    engine: Engine
    live_fleet: Callable[[], Fleet]
    version: str = ""
    restic: Restic | None = None
    standing: StoreStanding | None = None
    groups: UserGroups = field(default_factory=UserGroups)

"""The store: what must outlive the process. SQLite by default, beside app.yaml."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ops.store.audit import AuditLog
from ops.store.cards import Cards
from ops.store.claims import Claims, Runs
from ops.store.copies.backups import Backups
from ops.store.copies.proofs import Proofs
from ops.store.copies.protection import Protection
from ops.store.copies.served import Copies
from ops.store.copies.undos import Undos
from ops.store.database import Db
from ops.store.home_tabs import HomeTabs
from ops.store.incident.maintenance import Maintenances
from ops.store.incident.outages import Outages
from ops.store.incident.reminders import Reminders
from ops.store.monitor.external_alerts import ExternalAlerts
from ops.store.monitor.history import StateHistory
from ops.store.monitor.latencies import Latencies
from ops.store.monitor.metrics import Metrics
from ops.store.monitor.states import ObservedStates
from ops.store.notifications import Notifications
from ops.store.plans import Plans

if TYPE_CHECKING:
    from pathlib import Path


class Store:
    """Everything kept, by subject. Every method raises StoreError where the file cannot be read or written."""

    def __init__(self, path: Path) -> None:
        self._db = Db(path)
        self.record = AuditLog(self._db)
        self.plans = Plans(self._db)
        self.claims = Claims(self._db)
        self.runs = Runs(self._db)
        self.cards = Cards(self._db)
        self.states = ObservedStates(self._db)
        self.outages = Outages(self._db)
        self.copies = Copies(self._db)
        self.protection = Protection(self._db)
        self.proofs = Proofs(self._db)
        self.undos = Undos(self._db)
        self.backups = Backups(self._db)
        self.history = StateHistory(self._db)
        self.home_tabs = HomeTabs(self._db)
        self.latencies = Latencies(self._db)
        self.maintenance = Maintenances(self._db)
        self.metrics = Metrics(self._db)
        self.notifications = Notifications(self._db)
        self.reminders = Reminders(self._db)
        self.external_alerts = ExternalAlerts(self._db)

    async def open(self) -> None:
        """Open the file, made and migrated where needed."""
        await self._db.open()

    async def close(self) -> None:
        """Close it."""
        await self._db.close()

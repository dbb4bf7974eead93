"""The store: what must outlive the process, by subject, over any database that implements `ops.contracts.Db`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ops.store.audit import AuditLog
from ops.store.cancellations import Cancellations
from ops.store.cards import Cards
from ops.store.claims import Claims, Runs
from ops.store.copies.backups import Backups
from ops.store.copies.mailboxes import Mailboxes
from ops.store.copies.proofs import Proofs
from ops.store.copies.protection import Protection
from ops.store.copies.served import Copies
from ops.store.copies.undos import Undos
from ops.store.fence import asking_first
from ops.store.home_tabs import HomeTabs
from ops.store.identity import StoreIdentity
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
    from ops.contracts import Db


class Store:
    """Everything kept, by subject. Every method raises StoreError where the database cannot be used."""

    def __init__(self, db: Db) -> None:
        self._db = db
        self.record = AuditLog(db)
        self.identity = StoreIdentity(db)
        self.plans = Plans(db)
        self.claims = Claims(db)
        self.cancellations = Cancellations(db)
        self.runs = Runs(db)
        self.cards = Cards(db)
        self.states = ObservedStates(db)
        self.outages = Outages(db)
        self.copies = Copies(db)
        self.protection = Protection(db)
        self.proofs = Proofs(db)
        self.mailboxes = Mailboxes(db)
        self.undos = Undos(db)
        self.backups = Backups(db)
        self.history = StateHistory(db)
        self.home_tabs = HomeTabs(db)
        self.latencies = Latencies(db)
        self.maintenance = Maintenances(db)
        self.metrics = Metrics(db)
        self.notifications = Notifications(db)
        self.reminders = Reminders(db)
        self.external_alerts = ExternalAlerts(db)

    async def open(self) -> None:
        """Open the database, its tables made and migrated where needed."""
        await self._db.open()

    async def ask_fences(self) -> None:
        """Return where the caller's work is still its own. Raises FencedError where it is not."""
        await self._db.read(asking_first(lambda _transaction: None))

    async def examine(self) -> None:
        """Read all of the file. Raises StoreDamagedError where it is not what was written; it may take seconds."""
        await self._db.examine()

    async def close(self) -> None:
        """Close it."""
        await self._db.close()

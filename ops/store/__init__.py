"""The store: what must outlive the process. SQLite by default, beside app.yaml."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ops.store.backups import Backups
from ops.store.cards import Cards
from ops.store.claims import Claims, Runs
from ops.store.copies import Copies
from ops.store.database import Db
from ops.store.history_of_states import StateHistory
from ops.store.home_tabs import HomeTabs
from ops.store.keeping import Keeping
from ops.store.latencies import Latencies
from ops.store.maintenance import Maintenances
from ops.store.measures import Measures
from ops.store.plans import Plans
from ops.store.proofs import Proofs
from ops.store.record import Record
from ops.store.reminders import Reminders
from ops.store.reports import Reports
from ops.store.sent import Sent
from ops.store.undos import Undos
from ops.store.watching import Watching

if TYPE_CHECKING:
    from pathlib import Path


class Store:
    """Everything kept, by subject. Every method raises StoreError where the file cannot be read or written."""

    def __init__(self, path: Path) -> None:
        self._db = Db(path)
        self.record = Record(self._db)
        self.plans = Plans(self._db)
        self.claims = Claims(self._db)
        self.runs = Runs(self._db)
        self.cards = Cards(self._db)
        self.watching = Watching(self._db)
        self.copies = Copies(self._db)
        self.keeping = Keeping(self._db)
        self.proofs = Proofs(self._db)
        self.undos = Undos(self._db)
        self.backups = Backups(self._db)
        self.history = StateHistory(self._db)
        self.home_tabs = HomeTabs(self._db)
        self.latencies = Latencies(self._db)
        self.maintenance = Maintenances(self._db)
        self.measures = Measures(self._db)
        self.sent = Sent(self._db)
        self.reminders = Reminders(self._db)
        self.reports = Reports(self._db)

    async def open(self) -> None:
        """Open the file, made and migrated where needed."""
        await self._db.open()

    async def examine(self) -> None:
        """Read all of the file. Raises StoreDamagedError where it is not what was written; it may take seconds."""
        await self._db.examine()

    async def close(self) -> None:
        """Close it."""
        await self._db.close()

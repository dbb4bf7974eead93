"""What the store is built over: a database that knows transactions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import timedelta

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class LeaseTime:
    """A moment by a clock that nobody sets, and that goes on while the machine sleeps: what leases end by.

    It counts seconds within an `epoch`, such as one boot of a machine. A lease of another epoch has ended.
    """

    epoch: str
    at_s: float

    def after(self, lease: timedelta) -> LeaseTime:
        """Return when a lease ends that begins now."""
        return LeaseTime(self.epoch, self.at_s + lease.total_seconds())


class Transaction(Protocol):
    """SQL inside one transaction that is open, in words that SQLite and PostgreSQL both know.

    `?` stands for a parameter: text, a number, True, False or None. Text is compared byte by byte. What the tables
    hold as JSON is read by the caller, or stands in a column that the schema makes of it.
    """

    def execute(self, sql: str, parameters: Sequence[object] = ()) -> int:
        """Change something, and return how many rows it made, changed or deleted."""

    def execute_many(self, sql: str, rows: Iterable[Sequence[object]]) -> None:
        """Do the same once for each row of parameters."""

    def query(
        self, sql: str, parameters: Sequence[object] = (), *, given: Mapping[str, Sequence[str]] | None = None
    ) -> list[dict[str, Any]]:
        """Return all rows, each by its columns' names; of INSERT and UPDATE, what RETURNING says.

        given: columns of text, however long; `sql`, which then begins with SELECT, reads them as the table `given`.
        """

    def lease_time(self) -> LeaseTime:
        """Return the present moment by the clock that all who share this database go by."""


class Db(Protocol):
    """What keeps the store. Work is a function of a transaction, run outside of the event loop, alone and whole.

    Every method raises StoreError where the database cannot be used.
    """

    async def open(self) -> None:
        """Open it, its tables made and migrated where needed."""

    async def close(self) -> None:
        """Close it; nothing is pending afterwards."""

    async def examine(self) -> None:
        """Read all of it. Raises StoreDamagedError where it is not what was written; it may take seconds."""

    async def read(self, work: Callable[[Transaction], T]) -> T:
        """Run `work`, which only reads."""

    async def write(self, work: Callable[[Transaction], T]) -> T:
        """Run `work` in one transaction: all of it is kept, or (when it raises) nothing.

        No other process writes meanwhile: what it has read still holds when it ends. What the caller's work rests on is
        asked first, in the same transaction (`ops.store.fence.asking_first`). Raises FencedError.
        """

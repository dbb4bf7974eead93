"""What other monitoring reports of the fleet: who says, since when, that something is down."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.fleet.target import Target
from core.wording import from_stamp, stamp

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from ops.contracts import Db, Transaction


@dataclass(frozen=True, slots=True)
class Report:
    """`source` says, last at `said_at`, that `target`, a server or name server, is down since `begun_at`."""

    source: str
    target: Target
    begun_at: datetime
    said_at: datetime


class ExternalAlerts:
    """The newest word of each source on each target; of what it says is over nothing is kept."""

    def __init__(self, db: Db) -> None:
        self._db = db

    async def take_in(self, firing: Iterable[Report], over: Iterable[tuple[str, Target]]) -> None:
        """Keep reports, and forget those of each (source, target) in `over`."""
        rows = [(one.source, str(one.target), stamp(one.begun_at), stamp(one.said_at)) for one in firing]
        gone = [(source, str(target)) for source, target in over]

        def work(transaction: Transaction) -> None:
            transaction.execute_many("DELETE FROM reports WHERE source = ? AND target = ?", gone)
            transaction.execute_many(
                "INSERT INTO reports (source, target, begun_at, said_at) VALUES (?, ?, ?, ?) "
                "ON CONFLICT (source, target) DO UPDATE "
                "SET begun_at = excluded.begun_at, said_at = excluded.said_at",
                rows,
            )

        await self._db.write(work)

    async def since(self, said_after_at: datetime) -> Mapping[Target, tuple[Report, ...]]:
        """Return the reports that were made or repeated after this moment, by target."""
        rows = await self._db.read(
            lambda transaction: transaction.query(
                "SELECT * FROM reports WHERE said_at > ? ORDER BY source", [stamp(said_after_at)]
            )
        )
        found: dict[Target, tuple[Report, ...]] = {}
        for row in rows:
            target = Target.parse(row["target"])
            report = Report(row["source"], target, from_stamp(row["begun_at"]), from_stamp(row["said_at"]))
            found[target] = (*found.get(target, ()), report)
        return found

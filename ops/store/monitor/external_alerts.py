"""What other monitoring reports of the fleet: who says, since when, that something is down."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.wording import stamp
from ops.store.part import StorePart, value_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from core.fleet.target import Target
    from ops.contracts import Transaction


@dataclass(frozen=True, slots=True)
class Report:
    """`source` says, last at `said_at`, that `target`, a server or name server, is down since `begun_at`."""

    source: str
    target: Target
    begun_at: datetime
    said_at: datetime


class ExternalAlerts(StorePart):
    """The newest word of each source on each target; of what it says is over nothing is kept."""

    async def take_in(
        self, firing: Iterable[Report], over: Iterable[tuple[str, Target]], forget_before: datetime | None = None
    ) -> None:
        """Keep reports, and forget those of each (source, target) in `over`, and those last made before a moment."""
        rows = [(one.source, str(one.target), stamp(one.begun_at), stamp(one.said_at)) for one in firing]
        gone = [(source, str(target)) for source, target in over]

        def work(transaction: Transaction) -> None:
            transaction.execute_many("DELETE FROM reports WHERE source = ? AND target = ?", gone)
            if forget_before is not None:
                transaction.execute("DELETE FROM reports WHERE said_at < ?", [stamp(forget_before)])
            transaction.execute_many(
                "INSERT INTO reports (source, target, begun_at, said_at) VALUES (?, ?, ?, ?) "
                "ON CONFLICT (source, target) DO UPDATE "
                "SET begun_at = excluded.begun_at, said_at = excluded.said_at",
                rows,
            )

        await self._db.write(work)

    async def since(self, said_after_at: datetime) -> Mapping[Target, tuple[Report, ...]]:
        """Return the reports that were made or repeated after this moment, by target."""
        rows = await self._query("SELECT * FROM reports WHERE said_at > ? ORDER BY source", [stamp(said_after_at)])
        found: dict[Target, tuple[Report, ...]] = {}
        for row in rows:
            report = value_of(Report, row)
            found[report.target] = (*found.get(report.target, ()), report)
        return found

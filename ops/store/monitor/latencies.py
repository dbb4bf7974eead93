"""How fast each target answered, of late: one median for each slot of time, and no more slots than are shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.status.plot import SLOTS
from ops.store.part import StorePart

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from core.fleet.target import Target
    from ops.contracts import Transaction


class Latencies(StorePart):
    """Answer times in seconds, by target and slot (see `core.status.plot.slot_of`)."""

    async def keep(self, medians: Iterable[tuple[Target, int, float]]) -> None:
        """Keep (target, slot, seconds); one that is there already is replaced, and what is too old forgotten."""
        rows = [(str(target), slot, took_s) for target, slot, took_s in medians]

        def work(transaction: Transaction) -> None:
            transaction.execute_many(
                "INSERT INTO latencies (target, slot, took_s) VALUES (?, ?, ?) "
                "ON CONFLICT (target, slot) DO UPDATE SET took_s = excluded.took_s",
                rows,
            )
            transaction.execute_many(
                "DELETE FROM latencies WHERE target = ? AND slot <= ?", [(row[0], row[1] - SLOTS) for row in rows]
            )

        await self._db.write(work)

    async def of(self, target: Target, since_slot: int) -> Mapping[int, float]:
        """Return the medians of a target from that slot on, by slot."""
        rows = await self._query(
            "SELECT slot, took_s FROM latencies WHERE target = ? AND slot >= ?", [str(target), since_slot]
        )
        return {row["slot"]: row["took_s"] for row in rows}

    async def forget(self, before_slot: int) -> int:
        """Forget the medians before that slot, of targets that are gone too; return how many they were."""
        return await self._execute("DELETE FROM latencies WHERE slot < ?", [before_slot])

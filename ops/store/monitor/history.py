"""How targets were over a long time: what a status page shows of the past."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.fleet.target import Target
from core.wording import from_stamp, stamp
from ops.store.part import StorePart

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from core.page.days import Stretch
    from ops.contracts import Transaction


class StateHistory(StorePart):
    """Reads what the watch has written, and forgets what nobody asks for any more."""

    async def stretches(self, targets: Iterable[Target], since_at: datetime) -> Mapping[Target, tuple[Stretch, ...]]:
        """Return the observed stretches (state, from, until) of each target that end after `since_at`, in order.

        A target that was never observed since is absent.
        """
        wanted = [str(target) for target in targets]

        def work(transaction: Transaction) -> dict[str, list[tuple[str, datetime, datetime]]]:
            rows = transaction.query(
                "SELECT target, state, from_at, until_at FROM given JOIN observed USING (target) WHERE until_at > ? "
                "ORDER BY target, from_at",
                [stamp(since_at)],
                given={"target": wanted},
            )
            found: dict[str, list[tuple[str, datetime, datetime]]] = {}
            for row in rows:
                stretch = (row["state"], from_stamp(row["from_at"]), from_stamp(row["until_at"]))
                found.setdefault(row["target"], []).append(stretch)
            return found

        found = await self._db.read(work)
        return {Target.parse(target): tuple(stretches) for target, stretches in found.items()}

    async def forget(self, before_at: datetime) -> int:
        """Forget the stretches that ended before then, of targets that are gone too; return how many they were."""
        return await self._execute("DELETE FROM observed WHERE until_at < ?", [stamp(before_at)])

"""How targets were over a long time: what a status page shows of the past."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from core.fleet.target import Target
from core.wording import from_stamp, stamp

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from sqlite_utils import Database

    from core.page.days import Stretch
    from ops.store.database import Db


class StateHistory:
    """Reads what the watch has written, and forgets what nobody asks for any more."""

    def __init__(self, db: Db) -> None:
        self._db = db

    async def stretches(self, targets: Iterable[Target], since_at: datetime) -> Mapping[Target, tuple[Stretch, ...]]:
        """Return the observed stretches (state, from, until) of each target that end after `since_at`, in order.

        A target that was never observed since is absent.
        """
        wanted = json.dumps([str(target) for target in targets])

        def work(database: Database) -> dict[str, list[tuple[str, datetime, datetime]]]:
            rows = database.conn.execute(
                "SELECT observed.target, state, from_at, until_at FROM json_each(?) JOIN observed "
                "ON observed.target = value AND until_at > ? ORDER BY observed.target, from_at",
                [wanted, stamp(since_at)],
            )
            found: dict[str, list[tuple[str, datetime, datetime]]] = {}
            for target, state, from_at, until_at in rows:
                found.setdefault(target, []).append((state, from_stamp(from_at), from_stamp(until_at)))
            return found

        found = await self._db.read(work)
        return {Target.parse(target): tuple(stretches) for target, stretches in found.items()}

    async def forget(self, before_at: datetime) -> int:
        """Forget the stretches that ended before then, of targets that are gone too; return how many they were."""
        cursor = await self._db.write(
            lambda database: database.conn.execute("DELETE FROM observed WHERE until_at < ?", [stamp(before_at)])
        )
        return cursor.rowcount

"""How well sites are kept, over every kind of copy: copied to a mirror, compared with their source, backed up."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.wording import from_stamp

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from ops.store.database import Db


@dataclass(frozen=True, slots=True)
class LastComparison:
    """When a copy was last compared with its source by checksum, and whether they were the same."""

    at: datetime
    same: bool


class Protection:
    """Reads what other parts of the store write."""

    def __init__(self, db: Db) -> None:
        self._db = db

    async def compared(self) -> Mapping[tuple[str, str], LastComparison]:
        """Return the newest comparison that came to an end of every (site, mirror)."""
        rows = await self._db.read(
            lambda database: database.conn.execute(
                "SELECT site, mirror, max(at), outcome FROM proofs WHERE outcome IN ('good', 'differs') "
                "GROUP BY site, mirror"
            ).fetchall()
        )
        return {(site, mirror): LastComparison(from_stamp(at), outcome == "good") for site, mirror, at, outcome in rows}

    async def backed_up(self) -> Mapping[str, datetime]:
        """Return when the newest good backup of every site was begun; a site without one is absent."""
        rows = await self._db.read(
            lambda database: database.conn.execute(
                "SELECT site, max(begun_at) FROM backups WHERE outcome = 'good' GROUP BY site"
            ).fetchall()
        )
        return {site: from_stamp(at) for site, at in rows}

    async def kept_nowhere(self, sites: Iterable[str]) -> tuple[str, ...]:
        """Return those of `sites` of which no good copy was ever made, on a mirror or off-site, in their order."""
        wanted = json.dumps(list(sites))
        rows = await self._db.read(
            lambda database: database.conn.execute(
                "SELECT value FROM json_each(?) WHERE NOT EXISTS (SELECT 1 FROM syncs WHERE syncs.site = value AND "
                "outcome = 'good') AND NOT EXISTS (SELECT 1 FROM backups WHERE backups.site = value AND "
                "outcome = 'good') ORDER BY key",
                [wanted],
            ).fetchall()
        )
        return tuple(site for (site,) in rows)

"""How well sites are kept, over every kind of copy: copied to a mirror, compared with their source, backed up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.wording import from_stamp
from ops.store.part import StorePart, newest_by

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from ops.contracts import Transaction


@dataclass(frozen=True, slots=True)
class LastComparison:
    """When a copy was last compared with its source by checksum, and whether they were the same."""

    at: datetime
    same: bool


def newest_comparisons(transaction: Transaction) -> list[dict[str, str]]:
    """Return the row of the newest comparison of every copy that came to an end."""
    return transaction.query(newest_by("site, mirror", "proofs", "at", "outcome IN ('good', 'differs')"))


class Protection(StorePart):
    """Reads what other parts of the store write."""

    async def compared(self) -> Mapping[tuple[str, str], LastComparison]:
        """Return the newest comparison that came to an end of every (site, mirror)."""
        rows = await self._db.read(newest_comparisons)
        return {
            (row["site"], row["mirror"]): LastComparison(from_stamp(row["at"]), row["outcome"] == "good")
            for row in rows
        }

    async def backed_up(self) -> Mapping[str, datetime]:
        """Return when the newest good backup of every site was begun; a site without one is absent."""
        rows = await self._query("SELECT site, max(begun_at) AS at FROM backups WHERE outcome = 'good' GROUP BY site")
        return {row["site"]: from_stamp(row["at"]) for row in rows}

    async def kept_nowhere(self, sites: Iterable[str]) -> tuple[str, ...]:
        """Return those of `sites` of which no good copy was ever made, on a mirror or off-site, in their order."""
        wanted = list(sites)
        rows = await self._query(
            "SELECT site FROM given WHERE NOT EXISTS (SELECT 1 FROM syncs WHERE syncs.site = given.site AND "
            "outcome = 'good') AND NOT EXISTS (SELECT 1 FROM backups WHERE backups.site = given.site AND "
            "outcome = 'good')",
            given={"site": wanted},
        )
        nowhere = {row["site"] for row in rows}
        return tuple(site for site in wanted if site in nowhere)

"""Which runs may have left something behind on a server: syncs; and on record alone: undos, kept paths, stragglers."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from core.sync.undo import STAMP, UndoableRun, did_in_words
from ops.store.part import StorePart

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from ops.contracts import Transaction

_SYNCS = "SELECT id, site, mirror AS server, coalesce(outcome, 'running') AS outcome, body, files, deleted FROM syncs"
_UNDOS = (
    "SELECT run AS id, subject AS site, server, replace(kind, '.begun', '') AS outcome, body, NULL, NULL FROM record "
    "WHERE kind IN ('undo.begun', 'keep.begun', 'catch-up.begun')"
)
# The record grows for years, and an undo lasts hours.
LOOKED_AT = 20_000
_WITHOUT_END = """
    SELECT subject, who, body FROM record AS begun
    WHERE seq > (SELECT max(seq) FROM record) - ? AND kind = ? AND NOT EXISTS (
        SELECT 1 FROM record AS later WHERE later.subject = begun.subject AND later.seq > begun.seq
        AND later.kind LIKE ? AND later.run = begun.run)
    ORDER BY seq"""


class Undos(StorePart):
    """Finds runs by what people know of them."""

    async def run(self, run_id: str) -> UndoableRun | None:
        """Return the run called `run_id`, or None."""
        found = await self._runs("id = ?", [run_id])
        return next(iter(found.values()), None)

    async def of_site(self, site: str, ids: Iterable[str]) -> Mapping[str, UndoableRun]:
        """Return those of the runs called `ids` that may have changed a copy of `site`, by their ids."""
        return await self._runs("site = ? AND id IN (SELECT id FROM given)", [site], {"id": list(ids)})

    async def since(self, at: datetime, most: int) -> tuple[UndoableRun, ...]:
        """Return the newest `most` runs since `at` that may have replaced or deleted something, the newest first."""
        where = f"id >= ? AND (outcome != 'good' OR files > 0 OR deleted > 0) ORDER BY id DESC LIMIT {most:d}"
        return tuple((await self._runs(where, [at.strftime(STAMP)])).values())

    async def without_end(self, kind: str = "undo") -> tuple[tuple[str, str, Mapping[str, object]], ...]:
        """Return (site, who, body) of each undo, or `kind`, that has no end on record, among the newest entries."""
        rows = await self._query(_WITHOUT_END, [LOOKED_AT, f"{kind}.begun", f"{kind}.%"])
        return tuple((row["subject"], row["who"], json.loads(row["body"])) for row in rows)

    async def _runs(
        self, where: str, parameters: list[str], given: Mapping[str, Sequence[str]] | None = None
    ) -> Mapping[str, UndoableRun]:
        sql = f"SELECT * FROM ({_SYNCS} UNION ALL {_UNDOS}) AS runs WHERE outcome != 'refused' AND {where}"  # noqa: S608 - literals above

        def work(transaction: Transaction) -> list[dict[str, str]]:
            return transaction.query(sql, parameters, given=given)

        return {
            row["id"]: UndoableRun(
                row["id"], row["site"], row["server"], did_in_words(row["outcome"], json.loads(row["body"]))
            )
            for row in await self._db.read(work)
        }

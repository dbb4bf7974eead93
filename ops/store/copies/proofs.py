"""Proofs: when a copy was compared with its source by checksum, and what came of it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.wording import stamp
from ops.store.audit import write_entry
from ops.store.part import StorePart, newest_by, value_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from ops.contracts import Transaction

# The record is kept for ever: it names the first paths, the proof itself all that were kept.
NAMED = 20


@dataclass(frozen=True, slots=True)
class ProofRun:
    """One comparison, begun `at`. outcome: "good", "differs", "refused" or "failed"."""

    id: str
    site: str
    source: str
    mirror: str
    at: datetime
    outcome: str
    body: Mapping[str, object]


class Proofs(StorePart):
    """What has been proven of copies."""

    async def add(self, run: ProofRun, ended_at: datetime, who: str) -> None:
        """Keep how a comparison ended, on record too; one that is kept already stays as it is."""
        paths = run.body.get("paths")
        if not isinstance(paths, list):
            paths = []

        def work(transaction: Transaction) -> None:
            changed = transaction.execute(
                "INSERT INTO proofs VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                [run.id, run.site, run.source, run.mirror, stamp(run.at), run.outcome, json.dumps(dict(run.body))],
            )
            if changed:
                body = {"proof": run.id, **run.body, **({"paths": paths[:NAMED]} if paths else {})}
                write_entry(transaction, ended_at, f"proof.{run.outcome}", run.site, who, body)

        await self._db.write(work)

    async def last(self) -> Mapping[tuple[str, str], ProofRun]:
        """Return the newest comparison of every (site, mirror), however it ended."""
        rows = await self._query(newest_by("site, mirror", "proofs", "at"))
        return {(row["site"], row["mirror"]): value_of(ProofRun, row) for row in rows}

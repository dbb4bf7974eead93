"""The record in the store: entries are added in the same transaction as what they are about."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from core.audit import FIRST, Entry, entry_hash
from core.wording import stamp
from ops.store.part import StorePart

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from ops.contracts import Transaction

_COLUMNS = "seq, at, kind, subject, who, body, before, hash"


def write_entry(
    transaction: Transaction, at: datetime, kind: str, subject: str, who: str, body: Mapping[str, object] | None = None
) -> int:
    """Add one entry inside a transaction that is open already, and return its number."""
    last = transaction.query("SELECT seq, hash FROM record ORDER BY seq DESC LIMIT 1")
    seq, before = (last[0]["seq"] + 1, last[0]["hash"]) if last else (1, FIRST)
    # What is hashed is what JSON keeps of it, so that reading it back hashes alike.
    kept = json.loads(json.dumps(dict(body or {})))
    digest = entry_hash(before, stamp(at), kind, subject, who, kept)
    transaction.execute(
        f"INSERT INTO record ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608 - a literal above
        [seq, stamp(at), kind, subject, who, json.dumps(kept, sort_keys=True), before, digest],
    )
    return seq


class AuditLog(StorePart):
    """Who did what, when, from where."""

    async def add(
        self, at: datetime, kind: str, subject: str, who: str, body: Mapping[str, object] | None = None
    ) -> int:
        """Add one entry and return its number. Raises StoreError: then what it announces must not be done."""
        return await self._db.write(lambda transaction: write_entry(transaction, at, kind, subject, who, body))

    async def entries(self, *, last: int | None = None, subject: str | None = None) -> tuple[Entry, ...]:
        """Return the newest `last` entries (None: all), oldest first, of `subject` only where it is given."""
        where, parameters = ("WHERE subject = ?", [subject]) if subject is not None else ("", [])
        limit = f"LIMIT {last:d}" if last is not None else ""
        sql = f"SELECT * FROM (SELECT {_COLUMNS} FROM record {where} ORDER BY seq DESC {limit}) AS newest ORDER BY seq"  # noqa: S608 - the parts are literals above
        rows = await self._query(sql, parameters)
        return tuple(Entry(**{**row, "body": json.loads(row["body"])}) for row in rows)

"""Somebody who has the store and writes its whole record anew, with hashes that fit."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from core.audit import FIRST, entry_hash

if TYPE_CHECKING:
    from ops.contracts import Transaction
    from ops.store import Store


async def write_anew(store: Store, number: int) -> None:
    """Blame somebody else for an entry, and give all entries their hashes anew, as whoever has the file can."""

    def work(transaction: Transaction) -> None:
        before = FIRST
        transaction.execute("DROP TRIGGER IF EXISTS record_fixed")
        for row in transaction.query("SELECT seq, at, kind, subject, who, body FROM record ORDER BY seq"):
            who = "mallory" if row["seq"] == number else row["who"]
            digest = entry_hash(before, row["at"], row["kind"], row["subject"], who, json.loads(row["body"]))
            transaction.execute(
                "UPDATE record SET who = ?, before = ?, hash = ? WHERE seq = ?", [who, before, digest, row["seq"]]
            )
            before = digest

    await store._db.write(work)

"""Which store this is, and whether it may be acted upon: kept in the store itself, so that it goes where that goes."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime  # noqa: TC003 - a field's type is read
from typing import TYPE_CHECKING

from core.audit import FIRST
from core.store_standing import StoreNote
from core.wording import from_stamp, stamp
from ops.store.audit import write_entry
from ops.store.cards import put_card
from ops.store.part import StorePart

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from core.reply import Reply
    from ops.contracts import Transaction


@dataclass(frozen=True, slots=True)
class StoreDoubt:
    """The store may not be the newest: since when that is known, why, and the card that says so."""

    since_at: datetime
    why: str
    card: str


class StoreIdentity(StorePart):
    """The store's id, what it had before, and whether there is doubt about it."""

    async def own(self, at: datetime) -> StoreNote:
        """Return what the store says of itself, `at` being now."""

        def work(transaction: Transaction) -> StoreNote:
            *earlier, own = (row["id"] for row in transaction.query("SELECT id FROM store_ids ORDER BY number"))
            last = transaction.query("SELECT seq, hash FROM record ORDER BY seq DESC LIMIT 1")
            copies = transaction.query("SELECT site, server FROM quarantine ORDER BY site, server")
            return StoreNote(
                store=own,
                number=last[0]["seq"] if last else 0,
                hash=last[0]["hash"] if last else FIRST,
                at=at,
                earlier=tuple(earlier),
                quarantined=tuple((row["site"], row["server"]) for row in copies),
            )

        return await self._db.read(work)

    async def hashes(self, numbers: Iterable[int]) -> Mapping[int, str]:
        """Return the hash of each entry of the record that is there under one of these numbers."""
        asked = [str(number) for number in numbers]
        sql = "SELECT seq, hash FROM given JOIN record ON record.seq = CAST(given.number AS INTEGER)"
        rows = await self._query(sql, given={"number": asked}) if asked else []
        return {row["seq"]: row["hash"] for row in rows}

    async def doubt(self) -> StoreDoubt | None:
        """Return why the store must not be acted upon, or None."""
        rows = await self._query("SELECT since_at, why, card FROM store_doubt")
        return StoreDoubt(from_stamp(rows[0]["since_at"]), rows[0]["why"], rows[0]["card"]) if rows else None

    async def put_in_doubt(self, why: str, card: Reply, at: datetime, who: str) -> bool:
        """Keep that it must not be acted upon, on record, with a card of its own; False where that is known already."""
        key = f"store:{stamp(at)}"

        def work(transaction: Transaction) -> bool:
            began = "INSERT INTO store_doubt (one, since_at, why, card) VALUES (1, ?, ?, ?) ON CONFLICT DO NOTHING"
            if not transaction.execute(began, [stamp(at), why, key]):
                return False
            write_entry(transaction, at, "store.doubted", "store", who, {"why": why})
            put_card(transaction, key, card, at)
            return True

        return await self._db.write(work)

    async def accept(self, others: Iterable[str], card: Reply, at: datetime, who: str) -> str:
        """End the doubt, on record, and return the store's new id: who still has the old one is behind from now on.

        others: the ids of stores whose place it takes. card: what the doubt's card says from now on.
        """
        settled, own = sorted(set(others)), secrets.token_hex(8)

        def work(transaction: Transaction) -> str:
            for one in settled:
                transaction.execute(
                    "INSERT INTO store_ids (number, id) VALUES ((SELECT min(number) - 1 FROM store_ids), ?) "
                    "ON CONFLICT DO NOTHING",
                    [one],
                )
            transaction.execute(
                "INSERT INTO store_ids (number, id) VALUES ((SELECT max(number) + 1 FROM store_ids), ?)", [own]
            )
            for row in transaction.query("SELECT card FROM store_doubt"):
                put_card(transaction, row["card"], card, at)
            transaction.execute("DELETE FROM store_doubt")
            write_entry(transaction, at, "store.accepted", "store", who, {"store": own, "instead_of": settled})
            return own

        return await self._db.write(work)

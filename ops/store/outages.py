"""Outages: what was down, since when, who looks after it; each kept together with its card."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.words import from_stamp, stamp
from ops.store.cards import put_card
from ops.store.record import write_entry

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sqlite_utils import Database

    from core.reply import Reply
    from ops.store.database import Db


@dataclass(frozen=True, slots=True)
class Outage:
    """Something was down. `body` holds plain facts for its card (sites affected, vantage points, …)."""

    id: int
    target: str
    opened_at: datetime
    closed_at: datetime | None
    body: Mapping[str, object]
    acked_by: str | None = None
    acked_at: datetime | None = None
    cause: str | None = None

    @property
    def card(self) -> str:
        """The key of the card that shows it; several outages may share one."""
        return str(self.body.get("card", f"outage:{self.id}"))


# Given all the outages that share a card, oldest first: what the card shows.
Draw = Callable[[tuple[Outage, ...]], "Reply"]


class Outages:
    """Every outage, on record."""

    def __init__(self, db: Db) -> None:
        self._db = db

    async def open_outage(
        self,
        target: str,
        opened_at: datetime,
        who: str,
        body: Mapping[str, object],
        draw: Draw,
        at: datetime,
        *,
        card: str | None = None,
    ) -> tuple[Outage, bool]:
        """Open an outage of `target` as of `opened_at`, on record, together with its card.

        card: the key of another outage's card that it joins; None: one of its own. Where an outage of `target` is
        open already, nothing changes: returned are that one and False.
        """

        def work(database: Database) -> tuple[Outage, bool]:
            cursor = database.conn.execute(
                "INSERT INTO outages (target, opened_at, body) VALUES (?, ?, '{}') ON CONFLICT DO NOTHING",
                [target, stamp(opened_at)],
            )
            new = bool(cursor.rowcount)
            row = next(iter(database.query("SELECT * FROM outages WHERE target = ? AND closed_at IS NULL", [target])))
            if new:
                key = card or f"outage:{row['id']}"
                kept = {**body, "card": key}
                database.table("outages").update(row["id"], {"body": json.dumps(kept)})
                write_entry(database, at, "outage.opened", target, who, kept)
                _draw(database, key, draw, at)
                row = database.table("outages").get(row["id"])
            return _outage(row), new

        return await self._db.write(work)

    async def change_outage(self, outage: Outage, body: Mapping[str, object], draw: Draw, at: datetime) -> None:
        """Replace the facts of an outage together with its card."""

        def work(database: Database) -> None:
            database.table("outages").update(outage.id, {"body": json.dumps({**body, "card": outage.card})})
            _draw(database, outage.card, draw, at)

        await self._db.write(work)

    async def close_outage(
        self, outage: Outage, closed_at: datetime, who: str, body: Mapping[str, object], draw: Draw, at: datetime
    ) -> bool:
        """Close an outage as of `closed_at`, on record, together with its card; False where it was closed already."""

        def work(database: Database) -> bool:
            kept = {**body, "card": outage.card}
            cursor = database.conn.execute(
                "UPDATE outages SET closed_at = ?, body = ? WHERE id = ? AND closed_at IS NULL",
                [stamp(closed_at), json.dumps(kept), outage.id],
            )
            if cursor.rowcount:
                write_entry(database, at, "outage.closed", outage.target, who, kept)
                _draw(database, outage.card, draw, at)
            return bool(cursor.rowcount)

        return await self._db.write(work)

    async def acknowledge(self, outage: Outage, who: str, at: datetime, draw: Draw) -> tuple[Outage, ...]:
        """Note who looks after an outage and the others on its card; return those that nobody looked after before."""

        def work(database: Database) -> tuple[Outage, ...]:
            free = [one for one in _sharing(database, outage.card) if one.acked_by is None and one.closed_at is None]
            for one in free:
                database.table("outages").update(one.id, {"acked_by": who, "acked_at": stamp(at)})
                write_entry(database, at, "outage.acknowledged", one.target, who, {"outage": one.id})
            if free:
                _draw(database, outage.card, draw, at)
            return tuple(free)

        return await self._db.write(work)

    async def open_outages(self) -> tuple[Outage, ...]:
        """Return the outages that are not over, oldest first."""
        rows = await self._db.read(
            lambda database: list(database.query("SELECT * FROM outages WHERE closed_at IS NULL ORDER BY id"))
        )
        return tuple(_outage(row) for row in rows)

    async def outage(self, outage_id: int) -> Outage | None:
        """Return one outage, or None."""
        rows = await self._db.read(
            lambda database: list(database.query("SELECT * FROM outages WHERE id = ?", [outage_id]))
        )
        return _outage(rows[0]) if rows else None


def _sharing(database: Database, card: str) -> tuple[Outage, ...]:
    rows = database.query("SELECT * FROM outages WHERE json_extract(body, '$.card') = ? ORDER BY id", [card])
    return tuple(_outage(row) for row in rows)


def _draw(database: Database, card: str, draw: Draw, at: datetime) -> None:
    put_card(database, card, draw(_sharing(database, card)), at)


def _outage(row: dict[str, str]) -> Outage:
    return Outage(
        id=int(row["id"]),
        target=row["target"],
        opened_at=from_stamp(row["opened_at"]),
        closed_at=from_stamp(row["closed_at"]) if row["closed_at"] else None,
        body=json.loads(row["body"]),
        acked_by=row["acked_by"],
        acked_at=from_stamp(row["acked_at"]) if row["acked_at"] else None,
        cause=row["cause"],
    )

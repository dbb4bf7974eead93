"""Outages: what was down, since when, who looks after it; each kept together with its card."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.words import from_stamp, stamp
from ops.store.cards import put_card
from ops.store.record import write_entry

if TYPE_CHECKING:
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
# Given the keys of the cards that were made for the same batch so far: the card to join, or None for one of its own.
Choose = Callable[[Sequence[str]], str | None]


@dataclass(frozen=True, slots=True)
class Opening:
    """An outage to be opened: of what, since when, and its facts."""

    target: str
    opened_at: datetime
    body: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Closing:
    """An outage to be closed, as of when, and its last facts."""

    outage: Outage
    closed_at: datetime
    body: Mapping[str, object]


class Outages:
    """Every outage, on record. Whatever changes several of them draws each card once, in the same transaction."""

    def __init__(self, db: Db) -> None:
        self._db = db

    async def open_many(
        self, openings: Sequence[Opening], who: str, choose: Choose, draw: Draw, at: datetime
    ) -> tuple[Outage, ...]:
        """Open outages, on record, together with their cards; return those of these targets that are open then.

        choose: says for each on which card it goes. Where an outage of a target is open already, nothing changes.
        """

        def work(database: Database) -> tuple[Outage, ...]:
            made: list[str] = []
            touched: dict[str, None] = {}
            for one in openings:
                cursor = database.conn.execute(
                    "INSERT INTO outages (target, opened_at, body) VALUES (?, ?, '{}') ON CONFLICT DO NOTHING",
                    [one.target, stamp(one.opened_at)],
                )
                if cursor.rowcount:
                    card = choose(made)
                    if card is None:
                        card = f"outage:{cursor.lastrowid}"
                        made.append(card)
                    kept = {**one.body, "card": card}
                    _keep_body(database, int(cursor.lastrowid or 0), kept)
                    write_entry(database, at, "outage.opened", one.target, who, kept)
                    touched[card] = None
            for card in touched:
                _draw(database, card, draw, at)
            targets = {one.target for one in openings}
            return tuple(outage for outage in _open(database) if outage.target in targets)

        return await self._db.write(work)

    async def change_many(
        self, changes: Sequence[tuple[Outage, Mapping[str, object]]], draw: Draw, at: datetime
    ) -> None:
        """Replace the facts of outages together with their cards."""

        def work(database: Database) -> None:
            for outage, body in changes:
                _keep_body(database, outage.id, {**body, "card": outage.card})
            for card in {outage.card: None for outage, _ in changes}:
                _draw(database, card, draw, at)

        await self._db.write(work)

    async def close_many(self, closings: Sequence[Closing], who: str, draw: Draw, at: datetime) -> None:
        """Close outages, on record, together with their cards; one that was closed already stays as it is.

        Each card's thread says so too.
        """

        def work(database: Database) -> None:
            touched: dict[str, None] = {}
            for one in closings:
                kept = {**one.body, "card": one.outage.card}
                cursor = database.conn.execute(
                    "UPDATE outages SET closed_at = ?, body = ? WHERE id = ? AND closed_at IS NULL",
                    [stamp(one.closed_at), json.dumps(kept), one.outage.id],
                )
                if cursor.rowcount:
                    write_entry(database, at, "outage.closed", one.outage.target, who, kept)
                    touched[one.outage.card] = None
            for card in touched:
                # An edited message rings nobody's phone; a line in its thread reaches those who follow it.
                _note(database, card, _draw(database, card, draw, at).title, at)

        await self._db.write(work)

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
        return await self._db.read(_open)

    async def outage(self, outage_id: int) -> Outage | None:
        """Return one outage, or None."""
        rows = await self._db.read(
            lambda database: list(database.query("SELECT * FROM outages WHERE id = ?", [outage_id]))
        )
        return _outage(rows[0]) if rows else None


def _open(database: Database) -> tuple[Outage, ...]:
    rows = database.query("SELECT * FROM outages WHERE closed_at IS NULL ORDER BY id")
    return tuple(_outage(row) for row in rows)


def _keep_body(database: Database, outage_id: int, body: Mapping[str, object]) -> None:
    database.conn.execute("UPDATE outages SET body = ? WHERE id = ?", [json.dumps(body), outage_id])


def _sharing(database: Database, card: str) -> tuple[Outage, ...]:
    rows = database.query("SELECT * FROM outages WHERE json_extract(body, '$.card') = ? ORDER BY id", [card])
    return tuple(_outage(row) for row in rows)


def _draw(database: Database, card: str, draw: Draw, at: datetime) -> Reply:
    reply = draw(_sharing(database, card))
    put_card(database, card, reply, at)
    return reply


def _note(database: Database, card: str, text: str, at: datetime) -> None:
    database.conn.execute("INSERT INTO notes (card, text, at) VALUES (?, ?, ?)", [card, text, stamp(at)])


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

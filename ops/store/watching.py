"""What the watch saw: the state of each target now, when it was observed, and the outages."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.words import from_stamp, stamp
from ops.store.cards import put_card
from ops.store.record import write_entry

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime, timedelta

    from sqlite_utils import Database

    from core.reply import Reply
    from ops.store.database import Db


@dataclass(frozen=True, slots=True)
class Seen:
    """The state of a target (`server:NAME`, `site:NAME`, `nameserver:NAME`) as it was last observed.

    state: "up", "degraded", "down" or "unknown". since_at: when it became so. seen_at: when it was last looked at.
    """

    target: str
    state: str
    since_at: datetime
    seen_at: datetime
    why: str = ""


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


class Watching:
    """States, observed stretches of time, and outages."""

    def __init__(self, db: Db) -> None:
        self._db = db

    async def saw(self, seen: Iterable[Seen], *, gap: timedelta) -> None:
        """Keep what was just observed. A stretch goes on while the state is the same and no gap is longer than `gap`.

        Time between two looks further apart than `gap` was not observed: it belongs to no stretch.
        """
        batch = list(seen)

        def work(database: Database) -> None:
            for one in batch:
                _saw(database, one, gap)

        await self._db.write(work)

    async def states(self) -> Mapping[str, Seen]:
        """Return the last observed state of every target, by target."""
        rows = await self._db.read(lambda database: list(database.query("SELECT * FROM states")))
        return {row["target"]: _seen(row) for row in rows}

    async def observed(self, target: str, since_at: datetime) -> tuple[tuple[str, datetime, datetime], ...]:
        """Return the observed stretches (state, from, until) of `target` that end after `since_at`, in order."""
        rows = await self._db.read(
            lambda database: list(
                database.query(
                    "SELECT * FROM observed WHERE target = ? AND until_at > ? ORDER BY from_at",
                    [target, stamp(since_at)],
                )
            )
        )
        return tuple((row["state"], from_stamp(row["from_at"]), from_stamp(row["until_at"])) for row in rows)

    async def open_outage(self, target: str, at: datetime, who: str, body: Mapping[str, object]) -> tuple[Outage, bool]:
        """Open an outage of `target` and put it on record; where one is open already return that one and False."""

        def work(database: Database) -> bool:
            cursor = database.conn.execute(
                "INSERT INTO outages (target, opened_at, body) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
                [target, stamp(at), json.dumps(dict(body))],
            )
            if cursor.rowcount:
                write_entry(database, at, "outage.opened", target, who, body)
            return bool(cursor.rowcount)

        new = await self._db.write(work)
        outage = next(outage for outage in await self.open_outages() if outage.target == target)
        return outage, new

    async def change_outage(
        self, outage_id: int, body: Mapping[str, object], card: tuple[str, Reply], at: datetime
    ) -> None:
        """Replace the facts of an outage together with its card (key, reply)."""

        def work(database: Database) -> None:
            database.table("outages").update(outage_id, {"body": json.dumps(dict(body))})
            put_card(database, card[0], card[1], at)

        await self._db.write(work)

    async def close_outage(self, outage_id: int, at: datetime, who: str, card: tuple[str, Reply]) -> None:
        """Close an outage, on record, together with its card (key, reply)."""

        def work(database: Database) -> None:
            cursor = database.conn.execute(
                "UPDATE outages SET closed_at = ? WHERE id = ? AND closed_at IS NULL", [stamp(at), outage_id]
            )
            if cursor.rowcount:
                write_entry(database, at, "outage.closed", str(database.table("outages").get(outage_id)["target"]), who)
            put_card(database, card[0], card[1], at)

        await self._db.write(work)

    async def acknowledge(self, outage_id: int, who: str, at: datetime, card: tuple[str, Reply]) -> bool:
        """Note who looks after an outage; return False where somebody does already."""

        def work(database: Database) -> bool:
            cursor = database.conn.execute(
                "UPDATE outages SET acked_by = ?, acked_at = ? WHERE id = ? AND acked_by IS NULL",
                [who, stamp(at), outage_id],
            )
            if cursor.rowcount:
                write_entry(
                    database, at, "outage.acknowledged", str(database.table("outages").get(outage_id)["target"]), who
                )
                put_card(database, card[0], card[1], at)
            return bool(cursor.rowcount)

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


def _saw(database: Database, seen: Seen, gap: timedelta) -> None:
    row = {
        "target": seen.target,
        "state": seen.state,
        "since_at": stamp(seen.since_at),
        "seen_at": stamp(seen.seen_at),
        "why": seen.why,
    }
    database.table("states").upsert(row, pk="target")
    cursor = database.conn.execute(
        "UPDATE observed SET until_at = max(until_at, ?) WHERE target = ? AND state = ? AND until_at >= ? "
        "AND from_at = (SELECT max(from_at) FROM observed WHERE target = ?)",
        [stamp(seen.seen_at), seen.target, seen.state, stamp(seen.seen_at - gap), seen.target],
    )
    if not cursor.rowcount:
        database.conn.execute(
            "INSERT INTO observed VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET state = excluded.state",
            [seen.target, seen.state, stamp(seen.seen_at), stamp(seen.seen_at)],
        )


def _seen(row: dict[str, str]) -> Seen:
    return Seen(row["target"], row["state"], from_stamp(row["since_at"]), from_stamp(row["seen_at"]), row["why"])


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

"""What the watch saw: the state of each target now, when it was observed, and the outages."""

from __future__ import annotations

import json
from collections.abc import Callable
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

    @property
    def card(self) -> str:
        """The key of the card that shows it; several outages may share one."""
        return str(self.body.get("card", f"outage:{self.id}"))


# Given all the outages that share a card, oldest first: what the card shows.
Draw = Callable[[tuple[Outage, ...]], "Reply"]


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

    async def counts(self, stale_before_at: datetime) -> Mapping[tuple[str, str], int]:
        """Return how many targets are in each state, by (kind, state); kind is what stands before the colon.

        What was last looked at before `stale_before_at` is unknown.
        """
        rows = await self._db.read(
            lambda database: database.conn.execute(
                "SELECT substr(target, 1, instr(target, ':') - 1) AS kind, "
                "CASE WHEN seen_at < ? THEN 'unknown' ELSE state END AS now, count(*) FROM states GROUP BY kind, now",
                [stamp(stale_before_at)],
            ).fetchall()
        )
        return {(kind, state): number for kind, state, number in rows}

    async def not_up(self, kind: str, most: int) -> tuple[Seen, ...]:
        """Return the targets of one kind that were not up when they were last looked at, worst first, `most` of them.

        How many there are in all is in `counts`.
        """
        rows = await self._db.read(
            lambda database: list(
                database.query(
                    "SELECT * FROM states WHERE target > ? AND target < ? AND state != 'up' "
                    "ORDER BY CASE state WHEN 'down' THEN 0 WHEN 'degraded' THEN 1 ELSE 2 END, target LIMIT ?",
                    [f"{kind}:", f"{kind};", most],
                )
            )
        )
        return tuple(_seen(row) for row in rows)

    async def states_of(self, targets: Iterable[str]) -> Mapping[str, Seen]:
        """Return the last observed state of these targets, by target; one that was never seen is absent."""
        wanted = json.dumps(list(targets))
        rows = await self._db.read(
            lambda database: list(
                database.query("SELECT * FROM states WHERE target IN (SELECT value FROM json_each(?))", [wanted])
            )
        )
        return {row["target"]: _seen(row) for row in rows}

    async def last_look_at(self) -> datetime | None:
        """Return when anything was last looked at; None: never."""
        rows = await self._db.read(lambda database: database.conn.execute("SELECT max(seen_at) FROM states").fetchall())
        return from_stamp(rows[0][0]) if rows[0][0] is not None else None

    async def keep_only(self, targets: Iterable[str]) -> None:
        """Forget the states of all other targets: they are not watched any more. What was observed stays."""
        wanted = json.dumps(list(targets))
        await self._db.write(
            lambda database: database.conn.execute(
                "DELETE FROM states WHERE target NOT IN (SELECT value FROM json_each(?))", [wanted]
            )
        )

    async def newest_good(self, copies: Iterable[tuple[str, str]]) -> Mapping[tuple[str, str], datetime]:
        """Return when the last good copy of each (site, server) began; one without any is absent.

        It asks for these pairs only: the whole history of syncs is long.
        """
        wanted = json.dumps([[site, server] for site, server in copies])
        rows = await self._db.read(
            lambda database: database.conn.execute(
                "SELECT value ->> 0 AS site_, value ->> 1 AS server_, (SELECT max(begun_at) FROM syncs "
                "WHERE site = value ->> 0 AND mirror = value ->> 1 AND outcome = 'good') FROM json_each(?)",
                [wanted],
            ).fetchall()
        )
        return {(site, server): from_stamp(at) for site, server, at in rows if at is not None}

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


def _saw(database: Database, seen: Seen, gap: timedelta) -> None:
    at = stamp(seen.seen_at)
    # Plain SQL: with thousands of targets a second, a table object's checks would cost more than the work.
    database.conn.execute(
        "INSERT INTO states (target, state, since_at, seen_at, why) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET "
        "state = excluded.state, since_at = excluded.since_at, seen_at = excluded.seen_at, why = excluded.why",
        [seen.target, seen.state, stamp(seen.since_at), at, seen.why],
    )
    cursor = database.conn.execute(
        "UPDATE observed SET until_at = max(until_at, ?) WHERE target = ? AND state = ? AND until_at >= ? "
        "AND from_at = (SELECT max(from_at) FROM observed WHERE target = ?)",
        [at, seen.target, seen.state, stamp(seen.seen_at - gap), seen.target],
    )
    if not cursor.rowcount:
        database.conn.execute(
            "INSERT INTO observed VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET state = excluded.state",
            [seen.target, seen.state, at, at],
        )


def _sharing(database: Database, card: str) -> tuple[Outage, ...]:
    rows = database.query("SELECT * FROM outages WHERE json_extract(body, '$.card') = ? ORDER BY id", [card])
    return tuple(_outage(row) for row in rows)


def _draw(database: Database, card: str, draw: Draw, at: datetime) -> None:
    put_card(database, card, draw(_sharing(database, card)), at)


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

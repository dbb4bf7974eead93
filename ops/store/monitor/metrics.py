"""The stored picture as bare figures, for monitoring: counted by the database, so that ten thousand sites take no time.

Ages are in seconds; where a clock was put back they are not below zero.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.fleet.target import Target
from core.wording import stamp

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime, timedelta

    from sqlite_utils import Database

    from ops.store.database import Db

_AGE = "max(0.0, (julianday(:now) - julianday({})) * 86400)"
_STATES = (
    "SELECT target, CASE WHEN abs(julianday(:now) - julianday(seen_at)) * 86400 > :stale THEN 'unknown' ELSE state END "
    "FROM states"
)
_COPIES = (
    f"SELECT site, server, {_AGE.format('at')} FROM (SELECT value ->> 0 AS site, value ->> 1 AS server, "  # noqa: S608 - literals here
    "(SELECT max(begun_at) FROM syncs WHERE site = value ->> 0 AND mirror = value ->> 1 AND outcome = 'good') AS at "
    "FROM json_each(:wanted)) WHERE at IS NOT NULL"
)
_BACKUPS = (
    f"SELECT site, {_AGE.format('at')} FROM (SELECT value AS site, "  # noqa: S608 - literals here
    "(SELECT max(begun_at) FROM backups WHERE site = value AND outcome = 'good') AS at "
    "FROM json_each(:wanted)) WHERE at IS NOT NULL"
)
_PROOFS = (
    f"SELECT site, mirror, {_AGE.format('max(at)')}, outcome = 'good' FROM proofs "  # noqa: S608 - literals here
    "WHERE outcome IN ('good', 'differs') GROUP BY site, mirror"
)


@dataclass(frozen=True, slots=True)
class ActivityMetrics:
    """What is going on. plans: by state. quarantined: by server. last_look_s: None: nothing was ever looked at."""

    outages: int
    plans: Mapping[str, int]
    quarantined: Mapping[str, int]
    syncs: int
    cards_waiting: int
    alerts_waiting: Mapping[str, int]
    last_look_s: float | None


@dataclass(frozen=True, slots=True)
class ProtectionMetrics:
    """How well sites are kept. copies: (site, server, age). backups: (site, age). proofs: (site, server, age, same)."""

    copies: tuple[tuple[str, str, float], ...]
    backups: tuple[tuple[str, float], ...]
    proofs: tuple[tuple[str, str, float, bool], ...]


class Metrics:
    """Reads what other parts of the store write."""

    def __init__(self, db: Db) -> None:
        self._db = db

    async def states(self, now: datetime, stale: timedelta) -> Mapping[Target, str]:
        """Return the state of every target that was ever looked at; unknown where that was longer ago than `stale`."""
        asked: dict[str, object] = {"now": stamp(now), "stale": stale.total_seconds()}
        rows = await self._db.read(lambda database: database.conn.execute(_STATES, asked).fetchall())
        return {Target.parse(target): state for target, state in rows}

    async def copies(self, pairs: Iterable[tuple[str, str]], now: datetime) -> list[tuple[str, str, float]]:
        """Return (site, server, age) of the newest good copy of each (site, server) that has one."""
        asked = {"now": stamp(now), "wanted": json.dumps(list(pairs))}
        return await self._db.read(lambda database: database.conn.execute(_COPIES, asked).fetchall())

    async def backups(self, sites: Iterable[str], now: datetime) -> list[tuple[str, float]]:
        """Return (site, age) of the newest good backup of each site that has one."""
        asked = {"now": stamp(now), "wanted": json.dumps(list(sites))}
        return await self._db.read(lambda database: database.conn.execute(_BACKUPS, asked).fetchall())

    async def proofs(self, now: datetime) -> tuple[tuple[str, str, float, bool], ...]:
        """Return (site, server, age, whether it was the same) of the newest proof of every copy."""
        rows = await self._db.read(lambda database: database.conn.execute(_PROOFS, {"now": stamp(now)}).fetchall())
        return tuple(rows)

    async def going(self, now: datetime) -> ActivityMetrics:
        """Return what is open, running and waiting."""

        def work(database: Database) -> ActivityMetrics:
            def number(sql: str) -> int:
                return int(database.conn.execute(sql).fetchone()[0])

            def by(sql: str) -> dict[str, int]:
                return dict(database.conn.execute(sql).fetchall())

            looked = database.conn.execute(
                f"SELECT {_AGE.format('max(seen_at)')} FROM states",  # noqa: S608 - a literal above
                {"now": stamp(now)},
            ).fetchone()[0]
            return ActivityMetrics(
                outages=number("SELECT count(*) FROM outages WHERE closed_at IS NULL"),
                plans=by(
                    "SELECT state, count(*) FROM plans WHERE state IN ('planned', 'approved', 'unfinished') "
                    "GROUP BY state"
                ),
                quarantined=by("SELECT server, count(*) FROM quarantine GROUP BY server"),
                syncs=number("SELECT count(*) FROM syncs WHERE ended_at IS NULL"),
                cards_waiting=number("SELECT count(*) FROM cards WHERE posted_revision < revision"),
                alerts_waiting=by("SELECT route, (SELECT count(*) FROM alerts WHERE number > done) FROM routes"),
                last_look_s=looked,
            )

        return await self._db.read(work)

"""The stored picture as bare figures, for monitoring: counted by the database, so that ten thousand sites take no time.

Ages are in seconds; where a clock was put back they are not below zero.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.fleet.target import Target
from core.wording import from_stamp, stamp
from ops.store.copies.protection import newest_comparisons
from ops.store.copies.served import newest_good_copies
from ops.store.notifications import waiting_alerts
from ops.store.part import StorePart

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime, timedelta

    from ops.contracts import Transaction

_STATES = "SELECT target, CASE WHEN seen_at < ? OR seen_at > ? THEN 'unknown' ELSE state END AS state FROM states"
_BACKUPS = (
    "SELECT site, (SELECT max(begun_at) FROM backups WHERE backups.site = given.site AND outcome = 'good') AS at "
    "FROM given"
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


class Metrics(StorePart):
    """Reads what other parts of the store write."""

    async def states(self, now: datetime, stale: timedelta) -> Mapping[Target, str]:
        """Return the state of every target that was ever looked at; unknown where that was longer ago than `stale`."""
        rows = await self._query(_STATES, [stamp(now - stale), stamp(now + stale)])
        return {Target.parse(row["target"]): row["state"] for row in rows}

    async def copies(self, pairs: Iterable[tuple[str, str]], now: datetime) -> list[tuple[str, str, float]]:
        """Return (site, server, age) of the newest good copy of each (site, server) that has one."""
        found = await self._db.read(lambda transaction: newest_good_copies(transaction, pairs))
        return [(site, server, _age(at, now)) for site, server, at in found if at is not None]

    async def backups(self, sites: Iterable[str], now: datetime) -> list[tuple[str, float]]:
        """Return (site, age) of the newest good backup of each site that has one."""
        wanted = list(sites)
        rows = await self._query(_BACKUPS, given={"site": wanted})
        return [(row["site"], _age(row["at"], now)) for row in rows if row["at"] is not None]

    async def proofs(self, now: datetime) -> tuple[tuple[str, str, float, bool], ...]:
        """Return (site, server, age, whether it was the same) of the newest proof of every copy."""
        rows = await self._db.read(newest_comparisons)
        return tuple((row["site"], row["mirror"], _age(row["at"], now), row["outcome"] == "good") for row in rows)

    async def going(self, now: datetime) -> ActivityMetrics:
        """Return what is open, running and waiting."""

        def work(transaction: Transaction) -> ActivityMetrics:
            def number(table: str, where: str) -> int:
                return int(transaction.query(f"SELECT count(*) AS n FROM {table} WHERE {where}")[0]["n"])  # noqa: S608 - literals below

            def by(sql: str) -> dict[str, int]:
                return {row["what"]: row["n"] for row in transaction.query(sql)}

            (looked,) = transaction.query("SELECT max(seen_at) AS at FROM states")
            return ActivityMetrics(
                outages=number("outages", "closed_at IS NULL"),
                plans=by(
                    "SELECT state AS what, count(*) AS n FROM plans "
                    "WHERE state IN ('planned', 'approved', 'unfinished') GROUP BY state"
                ),
                quarantined=by("SELECT server AS what, count(*) AS n FROM quarantine GROUP BY server"),
                syncs=number("syncs", "ended_at IS NULL"),
                cards_waiting=number("cards", "posted_revision < revision"),
                alerts_waiting=waiting_alerts(transaction),
                last_look_s=_age(looked["at"], now) if looked["at"] is not None else None,
            )

        return await self._db.read(work)


def _age(at: str, now: datetime) -> float:
    return max(0.0, (now - from_stamp(at)).total_seconds())

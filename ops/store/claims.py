"""Who works on what: claims on sites, fires of schedules, and the leases of durable runs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from core.wording import from_stamp, stamp
from ops.store.fence import RunFence

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from ops.contracts import Db, Transaction

FIRES_KEPT = timedelta(days=60)


@dataclass(frozen=True, slots=True)
class Claim:
    """Somebody works on `name` (e.g. `site:shop`): `owner` is a run's or plan's id, `purpose` says it in words.

    until_at None: until it is given back.
    """

    name: str
    owner: str
    purpose: str
    taken_at: datetime
    until_at: datetime | None


class Claims:
    """All or nothing: whoever asks gets every name, or the claims that stand in the way."""

    def __init__(self, db: Db) -> None:
        self._db = db

    async def take(
        self, names: Iterable[str], owner: str, purpose: str, now: datetime, lease: timedelta | None
    ) -> tuple[Claim, ...]:
        """Claim all `names` for `owner` and return (); or change nothing and return the claims of others.

        Claims whose lease has passed do not count. Taking again what one has renews it. lease None: until released.
        """
        wanted = sorted(set(names))
        until = stamp(now + lease) if lease is not None else None

        def work(transaction: Transaction) -> tuple[Claim, ...]:
            transaction.execute("DELETE FROM claims WHERE until_at < ?", [stamp(now)])
            held = {row["name"]: row for row in transaction.query("SELECT * FROM claims")}
            in_the_way = [held[name] for name in wanted if name in held and held[name]["owner"] != owner]
            if not in_the_way:
                transaction.execute_many(
                    "INSERT INTO claims (name, owner, purpose, taken_at, until_at) VALUES (?, ?, ?, ?, ?) "
                    "ON CONFLICT (name) DO UPDATE SET owner = excluded.owner, purpose = excluded.purpose, "
                    "taken_at = excluded.taken_at, until_at = excluded.until_at",
                    [(name, owner, purpose, stamp(now), until) for name in wanted],
                )
            return tuple(_claim(row) for row in in_the_way)

        return await self._db.write(work)

    async def release(self, owner: str) -> None:
        """Give back everything that `owner` holds."""
        await self._db.write(lambda transaction: transaction.execute("DELETE FROM claims WHERE owner = ?", [owner]))

    async def held(self, now: datetime) -> tuple[Claim, ...]:
        """Return every claim that holds now."""
        rows = await self._db.read(
            lambda transaction: transaction.query(
                "SELECT * FROM claims WHERE until_at IS NULL OR until_at >= ? ORDER BY name", [stamp(now)]
            )
        )
        return tuple(_claim(row) for row in rows)

    async def fire(self, job: str, at: datetime) -> bool:
        """Return True for the first who claims this scheduled moment of `job`, False for all later ones."""

        def work(transaction: Transaction) -> bool:
            transaction.execute("DELETE FROM fires WHERE at < ?", [stamp(at - FIRES_KEPT)])
            first = "INSERT INTO fires (job, at) VALUES (?, ?) ON CONFLICT DO NOTHING"
            return bool(transaction.execute(first, [job, stamp(at)]))

        return await self._db.write(work)


class Runs:
    """Durable runs: one row each, owned by one process at a time under a lease that it renews."""

    def __init__(self, db: Db) -> None:
        self._db = db

    async def submit(self, kind: str, subject: str, now: datetime) -> None:
        """Put a run on record, or open it again where it had ended; one that is under way stays as it is."""
        await self._db.write(lambda transaction: submit_run(transaction, kind, subject, now))

    async def take(self, kind: str, subject: str, owner: str, now: datetime, lease: timedelta) -> RunFence | None:
        """Return the run's fence where `owner` has it now, else None.

        It was free, its lease had passed, or it was theirs already; only then the fence is the one that they had.
        """
        rows = await self._db.write(
            lambda transaction: transaction.query(
                "UPDATE runs SET owner = ?, lease_until = ?, token = token + CASE WHEN owner = ? THEN 0 ELSE 1 END "
                "WHERE kind = ? AND subject = ? AND state = 'open' AND (owner IS NULL OR owner = ? OR lease_until < ?) "
                "RETURNING token",
                [owner, stamp(now + lease), owner, kind, subject, owner, stamp(now)],
            )
        )
        return RunFence(kind, subject, int(rows[0]["token"])) if rows else None

    async def let_go(self, kind: str, subject: str, owner: str) -> None:
        """Give the run back unfinished, so that anyone may take it at once."""
        await self._db.write(
            lambda transaction: transaction.execute(
                "UPDATE runs SET owner = NULL, lease_until = NULL WHERE kind = ? AND subject = ? AND owner = ?",
                [kind, subject, owner],
            )
        )

    async def end(self, kind: str, subject: str, owner: str, now: datetime) -> None:
        """Say that the run is over."""
        await self._db.write(
            lambda transaction: transaction.execute(
                "UPDATE runs SET state = 'ended', ended_at = ?, owner = NULL, lease_until = NULL "
                "WHERE kind = ? AND subject = ? AND owner = ?",
                [stamp(now), kind, subject, owner],
            )
        )

    async def ended(self, kind: str, subject: str) -> bool:
        """Return whether the run is over, or was never there."""
        rows = await self._db.read(
            lambda transaction: transaction.query(
                "SELECT state FROM runs WHERE kind = ? AND subject = ?", [kind, subject]
            )
        )
        return not rows or rows[0]["state"] == "ended"

    async def free(self, now: datetime) -> tuple[tuple[str, str], ...]:
        """Return (kind, subject) of every open run that nobody carries out: never taken, or the lease has passed."""
        rows = await self._db.read(
            lambda transaction: transaction.query(
                "SELECT kind, subject FROM runs WHERE state = 'open' AND (owner IS NULL OR lease_until < ?) "
                "ORDER BY begun_at",
                [stamp(now)],
            )
        )
        return tuple((row["kind"], row["subject"]) for row in rows)


def submit_run(transaction: Transaction, kind: str, subject: str, now: datetime) -> None:
    """Put a run on record inside a transaction that is open already."""
    transaction.execute(
        "INSERT INTO runs (kind, subject, state, begun_at) VALUES (?, ?, 'open', ?) "
        "ON CONFLICT (kind, subject) DO UPDATE SET state = 'open', begun_at = excluded.begun_at, "
        "ended_at = NULL, owner = NULL, lease_until = NULL, token = runs.token + 1 WHERE runs.state = 'ended'",
        [kind, subject, stamp(now)],
    )


def _claim(row: dict[str, str | None]) -> Claim:
    until = row["until_at"]
    return Claim(
        name=str(row["name"]),
        owner=str(row["owner"]),
        purpose=str(row["purpose"]),
        taken_at=from_stamp(str(row["taken_at"])),
        until_at=from_stamp(until) if until is not None else None,
    )

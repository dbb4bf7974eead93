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
    from ops.store.fence import Fence

FIRES_KEPT = timedelta(days=60)
# Parameters: the epoch and the second of now. A claim without an end holds until it is given back.
HOLDS = "(until_s IS NULL OR (epoch = ? AND until_s >= ?))"
OWNED = "(state = 'open' AND owner IS NOT NULL AND epoch = ? AND until_s >= ?)"
FREE = "(state = 'open' AND (owner IS NULL OR epoch <> ? OR until_s < ?))"


@dataclass(frozen=True, slots=True)
class Claim:
    """Somebody works on `name` (e.g. `site:shop`): `owner` is a run's or plan's id, `purpose` says it in words."""

    name: str
    owner: str
    purpose: str
    taken_at: datetime


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

        def work(transaction: Transaction) -> tuple[Claim, ...]:
            at = transaction.lease_time()
            transaction.execute(f"DELETE FROM claims WHERE NOT ({HOLDS})", [at.epoch, at.at_s])  # noqa: S608 - ours
            in_the_way = transaction.query(
                "SELECT claims.* FROM given JOIN claims USING (name) WHERE owner <> ? ORDER BY name",
                [owner],
                given={"name": wanted},
            )
            if not in_the_way:
                epoch, until_s = (at.epoch, at.after(lease).at_s) if lease is not None else (None, None)
                transaction.execute_many(
                    "INSERT INTO claims (name, owner, purpose, taken_at, epoch, until_s) VALUES (?, ?, ?, ?, ?, ?) "
                    "ON CONFLICT (name) DO UPDATE SET owner = excluded.owner, purpose = excluded.purpose, "
                    "taken_at = excluded.taken_at, epoch = excluded.epoch, until_s = excluded.until_s",
                    [(name, owner, purpose, stamp(now), epoch, until_s) for name in wanted],
                )
            return tuple(claim_of(row) for row in in_the_way)

        return await self._db.write(work)

    async def release(self, owner: str) -> None:
        """Give back everything that `owner` holds."""
        await self._db.write(lambda transaction: transaction.execute("DELETE FROM claims WHERE owner = ?", [owner]))

    async def holds(self, fence: Fence) -> bool:
        """Return whether work still belongs to who began it."""
        return await self._db.read(fence.still_holds)

    async def held(self) -> tuple[Claim, ...]:
        """Return every claim that holds now."""
        return tuple(claim_of(row) for row in await self._db.read(held_claims))

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

    async def take(self, kind: str, subject: str, owner: str, lease: timedelta) -> RunFence | None:
        """Return the run's fence where `owner` takes it now, since it is free or its lease has passed; else None."""

        def work(transaction: Transaction) -> RunFence | None:
            at = transaction.lease_time()
            until = at.after(lease)
            taking = "UPDATE runs SET owner = ?, epoch = ?, until_s = ?, token = token + 1 WHERE kind = ?"
            rows = transaction.query(
                f"{taking} AND subject = ? AND {FREE} RETURNING token",
                [owner, until.epoch, until.at_s, kind, subject, at.epoch, at.at_s],
            )
            return RunFence(kind, subject, int(rows[0]["token"])) if rows else None

        return await self._db.write(work)

    async def renew(self, fence: RunFence, lease: timedelta) -> bool:
        """Keep a run for longer, and return True; False where it was lost: to another, or since its lease passed."""

        def work(transaction: Transaction) -> bool:
            at = transaction.lease_time()
            renewed = "UPDATE runs SET until_s = ? WHERE kind = ? AND subject = ? AND token = ? AND"
            asked = [at.after(lease).at_s, fence.kind, fence.subject, fence.token, at.epoch, at.at_s]
            return bool(transaction.execute(f"{renewed} {OWNED}", asked))

        return await self._db.write(work)

    async def let_go(self, fence: RunFence) -> None:
        """Give the run back unfinished, so that anyone may take it at once; leave it alone where another has it."""
        await self._db.write(
            lambda transaction: transaction.execute(
                "UPDATE runs SET owner = NULL, epoch = NULL, until_s = NULL "
                "WHERE kind = ? AND subject = ? AND token = ?",
                [fence.kind, fence.subject, fence.token],
            )
        )

    async def end(self, fence: RunFence, now: datetime) -> None:
        """Say that the run is over, if it is still whose fence this is."""
        await self._db.write(
            lambda transaction: transaction.execute(
                "UPDATE runs SET state = 'ended', ended_at = ?, owner = NULL, epoch = NULL, until_s = NULL "
                "WHERE kind = ? AND subject = ? AND token = ?",
                [stamp(now), fence.kind, fence.subject, fence.token],
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

    async def free(self) -> tuple[tuple[str, str], ...]:
        """Return (kind, subject) of every open run that nobody carries out: never taken, or the lease has passed."""

        def work(transaction: Transaction) -> list[dict[str, str]]:
            at = transaction.lease_time()
            return transaction.query(
                f"SELECT kind, subject FROM runs WHERE {FREE} ORDER BY begun_at",  # noqa: S608 - a literal of ours
                [at.epoch, at.at_s],
            )

        return tuple((row["kind"], row["subject"]) for row in await self._db.read(work))


def held_claims(transaction: Transaction) -> list[dict[str, str]]:
    """Return the rows of all claims that hold now, by name, inside a transaction that is open already."""
    at = transaction.lease_time()
    return transaction.query(
        f"SELECT * FROM claims WHERE {HOLDS} ORDER BY name",  # noqa: S608 - a literal of ours
        [at.epoch, at.at_s],
    )


def submit_run(transaction: Transaction, kind: str, subject: str, now: datetime) -> None:
    """Put a run on record inside a transaction that is open already."""
    transaction.execute(
        "INSERT INTO runs (kind, subject, state, begun_at) VALUES (?, ?, 'open', ?) "
        "ON CONFLICT (kind, subject) DO UPDATE SET state = 'open', begun_at = excluded.begun_at, "
        "ended_at = NULL, token = runs.token + 1 "
        "WHERE runs.state = 'ended'",
        [kind, subject, stamp(now)],
    )


def claim_of(row: dict[str, str]) -> Claim:
    """Return a row of the claims as what it says."""
    return Claim(row["name"], row["owner"], row["purpose"], from_stamp(row["taken_at"]))

"""Work that was ended before its time: by whom, on record in the transaction that takes it away.

Whoever carries it out may be another process, or dead, or frozen. It is not asked: what it claimed is no longer its
own, so that it writes nothing more and does nothing more (`ops.store.fence`). A cutover is asked instead, since it has
to end at a step's boundary.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.wording import stamp
from ops.store.audit import write_entry
from ops.store.claims import HOLDS, claim_of
from ops.store.part import StorePart

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from ops.contracts import Transaction
    from ops.store.claims import Claim

CLAIM_CANCELLED = "claim.cancelled"
PLAN_CANCELLED = "plan.cancel-asked"

# What has an end on record already: there, only the claim is still to be given back.
_ENDED = """
    SELECT 1 AS found FROM syncs WHERE id = ? AND ended_at IS NOT NULL
    UNION ALL SELECT 1 FROM backups WHERE id = ? AND ended_at IS NOT NULL
    UNION ALL SELECT 1 FROM record WHERE subject = ? AND run = ? AND kind LIKE 'undo.%' AND kind != 'undo.begun'"""


@dataclass(frozen=True, slots=True)
class Cancellation:
    """Who has ended something. by_plan: the id of the plan that it gave way to; empty: a person wanted it."""

    who: str
    by_plan: str = ""

    @property
    def words(self) -> str:
        """How it is told of what it has ended."""
        return f"it gave way to plan {self.by_plan}" if self.by_plan else f"cancelled by {self.who}"


class Cancellations(StorePart):
    """Takes work away from who carries it out, and remembers who wanted that."""

    async def end(self, claim: Claim, who: str, at: datetime) -> bool:
        """Take a claim away from its owner, on record; False, with nothing changed, where the work has just ended."""

        def work(transaction: Transaction) -> bool:
            subject, owner = _subject(claim.name), claim.owner
            if transaction.query(_ENDED, [owner, owner, subject, owner]):
                return False
            return _take_away(transaction, claim, Cancellation(who), at)

        return await self._db.write(work)

    async def make_way(
        self, names: Iterable[str], plan_id: str, purpose: str, at: datetime, who: str
    ) -> tuple[tuple[Claim, ...], tuple[Claim, ...]]:
        """Claim all `names` for a plan until it is released, whoever works under a lease there, on record.

        Returns (what had to give way, what stands in the way all the same: claims without a lease, of other plans).
        Where anything stands in the way, nothing is changed.
        """
        wanted = sorted(set(names))

        def work(transaction: Transaction) -> tuple[tuple[Claim, ...], tuple[Claim, ...]]:
            now = transaction.lease_time()
            others = transaction.query(
                f"SELECT claims.* FROM given JOIN claims USING (name) WHERE owner <> ? AND {HOLDS} ORDER BY name",  # noqa: S608 - a literal of ours
                [plan_id, now.epoch, now.at_s],
                given={"name": wanted},
            )
            in_the_way = tuple(claim_of(row) for row in others if row["until_s"] is None)
            if in_the_way:
                return (), in_the_way
            gave_way = tuple(claim_of(row) for row in others)
            for claim in gave_way:
                _take_away(transaction, claim, Cancellation(who, plan_id), at)
            transaction.execute_many(
                "INSERT INTO claims (name, owner, purpose, taken_at) VALUES (?, ?, ?, ?) ON CONFLICT (name) DO UPDATE "
                "SET owner = excluded.owner, purpose = excluded.purpose, taken_at = excluded.taken_at, "
                "epoch = NULL, until_s = NULL",
                [(name, plan_id, purpose, stamp(at)) for name in wanted],
            )
            return gave_way, ()

        return await self._db.write(work)

    async def of_claim(self, name: str, owner: str) -> Cancellation | None:
        """Return who took a claim away from `owner`, or None: nobody did."""
        return await self._found(CLAIM_CANCELLED, _subject(name), "AND run = ?", owner)

    async def ask(self, plan_id: str, who: str, at: datetime) -> bool:
        """Ask, on record, that a plan under way ends at its next step; False where it is not, or was asked before."""

        def work(transaction: Transaction) -> bool:
            state = transaction.query("SELECT 1 AS found FROM plans WHERE id = ? AND state = 'approved'", [plan_id])
            asked = "SELECT 1 AS found FROM record WHERE subject = ? AND kind = ?"
            if not state or transaction.query(asked, [plan_id, PLAN_CANCELLED]):
                return False
            write_entry(transaction, at, PLAN_CANCELLED, plan_id, who)
            return True

        return await self._db.write(work)

    async def of_plan(self, plan_id: str) -> Cancellation | None:
        """Return who has asked that a plan under way ends, or None: nobody has."""
        return await self._found(PLAN_CANCELLED, plan_id)

    async def taken_away(self, sites: Iterable[str], since: datetime) -> frozenset[str]:
        """Return those of `sites` on which work was ended before its time, not before `since`."""
        sql = "SELECT DISTINCT subject FROM given JOIN record ON record.subject = given.name WHERE kind = ? AND at >= ?"
        rows = await self._query(sql, [CLAIM_CANCELLED, stamp(since)], given={"name": list(sites)})
        return frozenset(row["subject"] for row in rows)

    async def _found(self, kind: str, subject: str, more: str = "", *parameters: str) -> Cancellation | None:
        asked = f"SELECT who, body FROM record WHERE subject = ? AND kind = ? {more} LIMIT 1"  # noqa: S608 - literals above
        for row in await self._query(asked, [subject, kind, *parameters]):
            return Cancellation(row["who"], json.loads(row["body"]).get("plan", ""))
        return None


def _take_away(transaction: Transaction, claim: Claim, cancelled: Cancellation, at: datetime) -> bool:
    if not transaction.execute("DELETE FROM claims WHERE name = ? AND owner = ?", [claim.name, claim.owner]):
        return False
    why = f"{claim.purpose} {'gave way to plan ' + cancelled.by_plan if cancelled.by_plan else 'was cancelled'}"
    body = {"claim": claim.name, "run": claim.owner, "why": why, "plan": cancelled.by_plan}
    write_entry(transaction, at, CLAIM_CANCELLED, _subject(claim.name), cancelled.who, body)
    return True


def _subject(claim: str) -> str:
    return claim.partition(":")[2] or claim

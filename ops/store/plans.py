"""Plans, their approvals and the steps of carrying them out."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from core.cutover.steps import Outcome
from core.errors import RefusedError
from core.plan.approval import why_expired
from core.plan.plan import PlanState, plan_from_json, plan_to_json
from core.plan.progress import CutoverProgress, progress_from_json, progress_to_json
from core.plan.stored import StoredPlan
from core.wording import from_stamp, listing, stamp
from ops.store.audit import write_entry
from ops.store.cards import put_card
from ops.store.claims import submit_run

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from datetime import datetime

    from core.plan.plan import Plan
    from core.reply import Reply
    from ops.contracts import Db, Transaction

RUN = "cutover"
OPEN = (PlanState.PLANNED, PlanState.APPROVED, PlanState.UNFINISHED)


class Plans:
    """Every plan that was ever made."""

    def __init__(self, db: Db) -> None:
        self._db = db

    async def add(self, plan: Plan, card: Reply) -> None:
        """Keep a new plan, on record, with its card; one that may not be approved is BLOCKED from the start."""

        def work(database: Transaction) -> None:
            database.execute(
                "INSERT INTO plans (id, state, body, digest, asked_by, asked_at, expires_at) "
                "VALUES (?, ?, ?, ?, ?, ?, ?)",
                [
                    plan.id,
                    plan.first_state.value,
                    json.dumps(plan_to_json(plan)),
                    plan.digest,
                    plan.asked_by,
                    stamp(plan.asked_at),
                    stamp(plan.expires_at),
                ],
            )
            body = {"title": plan.title, "digest": plan.digest, "plan": plan_to_json(plan)}
            write_entry(database, plan.asked_at, "plan.made", plan.id, plan.asked_by, body)
            put_card(database, f"plan:{plan.id}", card, plan.asked_at)

        await self._db.write(work)

    async def get(self, plan_id: str) -> StoredPlan | None:
        """Return the plan, or None."""
        found = await self._where("id = ?", [plan_id])
        return found[0] if found else None

    async def open(self) -> tuple[StoredPlan, ...]:
        """Return the plans that wait, are carried out or are unfinished, oldest first."""
        return await self._where(f"state IN ({', '.join('?' * len(OPEN))})", [state.value for state in OPEN])

    async def in_state(self, state: PlanState) -> tuple[StoredPlan, ...]:
        """Return the plans in one state, oldest first."""
        return await self._where("state = ?", [state.value])

    async def carried_out_since(self, at: datetime) -> tuple[StoredPlan, ...]:
        """Return the plans that were approved later than `at`, those under way too, oldest first."""
        return await self._where("approved_at > ?", [stamp(at)])

    async def last_moves(self) -> Mapping[str, datetime]:
        """Return when each site was last moved by a cutover, by site."""
        latest: dict[str, datetime] = {}
        for stored in await self._where("approved_at IS NOT NULL AND state NOT IN ('stale', 'approved')", []):
            if stored.approved_at is not None:
                latest.update(dict.fromkeys(stored.plan.sites_touched(stored.progress.zones), stored.approved_at))
        return latest

    async def approve(
        self,
        plan: Plan,
        who: str,
        needed: int,
        now: Callable[[], datetime],
        *,
        entry: str | None = None,
        counts: Callable[[Sequence[tuple[str, str | None]]], int] = len,
    ) -> PlanState:
        """Add one approval, on record; with `needed` of them the plan is APPROVED, its sites taken, its run begun.

        entry: what of app.yaml makes `who` an approver. counts: how many of all approvals (who, entry) count now.
        Returns the state afterwards. A plan that is no longer PLANNED, or an approval that is there already, changes
        nothing. Raises RefusedError where it has expired by `now`, which is asked while nobody else writes, or another
        cutover of one of its sites is open: then nothing has changed.
        """

        def work(database: Transaction) -> PlanState:
            at = now()
            row = next(iter(database.query("SELECT state, digest FROM plans WHERE id = ?", [plan.id])))
            if row["state"] != PlanState.PLANNED or row["digest"] != plan.digest:
                return PlanState(row["state"])
            why_not = why_expired(plan, at)
            if why_not is not None:
                raise RefusedError(f"Plan {plan.id} was not approved. {why_not}")
            given = database.execute(
                "INSERT INTO approvals (plan, who, at, entry) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
                [plan.id, who, stamp(at), entry],
            )
            if given:
                write_entry(database, at, "plan.approved", plan.id, who, {"digest": plan.digest})
            if counts(_approvals(database, plan.id)) < needed:
                return PlanState.PLANNED
            _take_sites(database, plan)
            database.execute(
                "UPDATE plans SET state = ?, approved_at = ? WHERE id = ?",
                [PlanState.APPROVED.value, stamp(at), plan.id],
            )
            # In the same transaction: a process that dies right here leaves a run for the next to take up.
            submit_run(database, RUN, plan.id, at)
            return PlanState.APPROVED

        return await self._db.write(work)

    async def move(
        self,
        plan_id: str,
        allowed: Collection[PlanState],
        to: PlanState,
        at: datetime,
        who: str,
        why: str,
        card: Reply,
        progress: CutoverProgress | None = None,
    ) -> bool:
        """Take a plan from one of the `allowed` states to `to`, on record, with its card; False where it is in none.

        progress: how far it is; None leaves that as it is.
        """

        def work(database: Transaction) -> bool:
            row = next(iter(database.query("SELECT state FROM plans WHERE id = ?", [plan_id])), None)
            if row is None or row["state"] not in {state.value for state in allowed}:
                return False
            database.execute("UPDATE plans SET state = ?, ended_at = ? WHERE id = ?", [to.value, stamp(at), plan_id])
            if to != PlanState.APPROVED:
                database.execute("DELETE FROM open_cutovers WHERE plan = ?", [plan_id])
            if progress is not None:
                _keep_progress(database, plan_id, progress)
            write_entry(database, at, f"plan.{to.value}", plan_id, who, {"why": why})
            put_card(database, f"plan:{plan_id}", card, at)
            return True

        return await self._db.write(work)

    async def show(
        self,
        plan_id: str,
        progress: CutoverProgress,
        card: Reply,
        at: datetime,
        *,
        only: PlanState = PlanState.APPROVED,
    ) -> None:
        """Keep how far a cutover is, together with its card, where it is in the state `only`."""

        def work(database: Transaction) -> None:
            row = next(iter(database.query("SELECT state FROM plans WHERE id = ?", [plan_id])), None)
            if row is None or row["state"] != only:
                return
            _keep_progress(database, plan_id, progress)
            put_card(database, f"plan:{plan_id}", card, at)

        await self._db.write(work)

    async def put_card(self, plan_id: str, card: Reply, at: datetime) -> None:
        """Change what a plan's card shows."""
        await self._db.write(lambda database: put_card(database, f"plan:{plan_id}", card, at))

    async def begin_steps(self, plan_id: str, steps: Sequence[str], at: datetime, who: str) -> frozenset[str]:
        """Put on record that steps begin, and return those of them that had begun before: they begin again."""

        def work(database: Transaction) -> frozenset[str]:
            begun = {row["step"] for row in database.query("SELECT step FROM steps WHERE plan = ?", [plan_id])}
            database.execute_many(
                "INSERT INTO steps (plan, step, begun_at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
                [(plan_id, step, stamp(at)) for step in steps],
            )
            write_entry(database, at, "step.begun", plan_id, who, {"steps": list(steps)})
            return frozenset(begun.intersection(steps))

        return await self._db.write(work)

    async def end_steps(
        self, plan_id: str, ended: Sequence[tuple[str, Outcome, str]], progress: CutoverProgress, at: datetime, who: str
    ) -> None:
        """Put on record how steps (key, outcome, detail) ended, and how far the cutover is; each ends once."""

        def work(database: Transaction) -> None:
            for step, outcome, detail in ended:
                database.execute(
                    "UPDATE steps SET ended_at = ?, outcome = ?, detail = ? "
                    "WHERE plan = ? AND step = ? AND outcome IS NULL",
                    [stamp(at), outcome.value, detail, plan_id, step],
                )
            _keep_progress(database, plan_id, progress)
            body = {"steps": [{"step": step, "outcome": o.value, "detail": detail} for step, o, detail in ended]}
            write_entry(database, at, "step.ended", plan_id, who, body)

        await self._db.write(work)

    async def begun(self, plan_id: str) -> frozenset[str]:
        """Return the keys of the steps that have begun."""
        asked = "SELECT step FROM steps WHERE plan = ?"
        rows = await self._db.read(lambda database: database.query(asked, [plan_id]))
        return frozenset(row["step"] for row in rows)

    async def outcomes(self, plan_id: str) -> Mapping[str, Outcome]:
        """Return the outcome of every step that has ended, by the step's key."""
        rows = await self._db.read(
            lambda database: database.query(
                "SELECT step, outcome FROM steps WHERE plan = ? AND outcome IS NOT NULL", [plan_id]
            )
        )
        return {row["step"]: Outcome(row["outcome"]) for row in rows}

    async def _where(self, where: str, parameters: list[str]) -> tuple[StoredPlan, ...]:
        sql = f"SELECT * FROM plans WHERE {where} ORDER BY asked_at, id"  # noqa: S608 - `where` is a literal of ours

        def work(database: Transaction) -> list[tuple[dict[str, str], list[tuple[str, str | None]]]]:
            return [(row, _approvals(database, row["id"])) for row in database.query(sql, parameters)]

        return tuple(_stored(row, approvals) for row, approvals in await self._db.read(work))


def _approvals(database: Transaction, plan_id: str) -> list[tuple[str, str | None]]:
    rows = database.query("SELECT who, entry FROM approvals WHERE plan = ? ORDER BY at", [plan_id])
    return [(row["who"], row["entry"]) for row in rows]


def _take_sites(database: Transaction, plan: Plan) -> None:
    held = {row["site"]: row["plan"] for row in database.query("SELECT site, plan FROM open_cutovers")}
    taken = [site for site in plan.sites if site in held]
    if taken:
        raise RefusedError(
            f"Another cutover is under way: {listing(taken)} in plan {held[taken[0]]}. Nothing changed.",
            hint=f"Wait until plan {held[taken[0]]} has ended, or end it: `cancel {held[taken[0]]}`.",
        )
    database.execute_many("INSERT INTO open_cutovers (site, plan) VALUES (?, ?)", [(s, plan.id) for s in plan.sites])


def _keep_progress(database: Transaction, plan_id: str, progress: CutoverProgress) -> None:
    kept = json.dumps(progress_to_json(progress))
    database.execute("UPDATE plans SET progress = ? WHERE id = ?", [kept, plan_id])


def _stored(row: dict[str, str], approvals: list[tuple[str, str | None]]) -> StoredPlan:
    return StoredPlan(
        plan=plan_from_json(json.loads(row["body"])),
        state=PlanState(row["state"]),
        approved_by=tuple(who for who, _ in approvals),
        approved_as={who: entry for who, entry in approvals if entry is not None},
        approved_at=from_stamp(row["approved_at"]) if row["approved_at"] else None,
        ended_at=from_stamp(row["ended_at"]) if row["ended_at"] else None,
        progress=progress_from_json(json.loads(row["progress"])) if row["progress"] else CutoverProgress(),
    )

"""Who may approve what, and when: answers with a reason why not, or None."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from core.people import Person, Role
from core.plan.plan import PlanState
from core.wording import ago, count, duration

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime, timedelta

    from core.plan.plan import Plan

CARRIED_OUT = frozenset({PlanState.CONFIRMED, PlanState.UNFINISHED, PlanState.PARTIAL})
MOST_TYPED = 300

_ENDS = {
    PlanState.BLOCKED: "Something stands in the way.",
    PlanState.APPROVED: "It is being carried out already.",
    PlanState.CONFIRMED: "It has been carried out already.",
    PlanState.UNFINISHED: "It has been carried out already, and waits for name servers.",
    PlanState.PARTIAL: "It has been carried out in part already.",
    PlanState.ROLLED_BACK: "It has been carried out and rolled back already.",
    PlanState.CANCELLED: "It was cancelled.",
    PlanState.EXPIRED: "It had expired.",
    PlanState.STALE: "Something had changed since it was made.",
}


def why_not_approve(
    plan: Plan, state: PlanState, person: Person, given: Collection[str], needed: int, digest: str | None, now: datetime
) -> str | None:
    """Say why `person` cannot approve `plan` now, or None where they can.

    given: labels of those who have approved already. needed: how many it takes; from two on, who asked does not count.
    digest: the beginning of the digest of what they were shown; None where they typed only the plan's id.
    """
    if not person.may(Role.APPROVER):
        return "Sorry: only this fleet's approvers can approve, and you are not one."
    if state == PlanState.BLOCKED and plan.blocks:
        return f"{count(len(plan.blocks), 'check')} in the way: {plan.blocks[0].text}."
    if state != PlanState.PLANNED:
        return _ENDS[state]
    if now >= plan.expires_at:
        return f"It expired {ago(plan.expires_at, now)}."
    if digest is not None and not (digest and plan.digest.startswith(digest)):
        return "What you were shown is not this plan."
    if person.label in given:
        return "You have approved it already; somebody else has to as well."
    if needed > 1 and person.label == plan.asked_by:
        return f"You asked for it; {count(needed, 'other person', 'other people')} have to approve."
    return None


def why_not_cancel(state: PlanState, person: Person, asked_by: str) -> str | None:
    """Say why `person` cannot cancel a plan, or None. Who asked for it may, and every approver."""
    if not (person.may(Role.APPROVER) or person.label == asked_by):
        return "Sorry: only who asked for it and this fleet's approvers can cancel it."
    return None if state == PlanState.PLANNED else _ENDS[state]


def why_not_roll_back(
    plan: Plan, state: PlanState, ended_at: datetime | None, within: timedelta, now: datetime
) -> str | None:
    """Say why a cutover that ended at `ended_at` cannot be rolled back, or None. `within`: for so long it can."""
    if plan.kind == "rollback":
        return "It is a rollback itself."
    if plan.restore is not None:
        return "It was a restore; what it replaced is kept aside on the server, in .sharpnet beside the root."
    if state in CARRIED_OUT:
        if ended_at is not None and now - ended_at > within:
            return f"It ended {ago(ended_at, now)}, and for {duration(within)} it could be."
        return None
    if state == PlanState.APPROVED:
        return "It is still being carried out."
    return "It was never carried out." if state != PlanState.ROLLED_BACK else "It has been rolled back already."


def instead_of_rolling_back(plan: Plan, state: PlanState) -> str:
    """Say what helps where a cutover cannot be rolled back."""
    if state not in CARRIED_OUT:
        return "`history` shows what happened."
    sites = " ".join(shlex.quote(site) for site in plan.sites)
    how = "Go back by a plan of its own, which copies what was written since"
    if len(plan.sources) > 1 or len(sites) > MOST_TYPED:
        return f"{how}: `failover` with --planned."
    return f"{how}: `failover {sites} --to {plan.sources[0]} --planned`."

"""Who may approve what, and when: answers with a reason why not, or None."""

from __future__ import annotations

import shlex
from datetime import timedelta
from typing import TYPE_CHECKING, assert_never

from core.fleet import ApprovalPolicy
from core.people import Person, Role
from core.plan.approvers import TERMINAL, entry_of, one_person, why_no_approver
from core.plan.plan import Failover, PlanState, Rollback
from core.plan.restore import Restore
from core.wording import ago, count, duration

if TYPE_CHECKING:
    from datetime import datetime

    from core.fleet import SlackAccess
    from core.plan.plan import Plan
    from core.plan.stored import StoredPlan

CARRIED_OUT = frozenset({PlanState.CONFIRMED, PlanState.UNFINISHED, PlanState.PARTIAL})
MOST_TYPED = 300
# An approval that nobody has begun to carry out: for how long it counts, and for how long without another look.
APPROVED_FOR = timedelta(minutes=5)
FRESH = timedelta(seconds=30)
CLOCKS_DIFFER = timedelta(minutes=1)

_ENDS = {
    PlanState.BLOCKED: "Something stands in the way.",
    PlanState.APPROVED: "It is being carried out already.",
    PlanState.CONFIRMED: "It has been carried out already.",
    PlanState.UNFINISHED: "It has been carried out already, and waits for name servers.",
    PlanState.OVERTAKEN: "It has been carried out already, and a later plan has moved its names on.",
    PlanState.PARTIAL: "It has been carried out in part already.",
    PlanState.ROLLED_BACK: "It has been carried out and rolled back already.",
    PlanState.CANCELLED: "It was cancelled.",
    PlanState.EXPIRED: "It had expired.",
    PlanState.STALE: "Something had changed since it was made.",
    PlanState.LOST: "What has become of it is not known: the store was put back.",
}


def why_not_approve(
    stored: StoredPlan,
    person: Person,
    needed: int,
    digest: str | None,
    now: datetime,
    access: SlackAccess | None = None,
) -> str | None:
    """Say why `person` cannot approve a plan now, or None where they can.

    needed: how many approvals it takes; from two on, who asked does not count. digest: the beginning of the digest of
    what they were shown; None where they typed only the plan's id. access: who is who now.
    """
    plan = stored.plan
    if not person.may(Role.APPROVER):
        return "Sorry: only this fleet's approvers can approve, and you are not one."
    if stored.state == PlanState.BLOCKED and plan.blocks:
        return f"{count(len(plan.blocks), 'check')} in the way: {plan.blocks[0].text}."
    if stored.state != PlanState.PLANNED:
        return _ENDS[stored.state]
    if why := why_expired(plan, now):
        return why
    if digest is not None and not (digest and plan.digest.startswith(digest)):
        return "What you were shown is not this plan."
    return _why_not_this_person(stored, person, needed, access)


def _why_not_this_person(stored: StoredPlan, person: Person, needed: int, access: SlackAccess | None) -> str | None:
    who = one_person(person.label, access)
    if who in {one_person(label, access) for label in stored.approved_by}:
        already = "You have" if person.label in stored.approved_by or who != TERMINAL else "The terminal has"
        return f"{already} approved it already; somebody else has to as well."
    if needed > 1 and who == one_person(stored.plan.asked_by, access):
        return f"You asked for it; {count(needed, 'other person', 'other people')} have to approve."
    why = why_no_approver(person.label, entry_of(person, access), access, ApprovalPolicy(needed))
    return f"{why[0].upper()}{why[1:]}." if why else None


def why_expired(plan: Plan, now: datetime) -> str | None:
    """Say that a plan has expired, or return None."""
    return f"It expired {ago(plan.expires_at, now)}." if now >= plan.expires_at else None


def why_not_begin(stored: StoredPlan, now: datetime) -> str | None:
    """Say why an approved plan of which nothing was done yet must not be begun any more, or None.

    An approval is for what people knew when they gave it: one that nobody carried out in time is asked for again.
    """
    age = now - (stored.approved_at or stored.plan.asked_at)
    if age > APPROVED_FOR:
        return f"it was approved {duration(age)} ago, and is begun within {duration(APPROVED_FOR)} or not at all"
    if age < -CLOCKS_DIFFER:
        return f"it was approved {duration(-age)} from now by this machine's clock, which has gone back"
    return None


def is_to_be_compared(stored: StoredPlan, now: datetime) -> bool:
    """Return whether so much time has passed since the approval that its facts are looked at once more."""
    return abs(now - (stored.approved_at or stored.plan.asked_at)) > FRESH


def why_not_cancel(stored: StoredPlan, person: Person) -> str | None:
    """Say why `person` cannot cancel a plan, or None. Who asked for it may, and every approver.

    One that is being carried out ends at its next step.
    """
    if not (person.may(Role.APPROVER) or person.label == stored.plan.asked_by):
        return "Sorry: only who asked for it and this fleet's approvers can cancel it."
    return None if stored.state in {PlanState.PLANNED, PlanState.APPROVED} else _ENDS[stored.state]


def why_not_roll_back(stored: StoredPlan, within: timedelta, now: datetime) -> str | None:
    """Say why a plan cannot be rolled back, or None. `within`: for so long after its end it can."""
    match stored.plan.purpose:
        case Rollback():
            return "It is a rollback itself."
        case Restore():
            return "It was a restore; what it replaced is recoverable on the server, in .sharpnet beside the root."
        case Failover():
            return _why_not_back(stored, within, now)
        case _:
            assert_never(stored.plan.purpose)


def _why_not_back(stored: StoredPlan, within: timedelta, now: datetime) -> str | None:
    if stored.state in CARRIED_OUT:
        if stored.ended_at is not None and now - stored.ended_at > within:
            return f"It ended {ago(stored.ended_at, now)}, and for {duration(within)} it could be."
        return None
    if stored.state == PlanState.APPROVED:
        return "It is still being carried out."
    if stored.state == PlanState.OVERTAKEN:
        return "A later plan has moved its names on; that one can be rolled back."
    if stored.state == PlanState.LOST:
        return _ENDS[PlanState.LOST]
    return "It was never carried out." if stored.state != PlanState.ROLLED_BACK else "It has been rolled back already."


def instead_of_rolling_back(stored: StoredPlan) -> str:
    """Say what helps where a cutover cannot be rolled back."""
    plan = stored.plan
    if stored.state not in CARRIED_OUT:
        return "`history` shows what happened."
    sites = " ".join(shlex.quote(site) for site in plan.sites)
    how = "Go back by a separate plan, which copies what was written since"
    if len(plan.sources) > 1 or len(sites) > MOST_TYPED:
        return f"{how}: `failover` with --planned."
    return f"{how}: `failover {sites} --to {plan.sources[0]} --planned`."

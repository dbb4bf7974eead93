from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from core.people import Person, Role
from core.plan.approval import (
    instead_of_rolling_back,
    is_to_be_compared,
    why_not_approve,
    why_not_begin,
    why_not_cancel,
    why_not_roll_back,
)
from core.plan.cancelling import cancel_line, gives_way, or_cancel, why_not_end
from core.plan.plan import PlanState, Rollback
from core.plan.stored import StoredPlan
from core.plan.verdict import Level, Verdict

if TYPE_CHECKING:
    from datetime import datetime

    from core.plan.plan import Plan

APPROVER = Person("U2", "slack", frozenset({Role.APPROVER}))
ASKER = Person("U1", "slack", frozenset({Role.OPERATOR, Role.APPROVER}))
OPERATOR = Person("U3", "slack", frozenset({Role.OPERATOR}))
STRANGER = Person("U4", "slack", frozenset())


def test_an_approver_approves_what_was_shown(plan: Plan, now: datetime) -> None:
    assert why_not_approve(StoredPlan(plan, PlanState.PLANNED), APPROVER, 1, plan.digest[:16], now) is None
    assert why_not_approve(StoredPlan(plan, PlanState.PLANNED), APPROVER, 1, None, now) is None


@pytest.mark.parametrize("person", [OPERATOR, STRANGER])
def test_nobody_else_approves(plan: Plan, now: datetime, person: Person) -> None:
    said = why_not_approve(StoredPlan(plan, PlanState.PLANNED), person, 1, None, now)
    assert said == "Sorry: only this fleet's approvers can approve, and you are not one."


@pytest.mark.parametrize("state", [state for state in PlanState if state != PlanState.PLANNED])
def test_a_plan_is_approved_once(plan: Plan, now: datetime, state: PlanState) -> None:
    assert why_not_approve(StoredPlan(plan, state), APPROVER, 1, None, now)


def test_an_expired_plan_is_not_approved_from_the_very_moment_on(plan: Plan) -> None:
    just_before = plan.expires_at - timedelta(microseconds=1)
    assert why_not_approve(StoredPlan(plan, PlanState.PLANNED), APPROVER, 1, None, just_before) is None
    assert (
        why_not_approve(StoredPlan(plan, PlanState.PLANNED), APPROVER, 1, None, plan.expires_at)
        == "It expired just now."
    )


@pytest.mark.parametrize("digest", ["0" * 16, ""])
def test_another_digest_than_the_plans_is_refused(plan: Plan, now: datetime, digest: str) -> None:
    said = why_not_approve(StoredPlan(plan, PlanState.PLANNED), APPROVER, 1, digest, now)
    assert said == "What you were shown is not this plan."


def test_a_block_stands_in_the_way_unless_it_is_forced(plan: Plan, now: datetime) -> None:
    blocked = replace(plan, verdicts=(Verdict("target", Level.BLOCK, "south is down"),))
    said = why_not_approve(StoredPlan(blocked, PlanState.BLOCKED), APPROVER, 1, None, now)
    assert said == "1 check in the way: south is down."
    empty = why_not_approve(StoredPlan(replace(plan, zones=()), PlanState.BLOCKED), APPROVER, 1, None, now)
    assert empty == "Something stands in the way."
    forced = replace(blocked, force="fire")
    assert why_not_approve(StoredPlan(forced, PlanState.PLANNED), APPROVER, 1, None, now) is None


def test_with_two_approvals_nobody_counts_twice_and_who_asked_does_not_count(plan: Plan, now: datetime) -> None:
    assert why_not_approve(StoredPlan(plan, PlanState.PLANNED, (APPROVER.label,)), APPROVER, 2, None, now) == (
        "You have approved it already; somebody else has to as well."
    )
    assert why_not_approve(StoredPlan(plan, PlanState.PLANNED), ASKER, 2, None, now) == (
        "You asked for it; 2 other people have to approve."
    )
    assert why_not_approve(StoredPlan(plan, PlanState.PLANNED), ASKER, 1, None, now) is None
    assert why_not_approve(StoredPlan(plan, PlanState.PLANNED), APPROVER, 2, None, now) is None
    assert why_not_approve(StoredPlan(plan, PlanState.PLANNED, ("slack:U9",)), APPROVER, 2, None, now) is None


def test_who_asked_and_every_approver_can_cancel_what_waits(plan: Plan) -> None:
    asker = Person("U1", "slack", frozenset({Role.OPERATOR}))
    assert why_not_cancel(StoredPlan(plan, PlanState.PLANNED), asker) is None
    assert why_not_cancel(StoredPlan(plan, PlanState.PLANNED), APPROVER) is None
    assert why_not_cancel(StoredPlan(plan, PlanState.PLANNED), OPERATOR)


WHO_MAY_CANCEL = {
    "the operator who asked": (Person("U1", "slack", frozenset({Role.OPERATOR})), True),
    "who asked, an operator no more": (Person("U1", "slack", frozenset()), True),
    "an approver": (APPROVER, True),
    "another operator": (OPERATOR, False),
    "a stranger": (STRANGER, False),
}
CANCELLED_IN = {
    PlanState.PLANNED: None,
    PlanState.APPROVED: None,
    PlanState.BLOCKED: "Something stands in the way.",
    PlanState.CONFIRMED: "It has been carried out already.",
    PlanState.UNFINISHED: "It has been carried out already, and waits for name servers.",
    PlanState.PARTIAL: "It has been carried out in part already.",
    PlanState.STALE: "Something had changed since it was made.",
    PlanState.CANCELLED: "It was cancelled.",
    PlanState.EXPIRED: "It had expired.",
    PlanState.ROLLED_BACK: "It has been carried out and rolled back already.",
    PlanState.OVERTAKEN: "It has been carried out already, and a later plan has moved its names on.",
    PlanState.LOST: "What has become of it is not known: the store was put back.",
}


@pytest.mark.parametrize("state", PlanState)
@pytest.mark.parametrize("who", WHO_MAY_CANCEL)
def test_what_waits_or_is_under_way_is_cancelled_by_who_asked_and_by_approvers(
    plan: Plan, who: str, state: PlanState
) -> None:
    person, may = WHO_MAY_CANCEL[who]
    never = "Sorry: only who asked for it and this fleet's approvers can cancel it."
    assert why_not_cancel(StoredPlan(plan, state), person) == (CANCELLED_IN[state] if may else never)


@pytest.mark.parametrize(("person", "may"), [(APPROVER, True), (OPERATOR, True), (ASKER, True), (STRANGER, False)])
def test_a_copy_or_a_backup_is_ended_by_who_may_start_it_and_by_approvers(person: Person, *, may: bool) -> None:
    never = "Sorry: only this fleet's operators and approvers can cancel what is under way."
    assert why_not_end(person) == (None if may else never)


@pytest.mark.parametrize(
    ("claim", "owner", "line"),
    [
        ("site:shop", "20260614T130207Z-ab12", "cancel shop"),
        ("site:my shop", "20260614T130207Z-ab12", "cancel 'my shop'"),
        ("site:shop", "K7Q2", "cancel shop"),
        ("backup:shop", "20260614T130207Z-ab12", "cancel 20260614T130207Z-ab12"),
        ("backup", "20260614T130207Z-ab12", "cancel 20260614T130207Z-ab12"),
    ],
)
def test_what_is_under_way_is_ended_by_a_line_that_can_be_typed(claim: str, owner: str, line: str) -> None:
    assert cancel_line(claim, owner) == line
    assert or_cancel(claim, owner) == f"when that has ended, or end it: `{line}`."


def test_an_emergency_ends_any_work_on_a_site_but_another_cutover() -> None:
    assert gives_way("a sync to lima")
    assert gives_way("a restore")
    assert not gives_way("a cutover")


WEEK = timedelta(days=7)


def test_only_a_carried_out_failover_can_be_rolled_back(plan: Plan, now: datetime) -> None:
    def why(state: PlanState, of: Plan = plan) -> str | None:
        return why_not_roll_back(StoredPlan(of, state, ended_at=now), WEEK, now)

    for state in (PlanState.CONFIRMED, PlanState.UNFINISHED, PlanState.PARTIAL):
        assert why(state) is None
    assert why(PlanState.APPROVED) == "It is still being carried out."
    assert why(PlanState.CANCELLED) == "It was never carried out."
    assert why(PlanState.LOST) == "What has become of it is not known: the store was put back."
    assert why(PlanState.ROLLED_BACK) == "It has been rolled back already."
    assert why(PlanState.CONFIRMED, replace(plan, purpose=Rollback("AAAA"))) == "It is a rollback itself."


def test_a_cutover_can_be_rolled_back_up_to_the_end_of_its_window(plan: Plan, now: datetime) -> None:
    assert why_not_roll_back(StoredPlan(plan, PlanState.CONFIRMED, ended_at=now), WEEK, now + WEEK) is None
    late = why_not_roll_back(StoredPlan(plan, PlanState.CONFIRMED, ended_at=now), WEEK, now + WEEK + timedelta(hours=1))
    assert late == "It ended 7 d 1 h ago, and for 7 d it could be."
    assert why_not_roll_back(StoredPlan(plan, PlanState.UNFINISHED), WEEK, now) is None
    overtaken = why_not_roll_back(StoredPlan(plan, PlanState.OVERTAKEN, ended_at=now), WEEK, now)
    assert overtaken == "A later plan has moved its names on; that one can be rolled back."


def test_instead_of_a_rollback_a_planned_move_back_is_typed(plan: Plan) -> None:
    said = instead_of_rolling_back(StoredPlan(replace(plan, moves=plan.moves[:1]), PlanState.CONFIRMED))
    assert said.endswith("copies what was written since: `failover shop --to north --planned`.")
    many = replace(plan, moves=tuple(replace(plan.moves[0], site=f"site-{n}.test") for n in range(50)))
    assert instead_of_rolling_back(StoredPlan(many, PlanState.CONFIRMED)).endswith(
        "written since: `failover` with --planned."
    )
    two = replace(plan, moves=(plan.moves[0], replace(plan.moves[1], source="south")))
    assert instead_of_rolling_back(StoredPlan(two, PlanState.PARTIAL)).endswith(
        "written since: `failover` with --planned."
    )
    assert instead_of_rolling_back(StoredPlan(plan, PlanState.CANCELLED)) == "`history` shows what happened."


@pytest.mark.parametrize(("longer", "typed"), [(0, True), (1, False)])
def test_a_line_is_offered_while_its_sites_take_no_more_than_three_hundred_letters(
    plan: Plan, longer: int, *, typed: bool
) -> None:
    sites = ["a" * 149, "b" * (150 + longer)]
    long = replace(plan, moves=tuple(replace(plan.moves[0], site=site) for site in sites))
    said = instead_of_rolling_back(StoredPlan(long, PlanState.CONFIRMED))
    assert (f"`failover {sites[0]} {sites[1]} --to north --planned`" in said) is typed


def test_everyone_is_anyone_but_roles_are_held_one_by_one() -> None:
    assert STRANGER.may(Role.ANYONE)
    assert not APPROVER.may(Role.OPERATOR)
    assert APPROVER.may(Role.APPROVER)
    assert APPROVER.label == "slack:U2"


INSTANT = timedelta(microseconds=1)


@pytest.mark.parametrize(
    ("age", "why"),
    [
        (timedelta(0), None),
        (timedelta(minutes=5), None),
        (timedelta(minutes=5) + INSTANT, "it was approved 5 min ago, and is begun within 5 min or not at all"),
        (timedelta(days=3), "it was approved 3 d ago, and is begun within 5 min or not at all"),
        (-timedelta(minutes=1), None),
        (
            -timedelta(minutes=1) - INSTANT,
            "it was approved 1 min from now by this machine's clock, which has gone back",
        ),
        (
            -timedelta(hours=1),
            "it was approved 1 h from now by this machine's clock, which has gone back",
        ),
    ],
)
def test_an_approval_that_nobody_began_to_carry_out_counts_for_minutes(
    plan: Plan, now: datetime, age: timedelta, why: str | None
) -> None:
    # It was asked for long before, or a moment ago: only when it was approved counts.
    for asked_at in (now - timedelta(days=1), now + age):
        asked = replace(plan, asked_at=asked_at)
        stored = StoredPlan(asked, PlanState.APPROVED, approved_by=("slack:U2",), approved_at=now)
        assert why_not_begin(stored, now + age) == why
    assert why_not_begin(StoredPlan(replace(plan, asked_at=now), PlanState.APPROVED), now + age) == why


@pytest.mark.parametrize(
    ("age", "compared"),
    [
        (timedelta(0), False),
        (timedelta(seconds=30), False),
        (timedelta(seconds=30) + INSTANT, True),
        (-timedelta(seconds=30), False),
        (-timedelta(seconds=30) - INSTANT, True),
    ],
)
def test_what_was_not_begun_at_once_is_compared_with_the_world_again(
    plan: Plan, now: datetime, age: timedelta, *, compared: bool
) -> None:
    for asked_at in (now - timedelta(days=1), now + age):
        asked = replace(plan, asked_at=asked_at)
        stored = StoredPlan(asked, PlanState.APPROVED, approved_by=("slack:U2",), approved_at=now)
        assert is_to_be_compared(stored, now + age) is compared
    assert is_to_be_compared(StoredPlan(replace(plan, asked_at=now), PlanState.APPROVED), now + age) is compared

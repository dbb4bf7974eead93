from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from core.fleet import ApprovalPolicy, SlackAccess
from core.people import Person, Role
from core.plan.approval import why_not_approve
from core.plan.approvers import counted, entry_of, groups_to_ask, one_person, why_no_approver, why_too_few
from core.plan.plan import PlanState
from core.plan.stored import StoredPlan

if TYPE_CHECKING:
    from datetime import datetime

    from core.plan.plan import Plan

ONE, TWO = ApprovalPolicy(1), ApprovalPolicy(2)
ACCESS = SlackAccess("C1", approvers=("U0ALICE", "U0BOB", "U0CAROL"))
NAMED = replace(ACCESS, terminal={"alice": "U0ALICE", "bob": "U0BOB"})
GROUPED = replace(NAMED, approvers=("S0TEAM",))


def at_terminal(name: str) -> Person:
    return Person(name, "terminal", frozenset(Role))


@pytest.fixture
def asked(plan: Plan) -> Plan:
    return replace(plan, asked_by="slack:U0DAVE")


@pytest.mark.parametrize(
    ("label", "access", "person"),
    [
        ("slack:U0ALICE", NAMED, "slack:U0ALICE"),
        ("terminal:alice", NAMED, "slack:U0ALICE"),
        ("terminal:root", NAMED, "terminal"),
        ("terminal:alice", ACCESS, "terminal"),
        ("terminal:alice", None, "terminal"),
    ],
)
def test_who_sits_at_the_terminal_is_one_person_but_for_those_whom_the_file_names(
    label: str, access: SlackAccess | None, person: str
) -> None:
    assert one_person(label, access) == person


def test_two_names_at_one_terminal_are_one_approval(asked: Plan) -> None:
    given = [("terminal:alice", None), ("terminal:bob", None)]
    assert counted(given, asked, ACCESS, TWO) == ("terminal:alice",)
    assert counted(given, asked, None, TWO) == ("terminal:alice",)
    assert counted(given, asked, NAMED, TWO) == ("terminal:alice", "terminal:bob")


def test_one_person_in_slack_and_at_the_terminal_is_one_approval(asked: Plan) -> None:
    given = [("slack:U0ALICE", "U0ALICE"), ("terminal:alice", None), ("terminal:bob", None)]
    assert counted(given, asked, NAMED, TWO) == ("slack:U0ALICE", "terminal:bob")


@pytest.mark.parametrize("asker", ["slack:U0ALICE", "terminal:alice"])
def test_who_asked_counts_under_no_name_where_two_are_needed(plan: Plan, asker: str) -> None:
    plan = replace(plan, asked_by=asker)
    given = [("terminal:alice", None), ("slack:U0ALICE", "U0ALICE"), ("slack:U0BOB", "U0BOB")]
    assert counted(given, plan, NAMED, TWO) == ("slack:U0BOB",)
    assert counted(given, plan, NAMED, ONE) == ("terminal:alice", "slack:U0BOB")


@pytest.mark.parametrize(
    ("label", "entry", "access", "policy", "why"),
    [
        ("slack:U0ALICE", "U0ALICE", ACCESS, ONE, None),
        ("slack:U0ALICE", None, ACCESS, ONE, None),
        ("slack:U0EVE", "", ACCESS, ONE, None),
        ("slack:U0EVE", "U0EVE", ACCESS, ONE, "slack:U0EVE is no approver any more"),
        ("slack:U0EVE", None, ACCESS, ONE, "slack:U0EVE is no approver any more"),
        ("slack:U0EVE", "S0TEAM", GROUPED, ONE, None),
        ("slack:U0EVE", "U0EVE", GROUPED, ONE, "slack:U0EVE is no approver any more"),
        ("slack:U0EVE", "S0OLD", GROUPED, ONE, "slack:U0EVE is no approver any more"),
        ("terminal:root", None, NAMED, ONE, None),
        ("terminal:root", None, NAMED, TWO, "the file app.yaml does not say who terminal:root is (slack.terminal)"),
        ("terminal:root", None, ACCESS, TWO, None),
        ("terminal:root", None, None, TWO, None),
        ("terminal:alice", None, NAMED, TWO, None),
        ("terminal:alice", None, GROUPED, TWO, None),
        (
            "terminal:alice",
            None,
            replace(NAMED, approvers=("U0BOB",)),
            TWO,
            "terminal:alice is no approver any more",
        ),
    ],
)
def test_an_approval_counts_while_what_made_its_giver_an_approver_is_in_the_file(
    label: str, entry: str | None, access: SlackAccess | None, policy: ApprovalPolicy, why: str | None
) -> None:
    assert why_no_approver(label, entry, access, policy) == why


def test_somebody_removed_since_is_named_with_what_is_left(asked: Plan) -> None:
    given = ("slack:U0ALICE", "slack:U0EVE", "slack:U0BOB")
    stored = StoredPlan(asked, PlanState.APPROVED, given, approved_as={label: label[6:] for label in given})
    assert why_too_few(stored, ACCESS, TWO) is None
    gone = replace(ACCESS, approvers=("U0BOB",))
    assert why_too_few(stored, gone, ONE) is None
    assert why_too_few(stored, gone, TWO) == (
        "1 of 2 approvals left: slack:U0ALICE is no approver any more, slack:U0EVE is no approver any more"
    )


def test_more_approvals_than_when_it_was_approved_are_asked_for_where_the_file_says_so_now(plan: Plan) -> None:
    stored = StoredPlan(replace(plan, asked_by="slack:U0BOB"), PlanState.APPROVED, ("slack:U0BOB",))
    assert why_too_few(stored, ACCESS, ONE) is None
    assert why_too_few(stored, ACCESS, TWO) == "0 of 2 approvals left: who asked does not count"


def test_what_makes_an_approver_is_the_person_or_the_group() -> None:
    member = Person("U0EVE", "slack", frozenset({Role.APPROVER}), approves_as="S0TEAM")
    assert entry_of(member, GROUPED) == "S0TEAM"
    assert entry_of(replace(member, id="U0BOB"), ACCESS) == "U0BOB"
    assert entry_of(member, None) == "S0TEAM"


def test_at_one_terminal_a_second_name_does_not_approve_once_more(asked: Plan, now: datetime) -> None:
    waiting = StoredPlan(asked, PlanState.PLANNED, ("terminal:alice",))
    said = why_not_approve(waiting, at_terminal("bob"), 2, None, now, ACCESS)
    assert said == "The terminal has approved it already; somebody else has to as well."
    assert why_not_approve(waiting, at_terminal("alice"), 2, None, now) == (
        "You have approved it already; somebody else has to as well."
    )
    assert why_not_approve(waiting, at_terminal("bob"), 2, None, now, NAMED) is None
    again = why_not_approve(
        StoredPlan(asked, PlanState.PLANNED, ("slack:U0BOB",)), at_terminal("bob"), 2, None, now, NAMED
    )
    assert again == "You have approved it already; somebody else has to as well."


def test_who_asked_in_slack_does_not_approve_at_the_terminal(plan: Plan, now: datetime) -> None:
    waiting = StoredPlan(replace(plan, asked_by="slack:U0BOB"), PlanState.PLANNED)
    said = why_not_approve(waiting, at_terminal("bob"), 2, None, now, NAMED)
    assert said == "You asked for it; 2 other people have to approve."


def test_where_the_file_names_who_sits_at_the_terminal_nobody_else_is_the_second_there(
    asked: Plan, now: datetime
) -> None:
    waiting = StoredPlan(asked, PlanState.PLANNED)
    said = why_not_approve(waiting, at_terminal("root"), 2, None, now, NAMED)
    assert said == "The file app.yaml does not say who terminal:root is (slack.terminal)."
    assert why_not_approve(waiting, at_terminal("root"), 1, None, now, NAMED) is None


@pytest.mark.parametrize(
    ("members", "approvers", "counts"),
    [
        ({"S0TEAM": {"U0ALICE"}}, ("S0TEAM",), True),
        ({"S0TEAM": {"U0BOB"}}, ("S0TEAM",), False),
        ({"S0TEAM": set()}, ("S0TEAM",), False),
        ({}, ("S0TEAM",), True),
        (None, ("S0TEAM",), True),
        ({"S0TEAM": set()}, ("S0TEAM", "U0ALICE"), True),
        ({"S0TEAM": set(), "S0MORE": {"U0ALICE"}}, ("S0TEAM", "S0MORE"), True),
        ({"S0TEAM": set(), "S0MORE": {"U0BOB"}}, ("S0TEAM", "S0MORE"), False),
        ({"S0TEAM": set()}, ("S0MORE",), False),
    ],
)
def test_who_has_left_the_group_that_made_them_an_approver_counts_only_by_another_way(
    asked: Plan, members: dict[str, set[str]] | None, approvers: tuple[str, ...], counts: bool
) -> None:
    access = replace(GROUPED, approvers=approvers)
    why = None if counts else "slack:U0ALICE is no approver any more"
    assert why_no_approver("slack:U0ALICE", "S0TEAM", access, ONE, members) == why
    assert bool(counted([("slack:U0ALICE", "S0TEAM")], asked, access, ONE, members)) is counts
    stored = StoredPlan(asked, PlanState.APPROVED, ("slack:U0ALICE",), approved_as={"slack:U0ALICE": "S0TEAM"})
    assert (why_too_few(stored, access, ONE, members) is None) is counts


def test_groups_are_asked_about_only_where_one_has_made_somebody_an_approver(asked: Plan) -> None:
    stored = StoredPlan(asked, PlanState.APPROVED, ("slack:U0ALICE",), approved_as={"slack:U0ALICE": "S0TEAM"})
    access = replace(GROUPED, approvers=("U0BOB", "S0TEAM", "S0MORE"))
    assert groups_to_ask(stored, access) == ("S0TEAM", "S0MORE")
    assert groups_to_ask(stored, None) == ()
    assert groups_to_ask(replace(stored, approved_as={"slack:U0ALICE": "U0ALICE"}), access) == ()

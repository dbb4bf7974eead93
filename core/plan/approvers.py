"""Whose approvals count: each person once, by the people of the moment at which they are used."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import TYPE_CHECKING, Final, TypeAlias

from core.wording import count, listing

if TYPE_CHECKING:
    from collections.abc import Iterable

    from core.fleet import ApprovalPolicy, SlackAccess
    from core.people import Person
    from core.plan.plan import Plan
    from core.plan.stored import StoredPlan

TERMINAL: Final = "terminal"
SLACK: Final = "slack:"
# How the id of a user group begins.
GROUP: Final = "S"
Members: TypeAlias = Mapping[str, AbstractSet[str]]


def one_person(label: str, access: SlackAccess | None) -> str:
    """Return whom a label of the record stands for: the same text for the same person.

    Who sits at a terminal is one person, whoever they say they are, but for those whom app.yaml names there: they are
    who they are in Slack.
    """
    via, _, name = label.partition(":")
    if via != TERMINAL:
        return label
    known = access.terminal.get(name) if access is not None else None
    return f"{SLACK}{known}" if known else TERMINAL


def entry_of(person: Person, access: SlackAccess | None) -> str:
    """Return the entry of app.yaml that makes somebody in Slack an approver; empty where none does."""
    return person.id if access is not None and person.id in access.approvers else person.approves_as


def groups_to_ask(stored: StoredPlan, access: SlackAccess | None) -> tuple[str, ...]:
    """Return the user groups whose members decide whether the plan's approvals still count; empty: none does."""
    if access is None or not any(entry.startswith(GROUP) for entry in stored.approved_as.values()):
        return ()
    return tuple(one for one in access.approvers if one.startswith(GROUP))


def why_no_approver(
    label: str,
    entry: str | None,
    access: SlackAccess | None,
    policy: ApprovalPolicy,
    members: Members | None = None,
) -> str | None:
    """Say why an approval of `label` does not count by the people of now, or None where it does.

    entry: what of app.yaml made them an approver when they approved; empty where nothing did, None where that is not
    known: then they have to be listed themselves. members: who is in which user group now; of a group that is not in
    it nobody could say, and who was in it when they approved still is.
    """
    person, at_terminal = one_person(label, access), label.startswith(f"{TERMINAL}:")
    if access is None or person == TERMINAL:
        unnamed = access is not None and access.terminal and policy.needed > 1
        return f"the file app.yaml does not say who {label} is (slack.terminal)" if unnamed else None
    wanted = person.removeprefix(SLACK) if entry is None or at_terminal else entry
    if not wanted or (wanted in access.approvers and not _has_left(person, wanted, access, members or {})):
        return None
    if at_terminal and any(one.startswith(GROUP) for one in access.approvers):
        # Without Slack nobody knows who is in a group; whoever sits there can do everything else anyway.
        return None
    return f"{label} is no approver any more"


def _has_left(person: str, entry: str, access: SlackAccess, members: Members) -> bool:
    """Return whether somebody is no longer in the group that made them an approver, nor one in any other way."""
    user = person.removeprefix(SLACK)
    ways = (user == one or user in members.get(one, ()) for one in access.approvers)
    return entry in members and not any(ways)


def counted(
    approvals: Iterable[tuple[str, str | None]],
    plan: Plan,
    access: SlackAccess | None,
    policy: ApprovalPolicy,
    members: Members | None = None,
) -> tuple[str, ...]:
    """Return the labels whose approvals (label, entry) count now, one a person; from two on, who asked does not.

    members: as `why_no_approver` has it.
    """
    people: dict[str, str] = {}
    asker = one_person(plan.asked_by, access) if policy.needed > 1 else None
    for label, entry in approvals:
        person = one_person(label, access)
        if person != asker and why_no_approver(label, entry, access, policy, members) is None:
            people.setdefault(person, label)
    return tuple(people.values())


def why_too_few(
    stored: StoredPlan, access: SlackAccess | None, policy: ApprovalPolicy, members: Members | None = None
) -> str | None:
    """Say why the approvals of an approved plan are too few by the people of now, or None where they suffice.

    members: as `why_no_approver` has it.
    """
    given = [(label, stored.approved_as.get(label)) for label in stored.approved_by]
    left = len(counted(given, stored.plan, access, policy, members))
    if left >= policy.needed:
        return None
    whys = [why for label, entry in given if (why := why_no_approver(label, entry, access, policy, members))]
    return f"{left} of {count(policy.needed, 'approval')} left: {listing(whys or ['who asked does not count'])}"

from __future__ import annotations

import pytest

from core.fleet.workspace import Account, Workspace, why_barred, why_not_served

OWN = Workspace("T0OWN", "", "A0OWN")
GRID = Workspace("T0OWN", "E0OWN", "A0OWN")
WIDE = Workspace("T0OWN", "E0OWN", "A0OWN", organisation_wide=True)


@pytest.mark.parametrize(
    ("origin", "own", "why"),
    [
        (OWN, OWN, None),
        (Workspace(), OWN, None),
        (Workspace("T0EVIL"), Workspace(), None),
        (
            Workspace("T0EVIL", "", "A0OWN"),
            OWN,
            "the request comes from the workspace T0EVIL, and this bot serves T0OWN",
        ),
        (Workspace("T0OWN", "", "A0EVIL"), OWN, "the request is for the Slack app A0EVIL, and this bot is A0OWN"),
        (Workspace("T0EVIL", "E0OWN"), GRID, "the request comes from the workspace T0EVIL, and this bot serves T0OWN"),
        (Workspace("T0OTHER", "E0OWN"), WIDE, None),
        (
            Workspace("T0OWN", "E0EVIL"),
            WIDE,
            "the request comes from the organisation E0EVIL, and this bot serves E0OWN",
        ),
        (Workspace("T0EVIL"), WIDE, "the request comes from the workspace T0EVIL, and this bot serves T0OWN"),
        (Workspace("T0OWN"), WIDE, None),
    ],
)
def test_only_requests_of_the_bots_own_workspace_and_app_are_served(
    origin: Workspace, own: Workspace, why: str | None
) -> None:
    assert why_not_served(origin, own) == why


ELSEWHERE = "people of other organisations are not served."


@pytest.mark.parametrize(
    ("account", "own", "named", "why"),
    [
        (Account("T0OWN"), OWN, False, None),
        (Account(), OWN, False, None),
        (Account("T0EVIL"), Workspace(), False, None),
        (Account("T0OWN", guest=True), OWN, True, "guests of this workspace are not served."),
        (Account("T0OWN", deleted=True), OWN, True, "this account is deactivated."),
        (Account("T0OWN", bot=True), OWN, True, "bots are not served."),
        (Account("T0OWN", stranger=True), OWN, True, ELSEWHERE),
        (Account("T0EVIL"), OWN, True, ELSEWHERE),
        (Account("T0OTHER", "E0OWN"), GRID, True, None),
        (Account("T0EVIL", "E0EVIL"), GRID, True, ELSEWHERE),
        (Account("T0OTHER", "E0OWN", stranger=True), GRID, True, ELSEWHERE),
        (None, OWN, True, None),
        (None, OWN, False, "Slack does not say who you are."),
    ],
)
def test_who_is_no_full_member_of_the_workspace_has_no_rights_also_where_a_role_is_theirs(
    account: Account | None, own: Workspace, named: bool, why: str | None
) -> None:
    assert why_barred("U0ONE", account, own, ("U0OTHER",), named=named) == why


@pytest.mark.parametrize("account", [Account("T0OWN", guest=True), Account("T0EVIL"), Account(stranger=True)])
def test_a_guest_or_stranger_whom_the_file_lets_in_is_served(account: Account) -> None:
    assert why_barred("U0ONE", account, OWN, ("U0ONE",), named=False) is None


@pytest.mark.parametrize("account", [Account("T0OWN", deleted=True), Account("T0OWN", bot=True)])
def test_a_bot_or_a_deactivated_person_is_let_in_by_nothing(account: Account) -> None:
    assert why_barred("U0ONE", account, OWN, ("U0ONE",), named=True)

from __future__ import annotations

from typing import Any

import pytest

from bot.slack.shared_channel import shared_outside
from bot.slack.workspace import account_of, origin_of, pinned
from core.fleet import SlackAccess
from core.fleet.workspace import Account, Workspace

FOUND = Workspace("T0OWN", "E0OWN", "A0OWN")


@pytest.mark.parametrize(
    "body",
    [
        {"team_id": "T0OWN", "enterprise_id": "E0OWN", "api_app_id": "A0OWN", "command": "/sharpnet"},
        {"team": {"id": "T0OWN", "domain": "own", "enterprise_id": "E0OWN"}, "api_app_id": "A0OWN"},
        {"team": {"id": "T0OWN"}, "enterprise": {"id": "E0OWN"}, "api_app_id": "A0OWN"},
    ],
    ids=["a command or an event", "a press", "a press in an organisation"],
)
def test_where_a_request_comes_from_is_read_from_each_kind(body: dict[str, Any]) -> None:
    assert origin_of(body) == FOUND


@pytest.mark.parametrize("body", [{}, {"team": None, "enterprise": None}, {"team": "T0OWN"}])
def test_what_a_request_does_not_say_is_empty(body: dict[str, Any]) -> None:
    assert origin_of(body) == Workspace()


@pytest.mark.parametrize(
    ("user", "account"),
    [
        ({"team_id": "T0OWN"}, Account("T0OWN")),
        ({"deleted": True}, Account(deleted=True)),
        ({"is_bot": True}, Account(bot=True)),
        ({"is_restricted": True}, Account(guest=True)),
        ({"is_ultra_restricted": True}, Account(guest=True)),
        ({"is_stranger": True}, Account(stranger=True)),
        ({"enterprise_user": {"enterprise_id": "E0OWN"}}, Account(enterprise="E0OWN")),
        ({"enterprise_user": None, "team_id": None}, Account()),
    ],
)
def test_an_account_is_what_slack_says_of_a_user(user: dict[str, Any], account: Account) -> None:
    assert account_of(user) == account


def test_what_app_yaml_says_goes_before_what_the_tokens_say() -> None:
    assert pinned(FOUND, SlackAccess("C1")) == FOUND
    access = SlackAccess("C1", team="T0FILE", enterprise="E0FILE", app="A0FILE")
    assert pinned(FOUND, access) == Workspace("T0FILE", "E0FILE", "A0FILE")


@pytest.mark.parametrize(
    "about",
    [
        {"is_ext_shared": True, "is_shared": True},
        {"is_pending_ext_shared": True},
        {"pending_shared": ["T0EVIL"]},
        {"pending_connected_team_ids": ["T0EVIL"]},
        {"is_shared": True},
    ],
)
def test_a_channel_that_others_read_or_are_invited_to_is_said(about: dict[str, Any]) -> None:
    assert "every alert and plan" in str(shared_outside(about))


@pytest.mark.parametrize("about", [{}, {"is_shared": False}, {"is_shared": True, "is_org_shared": True}])
def test_a_channel_of_ones_own_organisation_is_not(about: dict[str, Any]) -> None:
    assert shared_outside(about) is None

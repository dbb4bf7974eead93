from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from bot.slack.live import SCOPES, slack_findings
from core.fleet import SlackAccess

if TYPE_CHECKING:
    from collections.abc import Callable

    from bot.slack.settings import SlackSettings
    from core.fleet import Fleet
    from core.status.findings import Finding
    from lab.slack import LocalSlack
    from lab.slack_stand_in import WebApi

ALL = {"x-oauth-scopes": ",".join(SCOPES)}
WELL: dict[str, Any] = {
    "auth.test": {"ok": True, "user": "sharpnet", "team": "Acme", "headers": ALL},
    "apps.connections.open": {"ok": True, "url": "wss://slack.test/"},
    "conversations.info": {"ok": True, "channel": {"name": "ops", "is_member": True}},
    "users.info": lambda sent: {"ok": True, "user": {"name": sent["user"].lower()}},
    "usergroups.users.list": {"ok": True, "users": ["U05"]},
}


@pytest.fixture
def api(web_api: WebApi) -> WebApi:
    web_api.always = dict(WELL)
    return web_api


@pytest.fixture
def settings(api: WebApi, settings_for: Callable[..., SlackSettings]) -> SlackSettings:
    return settings_for(api)


def wrong(findings: tuple[Finding, ...]) -> dict[str, str]:
    return {finding.what: f"{finding.why} | {finding.hint}" for finding in findings if not finding.ok}


async def test_a_workspace_in_which_all_is_well_has_nothing_wrong(fleet: Fleet, settings: SlackSettings) -> None:
    findings = await slack_findings(fleet, settings)
    assert wrong(findings) == {}
    assert len(findings) == 6


async def test_the_local_slack_has_nothing_wrong(
    fleet: Fleet, slack: LocalSlack, settings_for: Callable[..., SlackSettings]
) -> None:
    assert wrong(await slack_findings(fleet, settings_for(slack))) == {}


async def test_everything_that_is_wrong_is_said_at_once_with_what_to_do(
    fleet: Fleet, api: WebApi, settings: SlackSettings
) -> None:
    api.always["auth.test"] = {**WELL["auth.test"], "headers": {"x-oauth-scopes": "commands,chat:write"}}
    api.always["apps.connections.open"] = {"ok": False, "error": "not_allowed_token_type"}
    api.always["conversations.info"] = {"ok": True, "channel": {"name": "ops", "is_member": False}}
    api.always["users.info"] = {"ok": False, "error": "user_not_found"}
    api.always["usergroups.users.list"] = {"ok": True, "users": []}
    section = SlackAccess("C01OPS", operators=("U01ALICE", "S01"), approvers=())
    found = wrong(await slack_findings(replace(fleet, slack=section), settings))
    assert "usergroups:read" in found["slack scopes"]
    assert "connections:write" in found["slack app-level token"]
    assert "/invite @sharpnet" in found["slack ops channel C01OPS"]
    assert "Copy member ID" in found["slack user U01ALICE"]
    assert "nobody is in it" in found["slack user group S01"]
    assert "user ids" in found["slack approvers"]
    assert [what for what, said in found.items() if said.endswith("| ")] == []


async def test_a_wrong_bot_token_hides_not_that_the_app_level_token_is_wrong_too(
    fleet: Fleet, api: WebApi, settings: SlackSettings
) -> None:
    api.always["auth.test"] = api.always["apps.connections.open"] = {"ok": False, "error": "invalid_auth"}
    assert set(wrong(await slack_findings(fleet, settings))) == {"slack bot token", "slack app-level token"}


async def test_slack_out_of_reach_is_said_as_that(fleet: Fleet, settings: SlackSettings) -> None:
    away = replace(settings, api_url="http://127.0.0.1:9/api/")
    found = wrong(await slack_findings(fleet, away))
    assert "Can this machine reach Slack" in found["slack bot token"]


@pytest.mark.parametrize(
    ("user", "said"),
    [({"name": "alice", "deleted": True}, "deactivated"), ({"name": "helper", "is_bot": True}, "no person")],
)
async def test_a_role_held_by_nobody_real_is_said(
    fleet: Fleet, api: WebApi, settings: SlackSettings, user: dict[str, Any], said: str
) -> None:
    api.always["users.info"] = {"ok": True, "user": user}
    assert said in wrong(await slack_findings(fleet, settings))["slack user U01ALICE"]


async def test_an_archived_channel_is_said(fleet: Fleet, api: WebApi, settings: SlackSettings) -> None:
    api.always["conversations.info"] = {"ok": True, "channel": {"name": "ops", "is_archived": True}}
    assert "archived" in wrong(await slack_findings(fleet, settings))["slack ops channel C01OPS"]


async def test_a_slack_section_without_tokens_and_tokens_without_a_section_are_said(
    fleet: Fleet, settings: SlackSettings
) -> None:
    assert "SLACK_BOT_TOKEN" in wrong(await slack_findings(fleet, None))["slack"]
    assert "no slack section" in wrong(await slack_findings(replace(fleet, slack=None), settings))["slack"]
    assert await slack_findings(replace(fleet, slack=None), None) == ()


async def test_nothing_is_posted(fleet: Fleet, api: WebApi, settings: SlackSettings) -> None:
    await slack_findings(fleet, settings)
    assert {name for name, _, _ in api.calls} == set(WELL) - {"usergroups.users.list"}

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from bot.slack.app import COMMAND
from bot.slack.live import SCOPES

ROOT = Path(__file__).parents[3]
# The scopes that each method of the Web API takes, as Slack's reference lists them; none for the others used.
METHOD_SCOPES = {
    "chat_postMessage": {"chat:write"},
    "chat_update": {"chat:write"},
    "reactions_add": {"reactions:write"},
    "files_upload_v2": {"files:write"},
    "conversations_open": {"im:write"},
    "conversations_history": {"channels:history", "groups:history"},
    "conversations_replies": {"channels:history", "groups:history"},
    "conversations_info": {"channels:read", "groups:read"},
    "users_info": {"users:read"},
    "usergroups_users_list": {"usergroups:read"},
    "views_publish": set(),
    "views_open": set(),
    "chat_getPermalink": set(),
    "auth_test": set(),
    "apps_connections_open": set(),
}


@pytest.fixture
def manifest() -> dict[str, Any]:
    return YAML(typ="safe", pure=True).load(ROOT / "manifest.yaml")


def sources() -> str:
    return "\n".join(path.read_text(encoding="utf-8") for path in sorted((ROOT / "bot" / "slack").glob("*.py")))


def test_the_manifest_asks_for_the_scopes_that_the_bot_uses_and_no_other(manifest: dict[str, Any]) -> None:
    called = set(re.findall(r"client\.([a-z]+_\w+)", sources())) - {"socket_mode_request_listeners"}
    unknown = {name for name in called if name not in METHOD_SCOPES} - {
        "is_connected",
        "wss_uri",
        "aiohttp_client_session",
    }
    assert unknown == set()
    used = {"commands"}.union(*(METHOD_SCOPES[name] for name in called & METHOD_SCOPES.keys()))
    assert set(manifest["oauth_config"]["scopes"]["bot"]) == used


def test_check_live_looks_for_the_scopes_of_the_manifest(manifest: dict[str, Any]) -> None:
    assert list(manifest["oauth_config"]["scopes"]["bot"]) == list(SCOPES)


def test_every_command_that_the_bot_takes_is_in_the_manifest_unescaped(manifest: dict[str, Any]) -> None:
    commands = manifest["features"]["slash_commands"]
    assert [(one["command"], one["should_escape"]) for one in commands] == [(COMMAND, False)]


def test_every_event_that_the_bot_listens_to_is_in_the_manifest(manifest: dict[str, Any]) -> None:
    listened = re.findall(r'@app\.event\("(\w+)"\)', sources())
    subscribed = manifest["settings"]["event_subscriptions"]["bot_events"]
    # Slack tells by the name in what kind of place a message was written; the ops channel may be public or private.
    assert {"message.channels", "message.groups"} <= set(subscribed)
    assert list(dict.fromkeys(event.partition(".")[0] for event in subscribed)) == listened


def test_buttons_work_and_late_answers_have_somewhere_to_arrive(manifest: dict[str, Any]) -> None:
    assert manifest["settings"]["interactivity"]["is_enabled"] is True
    assert manifest["features"]["app_home"]["messages_tab_enabled"] is True
    assert manifest["features"]["app_home"]["home_tab_enabled"] is True


def test_the_setup_page_names_every_scope_and_setting() -> None:
    page = (ROOT / "docs" / "slack-setup.md").read_text(encoding="utf-8")
    settings = {"SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "SLACK_SIGNING_SECRET", "PORT", "SLACK_API_URL"}
    assert [word for word in (*SCOPES, *settings, "connections:write", COMMAND) if f"`{word}" not in page] == []

"""Whose requests the bot serves, and who reads what: over HTTP, signed, against a stand-in for Slack's API.

The local Slack knows neither guests, nor other workspaces, nor shared channels.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import time
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from bot.slack.settings import SlackSettings
from lab.slack import BOT_TOKEN, SIGNING_SECRET

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Commands, StartBot

    from core.fleet import Fleet
    from lab.slack_stand_in import WebApi

ALICE, GUEST = "U01ALICE", "U05GUEST"
OWN = {"team_id": "T0OWN", "api_app_id": "A0OWN"}
FLAGS: dict[str, dict[str, Any]] = {
    GUEST: {"is_ultra_restricted": True},
    "U06OTHER": {"team_id": "T0EVIL", "is_stranger": True},
    "U07BOT": {"is_bot": True},
    "U0BOT": {"is_bot": True, "profile": {"api_app_id": "A0OWN"}},
    "U08GONE": {"deleted": True},
}
WAIT_S = 20.0


@pytest.fixture
def api(web_api: WebApi) -> WebApi:
    web_api.always = {
        "auth.test": {"ok": True, "team_id": "T0OWN", "user_id": "U0BOT", "user": "sharpnet", "team": "Own"},
        "users.info": lambda sent: {
            "ok": True,
            "user": {"name": sent["user"].lower(), "team_id": "T0OWN", **FLAGS.get(sent["user"], {})},
        },
        "conversations.info": {"ok": True, "channel": {"name": "ops", "is_member": True}},
    }
    return web_api


@pytest.fixture
def bot(api: WebApi, start_bot: StartBot, commands_stub: Commands, free_port: Callable[[], int]) -> str:
    """Start a bot that listens and answers as the real commands do, and give its address."""
    commands_stub.reply = None
    port = free_port()
    settings = SlackSettings(BOT_TOKEN, signing_secret=SIGNING_SECRET, port=port, api_url=api.env["SLACK_API_URL"])
    start_bot(settings, commands_stub)
    deadline = time.monotonic() + WAIT_S
    while True:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5).close()
        except urllib.error.URLError:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        else:
            return f"http://127.0.0.1:{port}/slack/events"


def send(url: str, sent: dict[str, Any]) -> str:
    """Send what Slack would, signed, and give the answer, which has to be an acknowledgement."""
    body, stamp = urllib.parse.urlencode(sent), str(int(time.time()))
    mac = hmac.new(SIGNING_SECRET.encode(), f"v0:{stamp}:{body}".encode(), hashlib.sha256).hexdigest()
    headers = {"X-Slack-Signature": f"v0={mac}", "X-Slack-Request-Timestamp": stamp}
    headers["Content-Type"] = "application/x-www-form-urlencoded"
    with urllib.request.urlopen(urllib.request.Request(url, body.encode(), headers), timeout=10) as answer:  # noqa: S310
        return str(answer.read().decode())


def command(user: str, text: str, **origin: str) -> dict[str, Any]:
    asked = {"command": "/sharpnet", "text": text, "user_id": user, "channel_id": "C01OPS"}
    return {**asked, "trigger_id": f"{time.monotonic_ns()}", **OWN, **origin}


def press(user: str, line: str, team: str, app: str = "A0OWN") -> dict[str, Any]:
    button = {"type": "button", "action_id": "line:0", "block_id": "b", "value": line}
    return {
        "payload": json.dumps(
            {"type": "block_actions", "user": {"id": user}, "team": {"id": team}, "api_app_id": app,
             "trigger_id": f"{time.monotonic_ns()}", "actions": [button]}
        )
    }  # fmt: skip


def told(api: WebApi, user: str) -> str:
    """Wait for what the bot tells somebody alone, and give it."""
    deadline = time.monotonic() + WAIT_S
    while not (found := [str(message["text"]) for message in api.messages if message["channel"] == user]):
        assert time.monotonic() < deadline, api.messages
        time.sleep(0.05)
    return found[-1]


@pytest.mark.parametrize(
    ("origin", "said"),
    [
        ({"team_id": "T0EVIL"}, "the request comes from the workspace T0EVIL, and this bot serves T0OWN"),
        ({"api_app_id": "A0EVIL"}, "the request is for the Slack app A0EVIL, and this bot is A0OWN"),
    ],
)
def test_what_comes_from_another_workspace_or_app_is_refused_politely(
    bot: str, commands_stub: Commands, origin: dict[str, str], said: str
) -> None:
    assert said in send(bot, command(ALICE, "status", **origin))
    assert send(bot, press(ALICE, "status", origin.get("team_id", "T0OWN"), origin.get("api_app_id", "A0OWN"))) == ""
    send(bot, command(ALICE, "help"))
    deadline = time.monotonic() + WAIT_S
    while not commands_stub.asked:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert commands_stub.asked == [(ALICE, ["help"])]


def test_each_other_origin_is_logged_once(bot: str, caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(3):
        send(bot, command(ALICE, "status", team_id="T0EVIL"))
    assert len([record for record in caplog.records if "request=refused" in record.getMessage()]) == 1


@pytest.mark.parametrize(
    ("user", "why"),
    [
        (GUEST, "guests of this workspace are not served"),
        ("U06OTHER", "people of other organisations are not served"),
        ("U07BOT", "bots are not served"),
        ("U08GONE", "this account is deactivated"),
    ],
)
@pytest.mark.parametrize("line", ["help", "history"])
def test_who_is_no_full_member_reads_nothing(bot: str, api: WebApi, user: str, why: str, line: str) -> None:
    send(bot, command(user, line))
    assert told(api, user) == f"Sorry: {why}. Nothing changed."


def test_who_is_no_full_member_has_no_rights_also_where_the_file_gives_them(
    fleet: Fleet, api: WebApi, request: pytest.FixtureRequest
) -> None:
    assert fleet.slack is not None
    object.__setattr__(fleet, "slack", replace(fleet.slack, operators=(GUEST,), approvers=(GUEST,)))
    send(request.getfixturevalue("bot"), command(GUEST, "approve K7Q2"))
    assert "guests of this workspace are not served" in told(api, GUEST)


def test_a_guest_whom_the_file_lets_in_reads(fleet: Fleet, api: WebApi, request: pytest.FixtureRequest) -> None:
    assert fleet.slack is not None
    object.__setattr__(fleet, "slack", replace(fleet.slack, guests=(GUEST,)))
    send(request.getfixturevalue("bot"), command(GUEST, "help"))
    assert "Sharpnet commands" in told(api, GUEST)


def test_a_channel_shared_outside_is_said_there_once_however_often_the_bot_starts(
    api: WebApi, start_bot: StartBot, free_port: Callable[[], int], commands_stub: Commands
) -> None:
    api.always["conversations.info"] = {"ok": True, "channel": {"name": "ops", "is_ext_shared": True}}
    for _ in range(2):
        settings = SlackSettings(
            BOT_TOKEN, signing_secret=SIGNING_SECRET, port=free_port(), api_url=api.env["SLACK_API_URL"]
        )
        running = start_bot(settings, commands_stub)
        text = told(api, "C01OPS")
        api.wait_for("conversations.info")
        running.stop()
    assert "shared with another organisation, whose people read every alert and plan" in text
    assert len([message for message in api.messages if message["channel"] == "C01OPS"]) == 1

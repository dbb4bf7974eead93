from __future__ import annotations

import hashlib
import hmac
import json
import socket
import time
import urllib.error
import urllib.parse
import urllib.request
from typing import TYPE_CHECKING, Any

import pytest

from bot.slack.settings import SlackSettings
from core.errors import SettingsError
from core.reply import Button, Reply
from lab.slack import BOT_TOKEN, SIGNING_SECRET, LocalSlack, shown_in

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from conftest import Commands, StartBot

ALICE = "U01ALICE"
COMMAND = {"command": "/sharpnet", "text": "sync", "user_id": ALICE, "channel_id": "C01OPS", "trigger_id": "1.2.3"}


@pytest.fixture
def port(free_port: Callable[[], int]) -> int:
    return free_port()


@pytest.fixture
def http_slack(tmp_path: Path, free_port: Callable[[], int], port: int) -> Iterator[LocalSlack]:
    listens_at = f"http://127.0.0.1:{port}/slack/events"
    with LocalSlack(tmp_path / "http-slack", port=free_port(), listens_at=listens_at) as slack:
        yield slack


@pytest.fixture
def http_bot(http_slack: LocalSlack, start_bot: StartBot, commands_stub: Commands, port: int) -> str:
    """Start a bot that listens, and give its address."""
    settings = SlackSettings.from_env({**http_slack.env, "PORT": str(port)})
    start_bot(settings, commands_stub)
    deadline = time.monotonic() + 20
    while True:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5) as answer:
                assert json.loads(answer.read()) == {"ok": True}
                return f"http://127.0.0.1:{port}/slack/events"
        except urllib.error.URLError:
            assert time.monotonic() < deadline
            time.sleep(0.05)


def post(url: str, sent: dict[str, Any], *, secret: str, at: float | None = None, tampered: bool = False) -> int:
    body = urllib.parse.urlencode(sent)
    stamp = str(int(at or time.time()))
    mac = hmac.new(secret.encode(), f"v0:{stamp}:{body}".encode(), hashlib.sha256).hexdigest()
    headers = {
        "X-Slack-Signature": f"v0={mac}",
        "X-Slack-Request-Timestamp": stamp,
        "Content-Type": "application/x-www-form-urlencoded",
    }
    request = urllib.request.Request(url, data=(body + "&x=1" * tampered).encode(), headers=headers)  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 - our own
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


@pytest.mark.usefixtures("http_bot")
def test_commands_and_buttons_work_over_signed_http(http_slack: LocalSlack, commands_stub: Commands) -> None:
    commands_stub.reply = Reply("Sync it?", buttons=(Button("Sync", "sync garden"),))
    http_slack.command(ALICE, "sync")
    question = http_slack.wait_for_message(lambda message: "Sync it?" in shown_in(message))
    http_slack.press(question, "Sync", "U02BOB")
    deadline = time.monotonic() + 20
    while len(commands_stub.asked) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert commands_stub.asked == [(ALICE, ["sync"]), ("U02BOB", ["sync", "garden"])]


def test_a_signed_request_is_taken(http_bot: str, commands_stub: Commands) -> None:
    assert post(http_bot, COMMAND, secret=SIGNING_SECRET) == 200
    deadline = time.monotonic() + 20
    while not commands_stub.asked:
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.parametrize(
    "forgery",
    [
        {"secret": "another secret"},
        {"secret": SIGNING_SECRET, "at": time.time() - 3600},
        {"secret": SIGNING_SECRET, "at": time.time() + 3600},
        {"secret": SIGNING_SECRET, "tampered": True},
        {"secret": ""},
    ],
)
def test_a_forged_old_or_altered_request_is_refused_and_does_nothing(
    http_bot: str, commands_stub: Commands, forgery: dict[str, Any]
) -> None:
    assert post(http_bot, COMMAND, **forgery) == 401
    press = {"type": "block_actions", "user": {"id": ALICE}, "trigger_id": "4.5.6"}
    press["actions"] = [{"type": "button", "action_id": "line:0", "value": "approve K7Q2"}]
    assert post(http_bot, {"payload": json.dumps(press)}, **forgery) == 401
    assert commands_stub.asked == []


def test_a_huge_request_is_refused_before_it_is_read(http_bot: str, commands_stub: Commands) -> None:
    assert post(http_bot, {**COMMAND, "text": "x" * 400_000}, secret=SIGNING_SECRET) == 413
    assert commands_stub.asked == []


def test_a_port_that_is_taken_is_said_with_what_to_do(start_bot: StartBot) -> None:
    with socket.socket() as other:
        other.bind(("0.0.0.0", 0))  # noqa: S104 - as the bot does
        other.listen()
        port = other.getsockname()[1]
        error = start_bot(SlackSettings(BOT_TOKEN, signing_secret=SIGNING_SECRET, port=port)).ended()
    assert isinstance(error, SettingsError)
    assert str(port) in error.message


def test_without_a_secret_to_verify_with_nothing_is_listened_for(start_bot: StartBot) -> None:
    error = start_bot(SlackSettings(BOT_TOKEN, port=1)).ended()
    assert isinstance(error, SettingsError)

from __future__ import annotations

import json
import logging
import time
import urllib.request
from typing import TYPE_CHECKING, Any

from bot.slack import connection
from core.reply import Button, Reply
from lab.slack import LocalSlack, shown_in

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pytest
    from conftest import Commands, StartBot

    from bot.slack.settings import SlackSettings
    from lab.slack_stand_in import WebApi

ALICE = "U01ALICE"


def said(word: str) -> Callable[[dict[str, Any]], bool]:
    return lambda message: word in shown_in(message)


def test_with_two_bots_connected_nothing_is_done_or_said_twice(
    slack: LocalSlack,
    start_bot: StartBot,
    commands_stub: Commands,
    settings_for: Callable[..., SlackSettings],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO")
    start_bot(settings_for(slack), commands_stub)
    start_bot(settings_for(slack), commands_stub)
    slack.wait_for_bot(2)
    commands_stub.reply = Reply("Done", buttons=(Button("Again", "sync again"),))
    slack.command(ALICE, "sync")
    done = slack.wait_for_message(said("Done"))
    slack.press(done, "Again", ALICE)
    deadline = time.monotonic() + 20
    while sum("dropped=yes" in record.getMessage() for record in caplog.records) < 2 or len(slack.messages()) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert commands_stub.asked == [(ALICE, ["sync"]), (ALICE, ["sync", "again"])]
    assert [shown_in(message) for message in slack.messages()] == ["Done", "Done"]


def test_a_bot_that_starts_before_slack_is_there_connects_when_it_comes(
    tmp_path: Path,
    free_port: Callable[[], int],
    start_bot: StartBot,
    settings_for: Callable[..., SlackSettings],
    commands_stub: Commands,
) -> None:
    slack = LocalSlack(tmp_path / "later", port=free_port())
    start_bot(settings_for(slack), commands_stub)
    time.sleep(0.5)
    with slack:
        slack.wait_for_bot()
        slack.command(ALICE, "status")
        slack.wait_for_message(said("All is well"))


def test_an_address_that_is_refused_is_given_up_for_a_new_one(
    slack: LocalSlack,
    web_api: WebApi,
    free_port: Callable[[], int],
    start_bot: StartBot,
    settings_for: Callable[..., SlackSettings],
    commands_stub: Commands,
) -> None:
    good = json_of(slack, "apps.connections.open")
    dead = {"ok": True, "url": f"ws://127.0.0.1:{free_port()}/socket/dead?ticket=secret"}
    web_api.script["apps.connections.open"] = [dead, good]
    start_bot(settings_for(web_api), commands_stub)
    slack.wait_for_bot()
    slack.command(ALICE, "status")
    slack.wait_for_message(said("All is well"))


def test_a_connection_that_stays_down_is_thrown_away_for_a_fresh_one(
    web_api: WebApi,
    slack: LocalSlack,
    start_bot: StartBot,
    settings_for: Callable[..., SlackSettings],
    commands_stub: Commands,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(connection, "FRESH_AFTER_S", 1.0)
    monkeypatch.setattr(connection, "PING_S", 300.0)
    web_api.script["apps.connections.open"] = [{"ok": False, "error": "internal_error"}]
    web_api.always["apps.connections.open"] = lambda _sent: json_of(slack, "apps.connections.open")
    start_bot(settings_for(web_api), commands_stub)
    slack.wait_for_bot()


def test_neither_tokens_nor_tickets_come_into_the_log(
    web_api: WebApi,
    free_port: Callable[[], int],
    start_bot: StartBot,
    settings_for: Callable[..., SlackSettings],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG, logger="bot")
    dead = {"ok": True, "url": f"ws://127.0.0.1:{free_port()}/socket/dead?ticket=secret"}
    web_api.always["apps.connections.open"] = lambda _sent: dead
    start_bot(settings_for(web_api))
    web_api.wait_for("apps.connections.open", 3)
    assert [record for record in caplog.records if "connection=failed" in record.getMessage()]
    assert not [word for word in ("xoxb-", "xapp-", "ticket=secret") if word in caplog.text]


def json_of(slack: LocalSlack, method: str) -> dict[str, Any]:
    with urllib.request.urlopen(f"{slack.url}api/{method}", timeout=10) as answer:  # noqa: S310 - our own
        return dict(json.loads(answer.read()))

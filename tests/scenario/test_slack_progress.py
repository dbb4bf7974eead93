from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, TypeVar

import pytest

from bot.slack import app, progress
from core.reply import Reply
from lab.slack import LocalSlack, shown_in

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Commands

pytestmark = pytest.mark.usefixtures("bot")

ALICE = "U01ALICE"
T = TypeVar("T")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app, "WORKING_AFTER_S", 0.1)
    monkeypatch.setattr(progress, "EDIT_EVERY_S", 0.1)


def calls(slack: LocalSlack, method: str) -> list[dict[str, Any]]:
    """Return what the bot has called so far, oldest first."""
    return [entry["detail"] for entry in slack.log() if entry["summary"] == method]


def until(found: Callable[[], list[T]]) -> list[T]:
    deadline = time.monotonic() + 20
    while not (there := found()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return there


def test_long_work_shows_how_far_it_is_in_one_message_that_ends_with_how_it_ended(
    slack: LocalSlack, commands_stub: Commands
) -> None:
    commands_stub.steps = tuple(Reply(f"{number} of 6 done") for number in range(6))
    commands_stub.takes_s = 3.0
    commands_stub.reply = Reply("All 6 are fresh")
    slack.command(ALICE, "sync --all")
    slack.wait_for_message(lambda message: "All 6 are fresh" in shown_in(message))
    ended = until(lambda: [call for call in calls(slack, "chat.update") if call["text"] == "All 6 are fresh"])
    (posted,) = [call for call in calls(slack, "chat.postMessage") if call["channel"] == ALICE]
    assert posted["text"].endswith("of 6 done")
    updates = calls(slack, "chat.update")
    assert len({(call["channel"], call["ts"]) for call in updates}) == len(ended) == 1
    assert len(updates) > 1


def test_short_work_shows_no_progress(slack: LocalSlack, commands_stub: Commands) -> None:
    commands_stub.steps = (Reply("half of it done"),)
    commands_stub.reply = Reply("All is fresh")
    slack.command(ALICE, "sync shop")
    slack.wait_for_message(lambda message: "All is fresh" in shown_in(message))
    assert calls(slack, "chat.postMessage") == []

from __future__ import annotations

import time
from datetime import UTC, datetime
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

from core.reply import Reply, Text, Tone
from lab.slack_stand_in import LOSE

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Shelf, StartBot

    from bot.slack.settings import SlackSettings
    from lab.slack_stand_in import WebApi

POST, EDIT, HISTORY, REPLIES = "chat.postMessage", "chat.update", "conversations.history", "conversations.replies"
MISSING_SCOPE = {"ok": False, "error": "missing_scope", "needed": "channels:history"}


def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
def start(start_bot: StartBot, web_api: WebApi, settings_for: Callable[..., SlackSettings]) -> Callable[[], object]:
    """Start a bot on the stand-in; what was scripted before counts from its first call."""
    return lambda: start_bot(settings_for(web_api))


def texts(web_api: WebApi) -> list[str]:
    return [message["text"] for message in web_api.messages]


def too_often(seconds: int) -> dict[str, Any]:
    return {"ok": False, "error": "ratelimited", "status": 429, "headers": {"Retry-After": str(seconds)}}


def logged(caplog: pytest.LogCaptureFixture, *words: str) -> bool:
    return any(all(word in record.getMessage() for word in words) for record in caplog.records)


def test_no_two_messages_are_posted_within_a_second(web_api: WebApi, shelf: Shelf, start: Callable[[], object]) -> None:
    start()
    for number in range(3):
        shelf.put(f"card {number}", Reply(f"card {number}"), now())
    shelf.note("card 0", "a note", now())
    shelf.wait_until_shown()
    web_api.wait_for(POST, 4)
    assert min(later - earlier for earlier, later in pairwise(web_api.times(POST))) >= 1.0
    assert texts(web_api) == ["card 0", "card 1", "card 2", "a note"]


def test_a_card_under_way_is_edited_every_three_seconds_at_most_and_its_end_is_shown(
    web_api: WebApi, shelf: Shelf, start: Callable[[], object]
) -> None:
    start()
    shelf.put("plan:K7Q2", Reply("0 of 6", tone=Tone.BUSY), now())
    shelf.wait_until_shown()
    for number in range(1, 30):
        shelf.put("plan:K7Q2", Reply(f"{number} of 30", tone=Tone.BUSY), now())
        time.sleep(0.15)
    shelf.put("plan:K7Q2", Reply("Done", tone=Tone.GOOD), now())
    shelf.wait_until_shown()
    *under_way, _ = pairwise([*web_api.times(POST), *web_api.times(EDIT)])
    assert under_way
    assert min(later - earlier for earlier, later in under_way) >= 3.0
    assert texts(web_api) == ["Done"]


def test_slack_is_not_asked_again_before_the_time_that_it_says(
    web_api: WebApi, shelf: Shelf, start: Callable[[], object]
) -> None:
    web_api.script[POST] = [too_often(2)]
    start()
    shelf.put("a", Reply("A is down"), now())
    shelf.put("b", Reply("B is down"), now())
    shelf.wait_until_shown()
    refused, taken, _ = web_api.times(POST)
    assert taken - refused >= 2
    assert texts(web_api) == ["A is down", "B is down"]
    assert web_api.times(HISTORY) == []


def test_an_edit_that_came_too_often_is_made_later(web_api: WebApi, shelf: Shelf, start: Callable[[], object]) -> None:
    web_api.script[EDIT] = [too_often(1)]
    start()
    shelf.put("a", Reply("A is down"), now())
    shelf.wait_until_shown()
    shelf.put("a", Reply("A is up"), now())
    shelf.wait_until_shown()
    assert texts(web_api) == ["A is up"]


def test_a_post_whose_answer_was_lost_is_found_again_and_not_repeated(
    web_api: WebApi, shelf: Shelf, start: Callable[[], object]
) -> None:
    web_api.script[POST] = [LOSE]
    start()
    shelf.put("a", Reply("A is down"), now())
    shelf.wait_until_shown()
    assert texts(web_api) == ["A is down"]
    assert shelf.card("a").ts == web_api.messages[0]["ts"]


def test_what_changed_while_the_answer_was_lost_is_shown_in_the_end(
    web_api: WebApi, shelf: Shelf, start: Callable[[], object]
) -> None:
    web_api.script[POST] = [LOSE]
    web_api.script[HISTORY] = [{"ok": False, "error": "internal_error"}]
    start()
    shelf.put("a", Reply("A is down"), now())
    web_api.wait_for(HISTORY)
    shelf.put("a", Reply("A is up"), now())
    shelf.wait_until_shown()
    assert texts(web_api) == ["A is up"]


def test_a_bot_that_was_killed_between_posting_and_noting_it_does_not_post_again(
    web_api: WebApi, shelf: Shelf, start: Callable[[], object]
) -> None:
    shelf.put("a", Reply("A is down"), now())
    shelf.tried("a", now())
    metadata = {"event_type": "sharpnet_card", "event_payload": {"key": "a"}}
    web_api.messages.append({"channel": "C01OPS", "ts": f"{time.time():.6f}", "text": "A is…", "metadata": metadata})
    start()
    shelf.wait_until_shown()
    assert texts(web_api) == ["A is down"]
    assert web_api.times(POST) == []


def test_a_message_that_never_got_there_is_posted(web_api: WebApi, shelf: Shelf, start: Callable[[], object]) -> None:
    web_api.script[POST] = [{"ok": False, "error": "fatal_error", "status": 500}]
    start()
    shelf.put("a", Reply("A is down"), now())
    shelf.wait_until_shown()
    assert texts(web_api) == ["A is down"]
    assert len(web_api.times(HISTORY)) == 1


def test_where_the_history_may_not_be_read_the_card_is_posted_and_the_log_says_so(
    web_api: WebApi, shelf: Shelf, start: Callable[[], object], caplog: pytest.LogCaptureFixture
) -> None:
    web_api.script[POST] = [LOSE]
    web_api.always[HISTORY] = MISSING_SCOPE
    start()
    shelf.put("a", Reply("A is down"), now())
    shelf.wait_until_shown()
    assert texts(web_api) == ["A is down", "A is down"]
    assert logged(caplog, "history=unreadable", "missing_scope", "may appear twice")


def test_a_note_whose_answer_was_lost_is_not_repeated(
    web_api: WebApi, shelf: Shelf, start: Callable[[], object]
) -> None:
    web_api.script[POST] = [None, LOSE]
    start()
    shelf.put("a", Reply("A is down"), now())
    shelf.note("a", "first", now())
    shelf.note("a", "second", now())
    web_api.wait_for(POST, 3)
    assert texts(web_api) == ["A is down", "first", "second"]
    shelf.put("b", Reply("B is down"), now())
    shelf.wait_until_shown()
    assert texts(web_api) == ["A is down", "first", "second", "B is down"]


def test_a_message_that_slack_does_not_take_gets_through_as_text(
    web_api: WebApi, shelf: Shelf, start: Callable[[], object]
) -> None:
    web_api.script[POST] = [{"ok": False, "error": "invalid_blocks"}]
    start()
    shelf.put("a", Reply("A is down", (Text("odd"),)), now())
    shelf.wait_until_shown()
    assert (texts(web_api), web_api.messages[0]["blocks"]) == (["A is down"], [])


def test_a_card_that_was_deleted_in_slack_is_posted_again_when_it_changes(
    web_api: WebApi, shelf: Shelf, start: Callable[[], object]
) -> None:
    start()
    shelf.put("a", Reply("A is down"), now())
    shelf.wait_until_shown()
    web_api.messages.clear()
    shelf.put("a", Reply("A is up"), now())
    shelf.wait_until_shown()
    assert texts(web_api) == ["A is up"]
    shelf.put("a", Reply("A is up, after 4 min"), now())
    shelf.wait_until_shown()
    assert texts(web_api) == ["A is up, after 4 min"]


@pytest.mark.parametrize(
    ("error", "hint"),
    [("not_in_channel", "/invite"), ("channel_not_found", "ops_channel"), ("invalid_auth", "SLACK_BOT_TOKEN")],
)
def test_what_a_person_has_to_mend_is_logged_once_with_what_to_do(
    web_api: WebApi,
    shelf: Shelf,
    start: Callable[[], object],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    error: str,
    hint: str,
) -> None:
    monkeypatch.setattr("bot.slack.trouble.ASK_AGAIN_S", 0.2)
    web_api.script[POST] = [{"ok": False, "error": error}] * 3
    start()
    shelf.put("a", Reply("A is down"), now())
    shelf.wait_until_shown()
    assert texts(web_api) == ["A is down"]
    assert logged(caplog, error, hint)
    assert sum(error in record.getMessage() and "outbox" in record.name for record in caplog.records) == 1


def test_each_card_carries_its_key_and_nothing_is_unfurled(
    web_api: WebApi, shelf: Shelf, start: Callable[[], object]
) -> None:
    start()
    shelf.put("outage:7", Reply("A is down"), now())
    shelf.wait_until_shown()
    sent = web_api.sent(POST)[0]
    assert sent["metadata"] == {"event_type": "sharpnet_card", "event_payload": {"key": "outage:7"}}
    assert (sent["unfurl_links"], sent["unfurl_media"], sent["channel"]) == (False, False, "C01OPS")
    shelf.put("outage:7", Reply("A is up"), now())
    shelf.wait_until_shown()
    edit = web_api.sent(EDIT)[0]
    assert edit["blocks"]
    assert edit["text"] == "A is up"
    assert edit["metadata"] == sent["metadata"]

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from core.reply import Button, Reply, Text, Tone
from lab.slack import LocalSlack, buttons_of, shown_in

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Commands, Shelf, StartBot

    from bot.slack.settings import SlackSettings

SUMMER = datetime(2026, 6, 14, 13, 2, 7, tzinfo=UTC)


def now() -> datetime:
    return datetime.now(UTC)


@pytest.mark.usefixtures("bot")
def test_cards_are_posted_in_order_and_edited_in_place(slack: LocalSlack, shelf: Shelf) -> None:
    shelf.put("a", Reply("A is down", buttons=(Button("Acknowledge", "ack 1"),)), now())
    shelf.put("b", Reply("B is down"), now())
    shelf.wait_until_shown()
    shelf.put("a", Reply("A is up again", (Text("after 4 min", Tone.GOOD),)), now())
    shelf.wait_until_shown()
    first, second = slack.messages()
    assert (first["text"], second["text"]) == ("A is up again", "B is down")
    assert "after 4 min" in shown_in(first)
    assert buttons_of(first) == []


@pytest.mark.usefixtures("bot")
def test_the_last_revision_is_shown_in_the_end_however_fast_they_came(slack: LocalSlack, shelf: Shelf) -> None:
    for number in range(20):
        shelf.put("plan:K7Q2", Reply(f"{number} of 6 in step", tone=Tone.BUSY), now())
    shelf.put("plan:K7Q2", Reply("Done: all 6 agree", tone=Tone.GOOD), now())
    shelf.wait_until_shown()
    assert [message["text"] for message in slack.messages()] == ["Done: all 6 agree"]


@pytest.mark.usefixtures("bot")
def test_notes_go_to_the_thread_of_their_card(slack: LocalSlack, shelf: Shelf) -> None:
    shelf.put("a", Reply("A is down"), now())
    shelf.note("a", "us sees the same <!channel>", now())
    note = slack.wait_for_message(lambda message: "us sees" in message["text"])
    card = slack.wait_for_message(lambda message: message["text"] == "A is down")
    assert note["thread_ts"] == card["ts"]
    assert "<!channel>" not in note["text"]


@pytest.mark.usefixtures("bot")
def test_people_are_named_on_cards_by_their_handle(slack: LocalSlack, shelf: Shelf) -> None:
    shelf.put("plan:K7Q2", Reply("Plan K7Q2", (Text("Asked by slack:U01ALICE."),)), now())
    shelf.wait_until_shown()
    assert "Asked by @alice." in shown_in(slack.messages()[0])


@pytest.mark.usefixtures("bot")
def test_a_card_that_is_late_says_from_when_it_is_in_the_fleets_time(slack: LocalSlack, shelf: Shelf) -> None:
    shelf.put("a", Reply("A is down"), SUMMER)
    shelf.wait_until_shown()
    assert slack.messages()[0]["text"] == "A is down (from 2026-06-14 14:02:07 BST)"


@pytest.mark.usefixtures("bot")
def test_a_card_that_was_in_time_stays_so_when_it_is_edited_later(slack: LocalSlack, shelf: Shelf) -> None:
    shelf.put("a", Reply("A is down"), now() - timedelta(seconds=50))
    shelf.wait_until_shown()
    shelf.put("a", Reply("A is up"), now() + timedelta(seconds=300))
    shelf.wait_until_shown()
    assert slack.messages()[0]["text"] == "A is up"


def test_what_was_said_while_slack_was_away_arrives_in_order_with_its_true_times(
    slack: LocalSlack,
    shelf: Shelf,
    start_bot: StartBot,
    settings_for: Callable[..., SlackSettings],
    commands_stub: Commands,
) -> None:
    start_bot(settings_for(slack), commands_stub)
    slack.wait_for_bot()
    shelf.put("a", Reply("A is down"), now())
    shelf.wait_until_shown()
    slack.stop()
    shelf.put("b", Reply("B is down"), now() - timedelta(minutes=3))
    shelf.put("c", Reply("C is down"), now() - timedelta(minutes=2))
    shelf.put("a", Reply("A is up"), now())
    slack.start()
    slack.wait_for_bot()
    shelf.wait_until_shown()
    texts = [message["text"] for message in slack.messages()]
    # The local Slack forgot A's message with all else, so its card is posted anew, where it can.
    assert sorted(text.split(" (from")[0] for text in texts) == ["A is up", "B is down", "C is down"]
    assert [text[:9] for text in texts if "(from" in text] == ["B is down", "C is down"]
    slack.command("U01ALICE", "status")
    slack.wait_for_message(lambda message: message["text"] == "All is well")


def test_two_bots_on_one_store_post_each_card_once(
    slack: LocalSlack, shelf: Shelf, start_bot: StartBot, settings_for: Callable[..., SlackSettings]
) -> None:
    for _ in range(2):
        start_bot(settings_for(slack))
    slack.wait_for_bot(2)
    for number in range(4):
        shelf.put(f"card {number}", Reply(f"card {number}"), now())
    shelf.wait_until_shown()
    assert [message["text"] for message in slack.messages()] == [f"card {number}" for number in range(4)]


def test_when_the_bot_that_posts_ends_the_other_goes_on(
    slack: LocalSlack, shelf: Shelf, start_bot: StartBot, settings_for: Callable[..., SlackSettings]
) -> None:
    first = start_bot(settings_for(slack))
    slack.wait_for_bot(1)
    shelf.put("a", Reply("A"), now())
    shelf.wait_until_shown()
    start_bot(settings_for(slack))
    first.stop()
    shelf.put("b", Reply("B"), now())
    shelf.wait_until_shown()
    assert [message["text"] for message in slack.messages()] == ["A", "B"]

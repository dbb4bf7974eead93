from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypeVar

import pytest

from bot.slack import app
from core.errors import UnreachableError
from core.reply import Button, Plot, Reply, Text, Tone
from lab.slack import LocalSlack, Message, shown_in

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Commands

    from ops.ports import Ports

pytestmark = pytest.mark.usefixtures("bot")

ALICE, EVE = "U01ALICE", "U03EVE"


def said(*words: str) -> Callable[[Message], bool]:
    return lambda message: all(word in shown_in(message) for word in words)


T = TypeVar("T")


def until(found: Callable[[], list[T]], count: int = 1) -> list[T]:
    deadline = time.monotonic() + 20
    while len(there := found()) < count:
        assert time.monotonic() < deadline, f"{len(there)} of {count} came"
        time.sleep(0.05)
    return there


def test_a_command_is_carried_out_and_answered_to_the_person_alone(slack: LocalSlack, commands_stub: Commands) -> None:
    slack.command(ALICE, "sites uk")
    answer = slack.wait_for_message(said("All is well"))
    assert commands_stub.asked == [(ALICE, ["sites", "uk"])]
    assert (answer["subtype"], answer["ephemeral_to"]) == ("ephemeral", ALICE)


def test_no_command_is_status(slack: LocalSlack, commands_stub: Commands) -> None:
    slack.command(ALICE, "")
    slack.wait_for_message(said("All is well"))
    assert commands_stub.asked == [(ALICE, ["status"])]


def test_what_a_phone_makes_of_quotes_and_what_slack_makes_of_an_ampersand_is_undone(
    slack: LocalSlack, commands_stub: Commands
) -> None:
    slack.command(ALICE, "cause “fire &amp; water”")
    slack.wait_for_message(said("All is well"))
    assert commands_stub.asked == [(ALICE, ["cause", "fire & water"])]


def test_a_quote_that_is_not_closed_is_explained(slack: LocalSlack, commands_stub: Commands) -> None:
    slack.command(ALICE, 'cause "fire')
    answer = slack.wait_for_message(said("Close every quote."))
    assert answer["blocks"][-1]["elements"][0]["text"] == "usage"
    assert commands_stub.asked == []


def test_a_stranger_is_refused_politely_for_a_command_and_for_a_button(
    slack: LocalSlack, commands_stub: Commands
) -> None:
    commands_stub.reply = Reply("Plan", buttons=(Button("Approve", "approve K7Q2", "danger"),))
    slack.command(ALICE, "failover uk")
    plan = slack.wait_for_message(said("Plan"))
    commands_stub.reply = None
    slack.command(EVE, "approve K7Q2")
    slack.wait_for_message(said("Sorry", "approvers"))
    slack.press(plan, "Approve", EVE)
    refusals = until(lambda: [message for message in slack.messages() if said("Sorry")(message)], count=2)
    assert {message["ephemeral_to"] for message in refusals} == {EVE}


def test_a_press_types_the_line_of_the_button_for_who_presses(slack: LocalSlack, commands_stub: Commands) -> None:
    commands_stub.reply = Reply("Which?", buttons=(Button("One", "sync one"), Button("Two", "sync 'two & three'")))
    slack.command(ALICE, "sync")
    question = slack.wait_for_message(said("Which?"))
    commands_stub.reply = Reply("Synced")
    slack.press(question, "Two", "U02BOB")
    slack.wait_for_message(said("Synced"))
    assert commands_stub.asked[-1] == ("U02BOB", ["sync", "two & three"])


def test_an_error_is_answered_with_what_happened_and_what_to_do(slack: LocalSlack, commands_stub: Commands) -> None:
    commands_stub.reply = UnreachableError("uk does not answer on port 22.", hint="Is it up?")
    slack.command(ALICE, "sync")
    answer = slack.wait_for_message(said("uk does not answer on port 22.", "Is it up?"))
    assert answer["blocks"][-1]["elements"][0]["text"] == "unreachable"


def test_a_bug_is_told_by_a_number_under_which_the_log_has_it(
    slack: LocalSlack, commands_stub: Commands, caplog: pytest.LogCaptureFixture
) -> None:
    commands_stub.reply = ZeroDivisionError("xoxb-secret in a message")
    slack.command(ALICE, "sync")
    answer = shown_in(slack.wait_for_message(said("went wrong inside Sharpnet")))
    number = answer.partition("(id ")[2].partition(")")[0]
    assert "Nothing was started after it." in answer
    assert "secret" not in answer
    assert [record for record in caplog.records if number in record.getMessage() and record.exc_info]


def test_a_command_that_takes_long_says_first_that_it_is_at_work(
    slack: LocalSlack, commands_stub: Commands, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app, "WORKING_AFTER_S", 0.1)
    commands_stub.takes_s = 1.0
    slack.command(ALICE, "sync garden")
    slack.wait_for_message(said("All is well"))
    assert [shown_in(message) for message in slack.messages()] == [
        "↻ Working on sync garden: the answer follows.",
        "All is well",
    ]


def test_an_answer_that_comes_too_late_for_its_place_comes_as_a_direct_message(
    slack: LocalSlack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.slack.delivery.MOST_QUICK", 0)
    slack.command(ALICE, "sync --all")
    posts = until(lambda: [entry for entry in slack.log() if entry["summary"] == "chat.postMessage"])
    assert posts[0]["detail"]["channel"] == ALICE
    assert slack.messages() == []


def test_a_reply_that_a_card_shows_is_not_repeated_but_linked(slack: LocalSlack, commands_stub: Commands) -> None:
    card = Reply("Move 2 sites?", (Text("every record"),), (Button("Approve", "approve K7Q2"),), card="plan:K7Q2")

    async def put(ports: Ports) -> None:
        await ports.store.cards.put("plan:K7Q2", card, datetime.now(UTC))

    commands_stub.reply, commands_stub.before = card, put
    slack.command(ALICE, "failover uk")
    pointer = slack.wait_for_message(lambda message: message.get("subtype") == "ephemeral")
    shown = slack.wait_for_message(said("every record"))
    assert f"p{shown['ts'].replace('.', '')}|open it" in shown_in(pointer)
    assert "every record" not in shown_in(pointer)


def test_a_press_on_the_card_that_shows_the_reply_already_adds_no_message(
    slack: LocalSlack, commands_stub: Commands
) -> None:
    card = Reply("Plan", buttons=(Button("Approve", "approve K7Q2"),), card="plan:K7Q2")

    async def put(ports: Ports) -> None:
        await ports.store.cards.put("plan:K7Q2", card, datetime.now(UTC))

    commands_stub.reply, commands_stub.before = card, put
    slack.command("U02BOB", "failover uk")
    slack.wait_for_message(said("open it"))
    shown = next(message for message in slack.messages() if not message.get("subtype"))
    slack.press(shown, "Approve", ALICE)
    until(lambda: commands_stub.answered, 2)
    commands_stub.reply, commands_stub.before = Reply("Last"), None
    slack.command(ALICE, "status")
    slack.wait_for_message(said("Last"))
    assert [message.get("subtype") for message in slack.messages()] == [None, "ephemeral", "ephemeral"]
    assert [asked[1][0] for asked in commands_stub.asked] == ["failover", "approve", "status"]


def test_nobody_can_be_called_by_what_is_typed(slack: LocalSlack, commands_stub: Commands) -> None:
    commands_stub.reply = None
    slack.command(EVE, "'<!channel>'")
    answer = slack.wait_for_message(lambda message: "no command" in message["text"])
    assert "<" not in answer["text"]
    assert answer["blocks"][0]["text"]["type"] == "plain_text"


def test_what_is_drawn_comes_as_a_picture_that_says_the_same_in_words(
    slack: LocalSlack, commands_stub: Commands
) -> None:
    plot = Plot("Uptime", "It answered 83.33 %.", (None, 0.2, 1.0), (Tone.UNKNOWN, Tone.BAD, Tone.GOOD))
    commands_stub.reply = Reply("uk is up", (plot,))
    slack.command(ALICE, "status uk")
    answer = slack.wait_for_message(said("Uptime: It answered 83.33 %."))
    assert answer["ephemeral_to"] == ALICE
    calls = until(lambda: [one for one in slack.log() if one["summary"] == "files.completeUploadExternal"])
    asked = until(lambda: [one for one in slack.log() if one["summary"] == "files.getUploadURLExternal"])
    assert calls[0]["detail"]["channel_id"] != slack.channel
    assert asked[0]["detail"]["alt_txt"] == "Uptime: It answered 83.33 %."


def test_a_button_that_asks_opens_a_question_for_who_may_answer_it(slack: LocalSlack, commands_stub: Commands) -> None:
    commands_stub.reply = Reply("uk is down", buttons=(Button("Add cause", "cause 7", asks="Why did it happen?"),))
    slack.command(ALICE, "status")
    alert = slack.wait_for_message(said("uk is down"))
    commands_stub.reply = None
    slack.press(alert, "Add cause", EVE)
    refusal = slack.wait_for_message(said("Sorry", "operators"))
    assert refusal["ephemeral_to"] == EVE
    assert [entry for entry in slack.log() if entry["summary"] == "views.open"] == []
    slack.press(alert, "Add cause", ALICE)
    opened = until(lambda: [entry for entry in slack.log() if entry["summary"] == "views.open"])
    assert opened[0]["detail"]["view"]["blocks"][0]["label"]["text"] == "Why did it happen?"


def test_a_crowd_of_lines_by_one_stranger_is_one_polite_refusal_and_keeps_no_operator_waiting(
    slack: LocalSlack, commands_stub: Commands
) -> None:
    commands_stub.takes_s = 3.0
    for number in range(50):
        slack.command(EVE, f"sites s{number}")
    slack.wait_for_message(said("Sorry: 3 things that you asked for are under way."))
    commands_stub.takes_s = 0.0
    slack.command(ALICE, "sites uk")
    slack.wait_for_message(lambda message: message.get("ephemeral_to") == ALICE)
    until(lambda: [line for line in commands_stub.answered if line == "sites"], count=4)
    assert len([asked for asked in commands_stub.asked if asked[0] == EVE]) == 3
    assert len([message for message in slack.messages() if said("Sorry")(message)]) == 1

"""What people write under the message of an incident: kept once, with who and when, and marked so that all see it."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar

import pytest

from core.fleet.target import Target
from core.incident.card import card_of
from core.incident.card_maintenance import card_of as maintenance_card
from core.incident.facts import OutageFacts
from core.incident.notes import ThreadMessage
from core.reply import Reply
from lab.slack import shown_in
from ops.store.incident.maintenance import NewMaintenance
from ops.store.incident.outages import OutageOpening

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Bot, Commands, Shelf, StartBot

    from bot.slack.settings import SlackSettings
    from core.incident.outage import Outage
    from lab.slack import LocalSlack, Message

T = TypeVar("T")
ALICE, BOB, EVE = "U01ALICE", "U02BOB", "U03EVE"
WAIT_S = 20.0
MARK = "white_check_mark"


@pytest.fixture(autouse=True)
def _real_commands(commands_stub: Commands) -> None:
    commands_stub.reply = None


@pytest.fixture
def alert(slack: LocalSlack, shelf: Shelf, bot: object) -> Message:
    """Give the message of an outage of uk that has just begun."""
    del bot
    open_outage(shelf, Target.server("uk"))
    return slack.wait_for_message(lambda message: "uk is down" in str(message["text"]))


def open_outage(shelf: Shelf, target: Target) -> None:
    at = datetime.now(UTC)
    opening = OutageOpening(target, at, OutageFacts())
    shelf._do(
        lambda store: store.outages.open_many(
            [opening], "bot", choose=lambda _made: None, draw=lambda outages: card_of(outages, "UTC", at), at=at
        )
    )


def outage(shelf: Shelf, number: int = 1) -> Outage:
    found = shelf._do(lambda store: store.outages.get(number))
    assert found is not None
    return found


def said(shelf: Shelf) -> list[tuple[str, str, str]]:
    return [(one.kind, one.text, one.who) for one in outage(shelf).annotations]


def marks(slack: LocalSlack, reply: Message) -> list[dict[str, Any]]:
    return next(message.get("reactions") or [] for message in slack.messages() if message["ts"] == reply["ts"])


def until(found: Callable[[], T]) -> T:
    deadline = time.monotonic() + WAIT_S
    while not (there := found()):
        assert time.monotonic() < deadline, there
        time.sleep(0.05)
    return there


def answers(slack: LocalSlack, user: str) -> list[str]:
    """Give what the bot wrote to somebody alone."""
    posts = [entry["detail"] for entry in slack.log() if entry["summary"] == "chat.postMessage"]
    return [str(post["text"]) for post in posts if post["channel"] == user]


def heard_after(slack: LocalSlack, alert: Message) -> None:
    """Return when the bot has heard all that was written before."""
    last = slack.reply(alert, "the last one", BOB)
    until(lambda: marks(slack, last))


def test_a_reply_is_a_note_with_who_and_when_and_is_marked_and_shown_by_the_message(
    slack: LocalSlack, shelf: Shelf, alert: Message
) -> None:
    reply = slack.reply(alert, "called the data centre", ALICE)
    (mark,) = until(lambda: marks(slack, reply))
    assert (mark["name"], mark["count"]) == (MARK, 1)
    assert said(shelf) == [("note", "called the data centre", f"slack:{ALICE}")]
    assert outage(shelf).annotations[0].at == datetime.fromtimestamp(float(reply["ts"]), UTC)
    slack.wait_for_message(
        lambda message: message["ts"] == alert["ts"] and "@alice: called the data centre" in shown_in(message)
    )
    thread = [message for message in slack.messages() if message.get("thread_ts") == alert["ts"]]
    assert [message["ts"] for message in thread] == [reply["ts"]]
    assert answers(slack, ALICE) == []


def test_what_is_written_without_quotes_and_number_is_the_cause_and_ack_is_the_command(
    slack: LocalSlack, shelf: Shelf, alert: Message
) -> None:
    for text in ("ack", "Cause: the provider's switch"):
        reply = slack.reply(alert, text, ALICE)
        until(lambda reply=reply: marks(slack, reply))  # type: ignore[misc]
    one = outage(shelf)
    assert (one.acked_by, one.cause) == (f"slack:{ALICE}", "the provider's switch")
    assert answers(slack, ALICE) == []


@pytest.mark.usefixtures("alert")
def test_the_thread_of_planned_work_takes_notes_too(slack: LocalSlack, shelf: Shelf) -> None:
    at = datetime.now(UTC)
    wanted = NewMaintenance(Target.server("us"), "new disks", f"slack:{BOB}", at, at + timedelta(hours=1), at)
    shelf._do(
        lambda store: store.maintenance.plan(wanted, at, lambda it: maintenance_card(it, "UTC", at), lambda _open: None)
    )
    card = slack.wait_for_message(lambda message: "Maintenance M1" in str(message["text"]))
    reply = slack.reply(card, "half of them are in", BOB)
    until(lambda: marks(slack, reply))
    kept = shelf._do(lambda store: store.maintenance.get(1))
    assert kept is not None
    assert [one.text for one in kept.annotations] == ["half of them are in"]


@pytest.mark.usefixtures("alert")
def test_of_several_incidents_the_one_of_the_thread_is_meant(slack: LocalSlack, shelf: Shelf) -> None:
    open_outage(shelf, Target.server("us"))
    other = slack.wait_for_message(lambda message: "us is down" in str(message["text"]))
    reply = slack.reply(other, "cause a fire", ALICE)
    until(lambda: marks(slack, reply))
    assert (outage(shelf).cause, outage(shelf, 2).cause) == (None, "a fire")


def test_what_slack_hands_over_twice_counts_once(
    slack: LocalSlack, shelf: Shelf, start_bot: StartBot, settings_for: Callable[..., SlackSettings], alert: Message,
    commands_stub: Commands,
) -> None:  # fmt: skip
    start_bot(settings_for(slack), commands_stub)
    slack.wait_for_bot(connections=2)
    # The local Slack hands every event to both bots.
    for text in ("one", "two", "three"):
        slack.reply(alert, text, ALICE)
    heard_after(slack, alert)
    assert sorted(text for _, text, _ in said(shelf)) == ["one", "the last one", "three", "two"]


def test_what_strangers_say_among_themselves_is_not_kept_and_not_answered(
    slack: LocalSlack, shelf: Shelf, alert: Message
) -> None:
    reply = slack.reply(alert, "is my site down too?", EVE)
    heard_after(slack, alert)
    assert [text for _, text, _ in said(shelf)] == ["the last one"]
    assert marks(slack, reply) == []
    assert answers(slack, EVE) == []


def test_a_stranger_who_types_a_command_is_refused_politely(slack: LocalSlack, shelf: Shelf, alert: Message) -> None:
    slack.reply(alert, "cause aliens", EVE)
    (refusal,) = until(lambda: answers(slack, EVE))
    assert "Sorry" in refusal
    assert outage(shelf).cause is None


def test_what_was_written_while_no_bot_ran_is_taken_in_once_when_one_does(
    slack: LocalSlack, shelf: Shelf, start_bot: StartBot, settings_for: Callable[..., SlackSettings], alert: Message,
    bot: Bot, commands_stub: Commands,
) -> None:  # fmt: skip
    before = slack.reply(alert, "before", ALICE)
    until(lambda: marks(slack, before))
    bot.stop()
    missed = [slack.reply(alert, text, ALICE) for text in ("meanwhile", "cause a fire", "ack")]
    slack.reply(alert, "is my site down too?", EVE)
    for connections in (2, 3):
        again = start_bot(settings_for(slack), commands_stub)
        slack.wait_for_bot(connections)
        until(lambda: all(marks(slack, reply) for reply in missed))
        heard_after(slack, alert)
        again.stop()
    one = outage(shelf)
    assert [said.text for said in one.annotations if said.text != "the last one"] == ["before", "meanwhile", "a fire"]
    assert one.acked_by == f"slack:{ALICE}"
    assert one.annotations[1].at == datetime.fromtimestamp(float(missed[0]["ts"]), UTC)


def test_a_command_that_cannot_be_carried_out_is_explained_and_marked_so(
    slack: LocalSlack, shelf: Shelf, alert: Message
) -> None:
    reply = slack.reply(alert, "cause " + "x" * 600, ALICE)
    (explained,) = until(lambda: answers(slack, ALICE))
    assert "600 characters, 100 too many" in explained
    assert [mark["name"] for mark in until(lambda: marks(slack, reply))] == ["warning"]
    assert said(shelf) == []


@pytest.mark.parametrize("text", ["approve K7Q2", "/sharpnet approve K7Q2", "Approved!"])
def test_what_reads_as_an_approval_is_not_kept_and_not_marked_as_done(
    slack: LocalSlack, shelf: Shelf, alert: Message, text: str
) -> None:
    reply = slack.reply(alert, text, ALICE)
    (explained,) = until(lambda: answers(slack, ALICE))
    assert "is not carried out under an alert" in explained
    assert [mark["name"] for mark in until(lambda: marks(slack, reply))] == ["warning"]
    assert said(shelf) == []
    kept = slack.reply(alert, f"note {text}", ALICE)
    assert [mark["name"] for mark in until(lambda: marks(slack, kept))] == [MARK]
    assert [note for _, note, _ in said(shelf)] == [text]


def test_edits_and_what_is_no_reply_to_an_incident_are_dropped(slack: LocalSlack, shelf: Shelf, alert: Message) -> None:
    reply = slack.reply(alert, "called them", ALICE)
    until(lambda: marks(slack, reply))
    slack.edit(reply, "cause aliens")
    shelf.put("plan:K7Q2", Reply("Move 2 sites?"), datetime.now(UTC))
    plan = slack.wait_for_message(lambda message: "Move 2 sites?" in str(message["text"]))
    slack.reply(plan, "looks right", ALICE)
    slack.reply({**alert, "ts": reply["ts"]}, "in the thread of a person's message", ALICE)
    heard_after(slack, alert)
    assert [text for _, text, _ in said(shelf)] == ["called them", "the last one"]


def test_text_of_a_reply_calls_nobody_and_cannot_be_markup(slack: LocalSlack, shelf: Shelf, alert: Message) -> None:
    slack.reply(alert, "<!channel> <@U02BOB> says *now* <https://x.test|click>; `rm -rf /` --force", ALICE)
    shown = slack.wait_for_message(lambda message: message["ts"] == alert["ts"] and "says *now*" in shown_in(message))
    assert "@channel @bob says *now* click (https://x.test); `rm -rf /` --force" in shown_in(shown)
    assert all(block["text"]["type"] == "plain_text" for block in shown["blocks"] if "*now*" in str(block.get("text")))
    assert said(shelf)[0][0] == "note"


def test_a_note_that_looks_like_an_option_is_a_note(slack: LocalSlack, shelf: Shelf, alert: Message) -> None:
    slack.reply(alert, "--json", ALICE)
    heard_after(slack, alert)
    assert ("note", "--json", f"slack:{ALICE}") in said(shelf)


def test_the_same_message_counts_once_also_long_after(shelf: Shelf, slack: LocalSlack, alert: Message) -> None:
    reply = slack.reply(alert, "called them", ALICE)
    until(lambda: marks(slack, reply))
    one = outage(shelf)
    first = one.annotations[0]
    heard = ThreadMessage(f"slack:{slack.channel}:{reply['ts']}", "outage:1", first.at)
    again = replace(first, text="called them again")
    kept = shelf._do(
        lambda store: store.outages.annotate(one, again, lambda all_: card_of(all_, "UTC", first.at), heard)
    )
    assert kept == ()
    assert len(outage(shelf).annotations) == 1

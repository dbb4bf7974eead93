from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.incident.notification import (
    LONGEST_WAIT,
    AlertKind,
    failure_reason,
    is_news,
    is_worth_sending,
    message_of,
    retry_delay,
)
from core.reply import Button, Reply, Row, Table, Text, Tone, Typed

AT = datetime(2026, 6, 14, 13, 2, 7, tzinfo=UTC)


@pytest.mark.parametrize("tone", [Tone.PLAIN, Tone.GOOD, Tone.WARN, Tone.BAD, Tone.UNKNOWN])
def test_a_new_card_is_news_and_so_is_one_that_changed_for_better_or_worse(tone: Tone) -> None:
    assert is_news(None, tone)
    assert is_news(Tone.BUSY, tone)


@given(st.sampled_from(Tone))
def test_an_edit_that_changes_no_tone_is_no_news(tone: Tone) -> None:
    assert not is_news(tone, tone)


@given(st.none() | st.sampled_from(Tone))
def test_that_work_goes_on_is_no_news(before: Tone | None) -> None:
    assert not is_news(before, Tone.BUSY)


def test_a_message_carries_the_fact_the_time_that_it_is_about_and_what_can_be_typed() -> None:
    reply = Reply(
        "north is down since 14:02:07 BST",
        (Text("From here: connection refused."), Table(("what",), (Row(("x",)),)), Typed("sharpnet approve K7Q2")),
        (Button("Acknowledge", "ack 3"),),
        Tone.BAD,
    )
    message = message_of(reply, AT, 12, fleet="small", timezone="Europe/London")
    assert message.title == "north is down since 14:02:07 BST"
    assert message.kind is AlertKind.FAILURE
    assert message.body.splitlines() == [
        "From here: connection refused.",
        "sharpnet approve K7Q2",
        "Acknowledge: sharpnet ack 3",
        "2026-06-14 14:02:07 BST, fleet small, alert 12",
    ]


def test_a_button_that_asks_for_words_is_said_with_the_place_for_them() -> None:
    reply = Reply("x", buttons=(Button("Add cause", "cause 3", asks="What was it?"),))
    message = message_of(reply, AT, 1, fleet="small", timezone="UTC")
    assert message.body.splitlines()[0] == 'Add cause: sharpnet cause 3 "…"'


def test_a_message_that_may_have_got_through_before_says_so() -> None:
    message = message_of(Reply("x"), AT, 1, fleet="small", timezone="UTC", again=True)
    assert message.body.endswith("this may be the second time that you get it")
    assert message.kind is AlertKind.INFO


@given(st.integers(1, 10_000))
def test_each_wait_is_longer_than_the_one_before_up_to_a_bound(tries: int) -> None:
    assert timedelta(seconds=1) <= retry_delay(tries) <= retry_delay(tries + 1) <= LONGEST_WAIT


def test_an_alert_of_yesterday_is_not_worth_telling_any_more() -> None:
    assert is_worth_sending(AT, AT + timedelta(hours=23))
    assert not is_worth_sending(AT, AT + timedelta(hours=24))


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("Failed to send JSON POST notification: Server Error, error=503.", "HTTP status 503"),
        ("Socket Exception: [Errno 111] Connection refused", "connection refused"),
        ("Unparseable URL nonsense://token", "what it holds is no address that Apprise knows"),
        ("Read timed out. (read timeout=4.0)", "no answer in time"),
        ("[Errno -2] Name or service not known", "its host name is not known"),
        ("(535, b'5.7.8 Authentication credentials invalid')", "its login was refused"),
        ("certificate verify failed: self-signed certificate", "its certificate is not valid"),
        ("Socket Exception: [Errno 113] No route to host", "its host cannot be reached"),
        ("something about https://user:secret@host/token", "it was not taken"),
    ],
)
def test_why_a_message_was_not_taken_is_said_without_what_was_logged(said: str, why: str) -> None:
    assert failure_reason(said) == why

"""A button that asks for a text first: whatever is written there becomes one word of the line, and nothing else."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import commands
from bot.slack.question import asked_by, question_of
from bot.slack.render import blocks_of
from core.reply import Button, Reply

QUESTION = "Why did it happen?"


def press(button: Button) -> dict[str, Any]:
    """Return what Slack sends when a button of ours is pressed."""
    element = blocks_of(Reply("uk is down", buttons=(button,)))[-1].to_dict()["elements"][0]
    return {
        "user": {"id": "U01ALICE"}, "actions": [element], "channel": {"id": "C01OPS"}, "message": {"ts": "1.5"},
        "trigger_id": "1.2",
    }  # fmt: skip


def submit(view: dict[str, Any], text: str | None) -> dict[str, Any]:
    state = {"values": {"answer": {"answer": {"value": text}}}}
    return {"user": {"id": "U02BOB"}, "trigger_id": "3.4", "view": {**view, "state": state}}


@pytest.fixture
def view() -> dict[str, Any]:
    return question_of(press(Button("Add cause", "cause 7", asks=QUESTION)), "cause 7", QUESTION).to_dict()


def test_the_modal_has_the_buttons_label_and_its_question(view: dict[str, Any]) -> None:
    assert view["title"]["text"] == "Add cause"
    assert view["blocks"][0]["label"]["text"] == QUESTION
    assert view["blocks"][0]["element"]["max_length"] == 500


def test_what_was_written_is_typed_for_whoever_submits_it(view: dict[str, Any]) -> None:
    asked = asked_by(submit(view, "a disk died"))
    assert (asked.user, asked.line, asked.event) == ("U02BOB", "cause 7 'a disk died'", "3.4")
    assert (asked.channel, asked.message) == ("C01OPS", "1.5")


def test_a_code_is_asked_for_on_one_line_and_becomes_the_value_of_the_lines_last_option() -> None:
    line = "approve K7Q2 --digest abc --code"
    view = question_of(press(Button("Approve", "approve K7Q2 --digest abc", "danger")), line, QUESTION).to_dict()
    element = view["blocks"][0]["element"]
    assert (view["submit"]["text"], element["multiline"], element["max_length"]) == ("Approve", False, 12)
    asked = asked_by(submit(view, "123 456"))
    assert commands.split_line(asked.line) == ["approve", "K7Q2", "--digest", "abc", "--code", "123 456"]


def test_nothing_written_is_an_empty_word(view: dict[str, Any]) -> None:
    assert commands.split_line(asked_by(submit(view, None)).line) == ["cause", "7", ""]


@given(st.text(max_size=200))
def test_any_text_is_one_word_of_the_line(text: str) -> None:
    kept = {"line": "cause 7", "channel": None, "message": None}
    words = commands.split_line(asked_by(submit({"private_metadata": json.dumps(kept)}, text)).line)
    assert words[:2] == ["cause", "7"]
    assert len(words) == 3


def test_what_phones_make_of_quotes_ends_no_word(view: dict[str, Any]) -> None:
    line = asked_by(submit(view, "the provider\u2019s \u201cswitch\u201d")).line
    assert commands.split_line(line)[2] == 'the provider\'s "switch"'


def test_a_very_long_label_and_line_still_make_a_modal() -> None:
    line, question = "cause " + "x" * 1500, QUESTION * 100
    button = Button("Add the cause of this outage " * 3, line, asks=question)
    view = question_of(press(button), line, question).to_dict()
    assert len(view["title"]["text"]) <= 24
    assert len(view["private_metadata"]) <= 3000
    assert asked_by(submit(view, "y")).line.startswith("cause xxx")

"""What a reply says is one line of letters that only show, whatever it quotes."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.terminal.render import as_json, error_text
from core.errors import SettingsError, UnreachableError
from core.reply import Button, Confirm, Heading, Plot, Reply, Row, Tone, Typed, hint_texts
from core.reply import Text as Paragraph

if TYPE_CHECKING:
    from collections.abc import Callable

FORGED = "No space\n✓ uk: all good\r\x1b[2K\u202eko\u2028next\ud800"
SHOWN = "No space ✓ uk: all good \\x1b[2K\\u202eko next\\ud800"


@pytest.mark.parametrize(
    "make",
    [
        Paragraph,
        Heading,
        lambda text: Row(("uk", text)),
        Typed,
        lambda text: Plot(text, text, (), ()),
        lambda text: Confirm(text, text, text, text),
        lambda text: Button(text, "sync", asks=text),
        Reply,
    ],
)
def test_no_part_of_a_reply_can_be_made_to_look_like_two(make: Callable[[str], Any]) -> None:
    made = make(FORGED)
    texts = [getattr(made, field.name) for field in fields(made)]
    assert made == make(SHOWN)
    assert all(text.isprintable() for text in texts if isinstance(text, str))


def test_the_line_that_a_button_types_is_left_as_it_is() -> None:
    assert Button("Sync", "sync 'a\nb'").line == "sync 'a\nb'"
    assert Button("Sync", "sync a").asks is None


def test_an_error_says_what_a_server_said_on_one_line() -> None:
    error = UnreachableError(f"uk: {FORGED}", hint=FORGED)
    assert (error.message, error.hint, str(error)) == (f"uk: {SHOWN}", SHOWN, f"uk: {SHOWN}")
    settings = SettingsError("wrong", problems=(FORGED, "plain"))
    assert settings.problems == (SHOWN, "plain")
    assert error_text(settings, settings.problems).plain.splitlines() == [
        "✗ wrong  [settings]",
        f"  {SHOWN}",
        "  plain",
    ]


VALUES = st.recursive(
    st.none() | st.integers() | st.text(st.characters(exclude_categories=())),
    lambda one: st.lists(one, max_size=3) | st.dictionaries(st.text(), one, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(st.text(st.characters(exclude_categories=())), VALUES))
def test_json_for_scripts_holds_the_same_and_drives_no_terminal(facts: dict[str, object]) -> None:
    text = as_json(Reply("t", facts=facts, tone=Tone.GOOD))
    assert json.loads(text) == facts
    assert all(letter.isprintable() or letter == "\n" for letter in text)


@pytest.mark.parametrize("number", [4, 5, 6])
def test_of_several_hints_the_first_five_are_said(number: int) -> None:
    hints = [(f"s{one}", f"Look at {one}.", Tone.PLAIN) for one in range(number)]
    assert [text.text for text in hint_texts(hints, named=False)] == [hint for _, hint, _ in hints[:5]]

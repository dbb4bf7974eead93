"""Whatever is typed, pressed, written or sent in a chat is a line that is read or a refusal in words."""

from __future__ import annotations

import argparse
import contextlib
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

import commands
from bot.slack.escape import typed_by_slack
from bot.slack.thread import as_written, mentioned_in, reply_in
from core.errors import UsageError
from core.incident.notes import parse_label, plain_text
from core.incident.thread import command_in

ANY = st.text(st.characters(exclude_categories=()), max_size=40)
WORDS = st.sampled_from(
    [
        "--json", "--last", "--at", "--to", "--", "-", "-h", "--help", "--verify", "--force", "@file", "-1", "=",
        "M3", "7", "#7", "9" * 5000, "uk", "30m", "1d", "“", "'", '"', "\\", "٣", "\0", "\ud800",
        "<!channel>", "<@U01>", "<#C1|x>", "&amp;lt;",
    ]
)  # fmt: skip
LINES = st.builds(
    lambda name, words: " ".join([name, *words]),
    st.sampled_from(sorted(commands.all_commands())) | ANY,
    st.lists(WORDS | ANY, max_size=6),
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | ANY,
    lambda one: st.lists(one, max_size=3) | st.dictionaries(ANY, one, max_size=3),
    max_leaves=5,
)


@given(line=LINES | ANY)
def test_any_line_is_words_of_a_command_or_a_refusal(line: str) -> None:
    with contextlib.suppress(UsageError):
        words = commands.split_line(typed_by_slack(line))
        command = commands.find(words[0] if words else "status")
        options = commands.parser_for(command).parse_args(words[1:])
        assert isinstance(options, argparse.Namespace)
        command.acts(options)


@given(text=ANY)
def test_a_text_that_is_put_after_a_line_comes_back_as_its_last_word(text: str) -> None:
    *_, last = commands.split_line(commands.line_with("cause 7", text))
    assert last == commands.split_line(commands.line_with("cause", last))[-1]


@given(text=ANY | LINES)
def test_any_reply_in_a_thread_is_a_command_a_note_or_nothing(text: str) -> None:
    handles = dict.fromkeys(mentioned_in(text), "@alice")
    meant = command_in(as_written(text, handles), "outage", 7)
    if meant is not None and meant.text is not None:
        with contextlib.suppress(UsageError):
            assert plain_text(meant.text).isprintable()
    parse_label(text)


VALUES = JSON | st.sampled_from(
    ["1718370127.000100", "1718370000.000100", "1e400", "-1.0", "9" * 400 + ".0", "U01ALICE"]
)
KEYS = ("user", "ts", "thread_ts", "text", "channel", "subtype", "bot_id", "hidden")


@given(event=st.fixed_dictionaries({}, optional=dict.fromkeys(KEYS, VALUES)))
def test_any_message_event_is_a_reply_or_is_passed_over(event: dict[str, object]) -> None:
    reply = reply_in(event)
    if reply is not None:
        datetime.fromtimestamp(float(reply.ts), UTC)

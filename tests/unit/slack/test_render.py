from __future__ import annotations

import json
import re
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.slack.lines import note
from bot.slack.render import MOST_HOME_JSON, _sections, blocks_of, blocks_of_home, message_of, note_of, pointer_to
from core.reply import Button, Confirm, Heading, Reply, Row, Table, Text, Tone, Typed

if TYPE_CHECKING:
    from slack_sdk.models.blocks import Block

NASTY = (
    "<!channel>",
    "<@U01ALICE>",
    "<https://evil.test|click me>",
    "&lt;!here&gt;",
    "*bold* _it_ ~no~ `code`",
    ":rotating_light:",
    "> quoted",
    "``` unclosed",
    "\u202eexe.txt",
    "a\x00b\x1b[31m",
    "\ud800",
    "&" * 400,
    " \n\n\n ",
    "",
)
PLAIN_MRKDWN = re.compile(r"&(?!amp;|lt;|gt;)|[<>]")

words = st.one_of(st.sampled_from(NASTY), st.text(st.characters(), max_size=80))
long_words = st.one_of(words, st.builds(lambda text, times: text * times, words, st.integers(1, 3000)))
tones = st.sampled_from(list(Tone))
rows = st.builds(Row, st.lists(words, max_size=5).map(tuple), tones)
tables = st.builds(
    lambda columns, rows, times, left_out: Table(tuple(columns), tuple(rows) * times, left_out),
    st.lists(words, max_size=5),
    st.lists(rows, max_size=4),
    st.sampled_from([1, 1, 30, 3000]),
    st.integers(0, 10_000),
)
parts = st.one_of(st.builds(Text, long_words, tones), st.builds(Heading, words), tables, st.builds(Typed, long_words))
confirms = st.builds(Confirm, long_words, long_words, long_words, long_words)
buttons = st.builds(
    Button,
    long_words,
    long_words,
    st.sampled_from(["plain", "primary", "danger", "odd"]),
    st.none() | confirms,
    st.none() | long_words,
)
replies = st.builds(
    lambda title, parts, times, buttons, tone: Reply(title, tuple(parts) * times, tuple(buttons), tone),
    long_words,
    st.lists(parts, max_size=6),
    st.sampled_from([1, 1, 1, 40]),
    st.lists(buttons, max_size=14),
    tones,
)


def plain(blocks: list[Block]) -> list[dict[str, Any]]:
    return [block.to_dict() for block in blocks]


def shown(reply: Reply) -> str:
    return "\n".join(block["text"]["text"] for block in plain(blocks_of(reply)) if "text" in block)


def pressable(reply: Reply) -> list[dict[str, Any]]:
    return [element for block in plain(blocks_of(reply)) for element in block.get("elements", ()) if "value" in element]


def assert_valid(text: str, blocks: list[Block]) -> None:
    as_json = plain(blocks)
    json.dumps(as_json, ensure_ascii=False).encode()
    text.encode()
    assert text.strip()
    assert len(text) <= 3500
    assert len(as_json) <= 50
    assert len(json.dumps(as_json, ensure_ascii=False)) <= 10_000
    assert not PLAIN_MRKDWN.search(text)
    ids = [element["action_id"] for block in as_json for element in block.get("elements", ()) if "value" in element]
    assert len(ids) == len(set(ids))
    for block in as_json:
        match block["type"]:
            case "header":
                assert 1 <= len(block["text"]["text"].strip()) <= 150
                assert block["text"]["type"] == "plain_text"
            case "section":
                assert block["text"]["text"].strip()
                assert len(block["text"]["text"]) <= 3000
                if block["text"]["type"] == "mrkdwn":
                    assert not PLAIN_MRKDWN.search(block["text"]["text"])
                    assert block["text"]["verbatim"] is True
                else:
                    assert block["text"]["emoji"] is False
            case "actions":
                assert 1 <= len(block["elements"]) <= 2
                for element in block["elements"]:
                    assert_valid_button(element)
            case other:
                assert other == "context"


def assert_valid_button(element: dict[str, Any]) -> None:
    assert re.fullmatch(r"(line|ask):\d+", element["action_id"])
    assert 1 <= len(element["text"]["text"].strip()) <= 75
    assert 1 <= len(element["value"]) <= 2000
    confirm = element.get("confirm")
    if confirm is not None:
        for part, most in (("title", 100), ("text", 300), ("confirm", 30), ("deny", 30)):
            assert 1 <= len(confirm[part]["text"].strip()) <= most
            assert confirm[part]["type"] == "plain_text"


@settings(max_examples=150)
@given(replies, words)
def test_any_reply_gives_a_message_that_slack_takes(reply: Reply, footnote: str) -> None:
    assert_valid(*message_of(reply, footnote=footnote))


@settings(max_examples=25)
@given(st.lists(replies, min_size=1, max_size=2), st.sampled_from([1, 1, 6]), words)
def test_any_home_tab_is_one_that_slack_takes(several: list[Reply], times: int, footnote: str) -> None:
    blocks = plain(blocks_of_home(several * times, footnote=footnote or "-"))
    assert len(blocks) <= 100
    assert len(json.dumps(blocks, ensure_ascii=False)) <= MOST_HOME_JSON + 1000
    for block in blocks:
        assert len(block.get("text", {}).get("text", "")) <= 3000
        for element in block.get("elements", ()):
            if "value" in element:
                assert_valid_button(element)


def test_of_a_home_tab_that_is_too_long_the_last_are_counted() -> None:
    several = [Reply(f"thing {number}", buttons=(Button("Go", f"sync {number}"),)) for number in range(60)]
    blocks = plain(blocks_of_home(several, footnote="As of now."))
    said = [block["text"]["text"] for block in blocks if "text" in block]
    assert said[0] == "thing 0"
    assert any("left out here" in text for text in said)
    assert blocks[-1]["elements"][0]["text"] == "As of now."


@settings(max_examples=50)
@given(long_words)
def test_any_note_gives_a_message_that_slack_takes(text: str) -> None:
    assert_valid(*note_of(text))


def test_a_button_types_its_line_and_asks_before_it_counts() -> None:
    confirm = Confirm("Move 12 sites?", "Visitors go to us within 5 min.", "Yes, move them")
    reply = Reply(
        "Plan", buttons=(Button("Approve", "approve K7Q2", "danger", confirm), Button("Cancel", "cancel K7Q2"))
    )
    approve, cancel = pressable(reply)
    assert (approve["value"], approve["style"], approve["text"]["text"]) == ("approve K7Q2", "danger", "Approve")
    assert approve["confirm"]["text"]["text"] == "Visitors go to us within 5 min."
    assert (cancel["value"], "style" in cancel, "confirm" in cancel) == ("cancel K7Q2", False, False)


def test_buttons_stand_two_a_row_and_the_rest_is_counted() -> None:
    reply = Reply("Many", buttons=tuple(Button(f"Go {n}", f"sync {n}") for n in range(13)))
    rows = [block for block in plain(blocks_of(reply)) if block["type"] == "actions"]
    assert [len(row["elements"]) for row in rows] == [2] * 5
    assert "3 more buttons do not fit here" in shown(reply)


def test_a_button_whose_line_is_too_long_is_left_out_with_a_word_and_the_others_stay() -> None:
    reply = Reply("Many", buttons=(Button("Sync", "sync " + "x" * 2000), Button("Cancel", "cancel K7Q2")))
    assert [element["value"] for element in pressable(reply)] == ["cancel K7Q2"]
    assert "1 more button does not fit here" in shown(reply)


@pytest.mark.parametrize("text", ["<!channel> look", "<@U01ALICE>", "<https://evil.test|here>", "&lt;!here&gt;"])
def test_nobody_can_be_called_and_nothing_linked_by_a_text(text: str) -> None:
    reply = Reply(text, (Text(text), Heading(text), Table((text,), (Row((text, text)),)), Typed(text)))
    said, blocks = message_of(reply)
    assert_valid(said, blocks)


@pytest.mark.parametrize(
    "name", ["*x*", "_x_", "~x~", "a `b", ":fire:", "*.tmp", "2001:db8:100::1", "(_x_)", "x:de:", ":+1:"]
)
def test_a_name_with_marks_is_shown_letter_by_letter(name: str) -> None:
    for part in (Text(name), Heading(name), Table((), (Row((name, "up")),)), Table((), (Row(("uk", name)),))):
        section = plain(blocks_of(Reply("t", (part,))))[1]
        assert section["text"]["type"] == "plain_text"
        assert " ".join(name.split()) in " ".join(section["text"]["text"].split())


@pytest.mark.parametrize("text", ["> x", "&gt; x"])
def test_a_text_that_begins_like_a_quotation_is_shown_letter_by_letter(text: str) -> None:
    section = plain(blocks_of(Reply("t", (Text(text),))))[1]
    assert section["text"] == {"type": "plain_text", "text": text, "emoji": False}


@pytest.mark.parametrize("text", ["at 14:02:07 BST", "prairie_farm.example", "2001:db8::1", "12:30:45, 1:1", "a b"])
def test_ordinary_text_keeps_its_bold_names(text: str) -> None:
    section = plain(blocks_of(Reply("t", (Table(("name",), (Row(("uk", text)),)),))))[1]
    assert section["text"] == {"type": "mrkdwn", "text": f"_name_\n*uk* · {text}", "verbatim": True}


def test_a_command_in_back_quotes_becomes_code_and_nothing_in_it_is_markup() -> None:
    section = plain(blocks_of(Reply("t", (Text("Did you mean `a <b> *c*`?"),))))[1]
    assert section["text"]["text"] == "Did you mean `a &lt;b&gt; *c*`?"


def test_letters_that_turn_a_name_around_are_taken_out() -> None:
    assert "\u202e" not in shown(Reply("t", (Text("invoice\u202efdp.exe"),)))


def test_the_title_is_the_push_notification_whole() -> None:
    title = "uk is down since 14:02 UTC, 12 sites, us ready, data 3 h old & counting"
    text, blocks = message_of(Reply(title, tone=Tone.BAD))
    assert text == title.replace("&", "&amp;")
    assert plain(blocks)[0]["text"]["text"] == f"✗ {title}"


def test_a_long_title_is_shown_whole_below_the_limit_of_a_header() -> None:
    title = "site " * 60
    assert title.strip() in shown(Reply(title))


def test_tones_are_said_in_words_and_not_by_their_mark_alone() -> None:
    said = shown(Reply("t", (Text("key refused", Tone.BAD), Text("old copy", Tone.WARN), Text("copying", Tone.BUSY))))
    assert said.splitlines()[1:] == ["✗ Problem: key refused", "! Warning: old copy", "↻ Under way: copying"]


def test_a_table_reads_as_one_line_a_row_with_its_columns_named_once() -> None:
    table = Table(
        ("name server", "place", "answers"),
        (Row(("ns1", "London", "new"), Tone.GOOD), Row(("ns2", "", "old"), Tone.BUSY), Row(("ns3", "Oslo", ""))),
    )
    assert shown(Reply("t", (table,))).splitlines()[1:] == [
        "_name server · place · answers_",
        "✓ *ns1* · London · new",
        "↻ *ns2* · - · old",
        "*ns3* · Oslo",
    ]


def test_ten_thousand_rows_are_summarised_and_the_troubled_ones_shown() -> None:
    rows = [Row((f"site{n}.test", "up"), Tone.GOOD) for n in range(10_000)]
    rows[7777] = Row(("bad.test", "down"), Tone.BAD)
    rows[8888] = Row(("old.test", "old copy"), Tone.WARN)
    said = shown(Reply("10,000 sites", (Table(("site", "state"), tuple(rows)),)))
    assert "*bad.test* · down" in said
    assert "*old.test* · old copy" in said
    listed = len(re.findall(r"^[✓✗!]", said, re.MULTILINE))
    assert f"… and {10_000 - listed:,} more: {10_000 - listed:,} good" in said


def test_of_rows_as_bad_as_each_other_the_first_are_shown_in_their_order() -> None:
    tones = [Tone.GOOD, Tone.BAD, Tone.UNKNOWN, Tone.WARN]
    rows = tuple(Row((f"s{n}", "as it was"), tones[n % 4]) for n in range(240))
    said = shown(Reply("240 sites", (Table(("site", "state"), rows),)))
    listed = [int(number) for number in re.findall(r"\*s(\d+)\*", said)]
    assert len(listed) == 60
    assert listed == [n for n in range(240) if n % 4 == 1]
    assert "… and 180 more: 60 with a warning, 60 unknown, 60 good" in said


def test_a_text_without_end_is_read_as_far_as_it_fits() -> None:
    alone = (note("*one that stands alone*") for _ in count())
    assert len(_sections(alone, 50, 1_000_000)) > 50
    read = _sections((note(f"line {number}") for number in count()), 50, 9500)
    assert len(json.dumps(plain(read))) > 9500


def test_what_a_command_left_out_is_counted_too() -> None:
    table = Table(("site",), tuple(Row((f"s{n}",)) for n in range(100)), left_out=900)
    said = shown(Reply("t", (table,)))
    listed = said.count("*s")
    assert f"… and {1000 - listed:,} more" in said


def test_parts_without_end_are_counted() -> None:
    said = shown(Reply("t", tuple(Text(f"*{n}*") for n in range(400))))
    kept = len(re.findall(r"^\*\d+\*$", said, re.MULTILINE))
    assert f"… and {400 - kept} more parts, left out here" in said


def test_a_long_paragraph_says_how_much_of_it_is_missing() -> None:
    said = shown(Reply("t", (Text("x" * 20_000),)))
    kept = said.count("x")
    assert f"… ({20_000 - kept:,} characters more)" in said


def test_a_line_to_type_is_code_and_is_typed_with_a_slash_here() -> None:
    assert "`/sharpnet help failover`" in shown(Reply("t", (Typed("sharpnet help failover"),)))


def test_a_line_for_the_terminal_only_keeps_its_form() -> None:
    assert "`sharpnet run`" in shown(Reply("t", (Typed("sharpnet run"),)))


def test_an_empty_title_still_makes_a_message() -> None:
    assert_valid(*message_of(Reply("")))


def test_a_pointer_names_the_channel_and_links_the_card() -> None:
    text, blocks = pointer_to(Reply("Move <2> sites?"), "C01OPS", "https://x.slack.test/archives/C01OPS/p1?a=1&b=2")
    assert text == (
        "Move &lt;2&gt; sites? It is in <#C01OPS>: <https://x.slack.test/archives/C01OPS/p1?a=1&amp;b=2|open it>."
    )
    assert plain(blocks)[0]["text"]["text"] == "Move <2> sites?"


def test_a_pointer_to_a_card_that_is_not_posted_yet_says_so() -> None:
    text, _ = pointer_to(Reply("Moving"), "C01OPS", None)
    assert text == "Moving. It is on its way to <#C01OPS>."

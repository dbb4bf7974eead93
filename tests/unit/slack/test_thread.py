"""Which message events are a person's reply in a thread, and what it says, read as its writer sees it."""

from __future__ import annotations

from typing import Any

import pytest

from bot.slack.missed import unheard
from bot.slack.thread import ThreadReply, as_written, mentioned_in, reply_in

REPLY = {
    "type": "message",
    "channel": "C01OPS",
    "channel_type": "channel",
    "user": "U01ALICE",
    "text": "called the data centre",
    "ts": "1750000100.000200",
    "event_ts": "1750000100.000200",
    "thread_ts": "1750000000.000100",
    "parent_user_id": "U0SHARPNET",
}
HANDLES = {"U01ALICE": "@alice", "U03EVE": None}


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"channel_type": "group"},
        {"subtype": "file_share", "files": [{"id": "F01"}]},
        {"subtype": "thread_broadcast", "root": {}},
    ],
)
def test_what_a_person_writes_in_a_thread_is_a_reply(more: dict[str, Any]) -> None:
    said = ThreadReply("U01ALICE", "called the data centre", "C01OPS", "1750000100.000200", "1750000000.000100")
    assert reply_in({**REPLY, **more}) == said


@pytest.mark.parametrize(
    "more",
    [
        {"thread_ts": None},
        {"thread_ts": REPLY["ts"]},
        {"bot_id": "B01"},
        {"bot_id": "B01", "subtype": "bot_message", "user": None},
        {"user": None},
        {"subtype": "message_changed", "message": REPLY, "hidden": True},
        {"subtype": "message_deleted", "previous_message": REPLY},
        {"subtype": "message_replied"},
        {"subtype": "channel_join"},
        {"subtype": "me_message"},
        {"hidden": True},
    ],
)
def test_nothing_else_is(more: dict[str, Any]) -> None:
    assert reply_in({**REPLY, **more}) is None


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("<@U01ALICE> looks at it", "@alice looks at it"),
        ("<@U03EVE> and <@U03EVE|eve>", "slack:U03EVE and eve"),
        ("see <#C01OPS|ops> and <#C02>", "see #ops and #C02"),
        ("<!here> <!channel> <!subteam^S01|@admins> <!date^1750000000^{date}|June>", "@here @channel @admins June"),
        ("<https://status.test/12>", "https://status.test/12"),
        ("<https://status.test/12|status.test/12>", "status.test/12"),
        ("<https://status.test/12|their page>", "their page (https://status.test/12)"),
        ("<mailto:noc@host.test|noc@host.test> <tel:+441>", "noc@host.test +441"),
        ("load &gt; 90 &amp; rising &lt;fast&gt;", "load > 90 & rising <fast>"),
        ("&lt;@U01ALICE&gt; &amp;lt;", "<@U01ALICE> &lt;"),
        ("5 < 6 and a | b", "5 < 6 and a | b"),
    ],
)
def test_slacks_sequences_are_undone(text: str, written: str) -> None:
    assert as_written(text, HANDLES) == written


def test_whoever_is_mentioned_is_found_and_nobody_who_only_seems_to_be() -> None:
    text = "<@U01ALICE>, <@W02BOB|bob>, <#C01OPS|ops>, &lt;@U9&gt; <!here>"
    assert mentioned_in(text) == {"U01ALICE", "W02BOB"}


def marked_by(*users: str) -> dict[str, Any]:
    return {**REPLY, "reactions": [{"name": "eyes", "users": ["U02BOB"]}, {"name": "warning", "users": list(users)}]}


def test_what_the_writer_of_the_message_above_has_marked_was_heard() -> None:
    card = {"ts": REPLY["thread_ts"], "user": "U0SHARPNET", "bot_id": "B01"}
    plain, by_others, by_the_bot = REPLY, marked_by("U01ALICE"), marked_by("U01ALICE", "U0SHARPNET")
    assert unheard([card, plain, by_others, by_the_bot], REPLY["thread_ts"]) == [plain, by_others]


def test_without_the_message_above_its_writer_is_known_from_the_replies() -> None:
    assert unheard([REPLY, marked_by("U0SHARPNET")], REPLY["thread_ts"]) == [REPLY]

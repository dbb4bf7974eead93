"""Which runs can be undone, which paths may be put back, and what people are told of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import UsageError
from core.failure import Failure
from core.reply import Table, Tone, Typed
from core.sync.rsync_output import is_below
from core.sync.undo import (
    ReplacedFile,
    ReplacedSize,
    UndoableRun,
    UndoResult,
    begun_at,
    did_in_words,
    is_run_name,
    newest_first,
    paths_to_put_back,
)
from core.sync.undo_report import done_reply, listing_reply, runs_reply, what_next

RUN = UndoableRun("20260614T030000Z-ab12cd34", "shop", "lima", "3 files copied, 2 deleted")
LATER = replace(RUN, id="20260615T030000Z-ab12cd34")
OWN = "20260616T030000Z-00000000"


@pytest.mark.parametrize(
    ("typed", "paths"),
    [
        (["a"], (b"a",)),
        (["./a//b/"], (b"a/b",)),
        (["a/b", "a", "ab", "a"], (b"a", b"ab")),
        (["latin-\udce9"], (b"latin-\xe9",)),
        ([], ()),
    ],
)
def test_paths_are_read_as_bytes_below_the_root_and_a_folder_takes_in_what_is_below(
    typed: list[str], paths: tuple[bytes, ...]
) -> None:
    assert paths_to_put_back(typed) == paths


@pytest.mark.parametrize("typed", ["/etc/passwd", "..", "\ud800", "a/../../b", ".", "", "/", "a\0b"])
def test_a_path_that_is_not_below_the_root_is_refused(typed: str) -> None:
    with pytest.raises(UsageError):
        paths_to_put_back([typed])


@given(st.lists(st.text()))
def test_whatever_is_typed_no_path_leads_out_of_the_root_and_none_lies_in_another(typed: list[str]) -> None:
    try:
        paths = paths_to_put_back(typed)
    except UsageError:
        return
    assert all(is_below(path) and path and not path.startswith(b"./") for path in paths)
    assert not any(one != other and one.startswith(other + b"/") for one in paths for other in paths)


@pytest.mark.parametrize(
    ("text", "good"),
    [
        (RUN.id, True),
        ("20260614T030000Z", False),
        ("20260614T030000Z-", False),
        ("20260614T030000Z-../..", False),
        ("20269914T030000Z-ab", False),
        ("../../etc-ab", False),
        ("20260614T030000Z-é", False),
    ],
)
def test_only_a_runs_name_is_taken_for_one(text: str, good: bool) -> None:
    assert is_run_name(text) is good


def test_a_runs_name_says_when_it_began() -> None:
    assert begun_at(RUN.id) == RUN.begun_at == datetime(2026, 6, 14, 3, tzinfo=UTC)


@pytest.mark.parametrize(
    ("outcome", "body", "words"),
    [
        ("good", {"files": 12, "deleted": 2}, "12 files copied, 2 deleted"),
        ("good", {"files": 1, "deleted": 0}, "1 file copied"),
        ("good", {"deleted": 2}, "2 deleted"),
        ("good", {}, "nothing changed"),
        ("interrupted", {}, "a sync, interrupted"),
        ("undo", {"undoes": RUN.id}, f"put back from {RUN.id}"),
        ("catch-up", {"files": 3, "source": "north"}, "3 files brought over from north"),
    ],
)
def test_what_a_run_did_is_said_in_a_few_words(outcome: str, body: dict[str, object], words: str) -> None:
    assert did_in_words(outcome, body) == words


def test_runs_that_are_known_and_keep_something_are_listed_the_newest_first() -> None:
    kept = [
        ReplacedSize(RUN.id, 3, 10),
        ReplacedSize(LATER.id, 1, 1),
        ReplacedSize("20260101T000000Z-ff", 1, 1),
        ReplacedSize(OWN, 0, 0),
    ]
    known = {run.id: run for run in (RUN, LATER, replace(RUN, id=OWN))}
    assert [run for _, run in newest_first(kept, known)] == [LATER, RUN]


def test_the_list_of_runs_says_when_what_how_much_and_until_when() -> None:
    reply = runs_reply("shop", [(ReplacedSize(RUN.id, 3, 3400), RUN)], (), "UTC", timedelta(days=14))
    table = next(part for part in reply.parts if isinstance(part, Table))
    assert table.rows[0].cells == (
        RUN.id,
        "2026-06-14 03:00:00 UTC",
        "lima",
        "3 files copied, 2 deleted",
        "3 files, 3.4 kB",
        "2026-06-28",
    )
    assert reply.title == "shop: something is kept of 1 run"
    assert Typed(f"sync --undo {RUN.id} --dry-run") in reply.parts


def test_a_server_that_could_not_be_asked_is_named() -> None:
    reply = runs_reply("shop", (), [("lima", "lima does not answer")], "UTC", timedelta(days=14))
    assert (reply.title, reply.tone) == ("shop: nothing is kept of any run", Tone.WARN)
    assert "lima could not be asked: lima does not answer." in str(reply.parts)


def test_what_would_be_put_back_is_listed_with_a_button_that_says_what_follows() -> None:
    files = [ReplacedFile("f", 5, b"f%d" % number) for number in range(25)] + [
        ReplacedFile("l", 0, b"l"),
        ReplacedFile("p", 0, b"p"),
    ]
    reply = listing_reply(RUN, files, 1200, 6000, (), "It is served from lima: visitors see it at once.")
    table = next(part for part in reply.parts if isinstance(part, Table))
    assert (len(table.rows), table.left_out, table.rows[0].cells) == (20, 1180, ("file", "5 bytes", "f0"))
    assert reply.title == f"{RUN.id} keeps 1,200 files, 6.0 kB of shop on lima"
    (button,) = reply.buttons
    assert button.line == f"sync --undo {RUN.id}"
    assert button.confirm is not None
    assert "served from lima" in button.confirm.text
    assert [one["kind"] for one in reply.facts["paths"][-2:]] == ["link", "special file"]  # type: ignore[index]


def test_a_button_types_paths_as_they_are_and_there_is_none_for_a_path_that_cannot_be_typed() -> None:
    assert listing_reply(RUN, (), 1, 1, [b"-a b"], "").buttons[0].line == f"sync --undo {RUN.id} -- '-a b'"
    assert listing_reply(RUN, (), 1, 1, [b"latin-\xe9"], "").buttons == ()


def test_a_good_undo_says_how_to_take_it_back() -> None:
    reply = done_reply(RUN, OWN, UndoResult(files=3, same=1), "what follows")
    assert reply.title == "3 files of shop put back on lima, 1 of them were there already"
    assert (reply.exit_code, reply.tone) == (0, Tone.GOOD)
    assert Typed(f"sync --undo {OWN}") in reply.parts


def test_where_everything_was_there_already_there_is_nothing_to_take_back() -> None:
    assert not any(isinstance(part, Typed) for part in done_reply(RUN, OWN, UndoResult(files=3, same=3), "").parts)


def test_paths_that_did_not_come_back_are_named_with_the_reason() -> None:
    reply = done_reply(RUN, OWN, UndoResult(files=3, linked=(b"a/b",), failed=(b"c",), left=2), "")
    assert reply.title.endswith("; 2 not")
    assert (reply.exit_code, reply.tone) == (1, Tone.WARN)
    table = next(part for part in reply.parts if isinstance(part, Table))
    assert [row.cells for row in table.rows] == [
        ("lies behind a symbolic link now", "a/b"),
        ("could not be put back", "c"),
    ]


@pytest.mark.parametrize(("refused", "code"), [(True, 3), (False, 1)])
def test_an_undo_that_did_not_come_about_says_why(refused: bool, code: int) -> None:
    trouble = Failure("disk-full", "the disk of lima is full", "Make room there.", refused=refused)
    reply = done_reply(RUN, OWN, UndoResult(trouble=trouble), "")
    assert reply.title == f"Nothing of {RUN.id} was put back on lima: the disk of lima is full"
    assert reply.exit_code == code


def test_what_becomes_of_it_is_said() -> None:
    at = datetime(2026, 6, 17, 3, tzinfo=UTC)
    assert "visitors see it at once" in what_next("lima", served=True, next_at=None, timezone="UTC")
    assert "the next sync, at 2026-06-17 03:00:00 UTC," in what_next("lima", served=False, next_at=at, timezone="UTC")
    assert "whenever it is asked for" in what_next("lima", served=False, next_at=None, timezone="UTC")

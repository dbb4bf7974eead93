"""Whose failure an error is, and how people are told of a lack of the bot's own machine."""

from __future__ import annotations

import errno
from datetime import UTC, datetime

import pytest

from core.errors import OwnLackError
from core.own_lack import hint_for, lack_of, lacking_card, recovered_card
from core.reply import Text, Tone

AT = datetime(2026, 6, 14, 13, 0, tzinfo=UTC)
NOW = datetime(2026, 6, 14, 13, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("error", "lack"),
    [
        (OSError(errno.EMFILE, "x"), "file descriptors"),
        (OSError(errno.ENFILE, "x"), "file descriptors"),
        (OSError(errno.ENOMEM, "x"), "memory"),
        (OSError(errno.ENOBUFS, "x"), "memory"),
        (MemoryError(), "memory"),
        (RuntimeError("can't start new thread"), "threads"),
        (BlockingIOError(errno.EAGAIN, "x"), "threads, processes or free ports"),
        (OSError(errno.EADDRNOTAVAIL, "x"), "free ports"),
        (OSError(errno.ENOSPC, "x"), "room on its disk"),
        (OSError(errno.EDQUOT, "x"), "room on its disk"),
        (OSError(errno.EROFS, "x"), "room on its disk"),
        (OSError(errno.ENETDOWN, "x"), "a network"),
        (OSError(errno.EAFNOSUPPORT, "x"), "a network"),
    ],
)
def test_what_the_system_itself_lacks_is_ours(error: BaseException, lack: str) -> None:
    assert lack_of(error) == lack


@pytest.mark.parametrize(
    "error",
    [
        ConnectionRefusedError(errno.ECONNREFUSED, "x"),
        ConnectionResetError(errno.ECONNRESET, "x"),
        TimeoutError(errno.ETIMEDOUT, "x"),
        OSError(errno.EHOSTUNREACH, "x"),
        # Without the routes of this machine nobody can say whose it is.
        OSError(errno.ENETUNREACH, "x"),
        # A packet filter, here or there.
        PermissionError(errno.EPERM, "x"),
        OSError("without a number"),
        RuntimeError("a mistake"),
        ValueError("a mistake"),
    ],
)
def test_what_the_other_side_does_and_a_mistake_are_not(error: BaseException) -> None:
    assert lack_of(error) is None


def test_each_lack_has_a_hint_and_that_of_descriptors_names_the_setting() -> None:
    assert "LimitNOFILE" in hint_for("file descriptors")
    assert "routes" in hint_for("a network")
    assert hint_for("memory") == "See what else runs on the bot's machine."


def test_the_card_says_what_is_lacking_since_when_and_that_nobody_else_is_to_blame() -> None:
    card = lacking_card(("file descriptors", "memory"), 12, AT, "UTC", NOW)
    assert card.title == "The bot's own machine lacks file descriptors and memory since 13:00:00 UTC"
    assert card.tone is Tone.WARN
    said = [part.text for part in card.parts if isinstance(part, Text)]
    assert said[0] == "12 targets could not be looked at: unknown, not down. Nobody is alerted of them."
    assert "LimitNOFILE" in said[1]
    assert len(said) == 3


def test_a_hint_that_two_lacks_share_is_said_once() -> None:
    assert len(lacking_card(("threads", "memory"), 1, AT, "UTC", NOW).parts) == 2


def test_the_card_of_the_end_says_that_it_looks_again() -> None:
    card = recovered_card(("memory",), AT, "UTC", NOW)
    assert card.title == "The bot's own machine lacked memory from 13:00:00 UTC; it looks at all again"
    assert card.tone is Tone.GOOD


def test_an_error_without_a_number_of_the_system_is_not_ours() -> None:
    assert lack_of(OSError()) is None


def test_a_lack_says_what_is_lacking_and_what_to_do() -> None:
    error = OwnLackError("The bot's machine lacks memory.", hint="Give it more.", lack="memory")
    assert (error.message, error.hint, error.lack) == ("The bot's machine lacks memory.", "Give it more.", "memory")
    assert OwnLackError("It lacks something.").lack == ""

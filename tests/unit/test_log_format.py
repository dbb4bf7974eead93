"""The log has one line an event, whatever servers, files and people had to say in it."""

from __future__ import annotations

import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.log_format import FORMAT, OneLine, log_to_stderr

FORGED = "refused\n2026-06-14 13:02:07,000 INFO jobs.sync site=garden outcome=good\x1b[31m\x9b"


def logged(message: str, *arguments: object, error: BaseException | None = None) -> list[str]:
    """Return the lines of the log for one event."""
    about = (type(error), error, error.__traceback__) if error is not None else None
    record = logging.LogRecord("ops", logging.WARNING, __file__, 1, message, arguments, about)
    # As a terminal and journald break lines, not only as Python does.
    return OneLine(FORMAT).format(record).split("\n")


def test_what_a_server_said_makes_no_line_of_its_own() -> None:
    (line,) = logged("server=uk why=%s", FORGED)
    forged = "2026-06-14 13:02:07,000 INFO jobs.sync site=garden outcome=good\\x1b[31m\\x9b"
    assert line.endswith(f"WARNING ops server=uk why=refused {forged}")


@given(st.text(st.characters(exclude_categories=())))
def test_any_text_is_one_printable_line(text: str) -> None:
    (line,) = logged("%s", text)
    assert line.isprintable()
    line.encode()


def test_a_traceback_and_what_an_error_says_in_it_cannot_be_taken_for_an_event() -> None:
    with pytest.raises(ValueError, match="invalid literal") as failed:
        int(FORGED)
    first, *more = logged("it failed", error=failed.value)
    assert first.endswith("WARNING ops it failed")
    assert len(more) >= 3
    assert all(line.startswith("  | ") and line.isprintable() for line in more)


def test_a_stack_likewise() -> None:
    record = logging.LogRecord("ops", logging.INFO, __file__, 1, "here", (), None, sinfo=f"Stack:\n{FORGED}")
    _, *more = OneLine(FORMAT).format(record).split("\n")
    assert [line[:4] for line in more] == ["  | "] * 3


def test_the_command_logs_in_this_format(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    root = logging.getLogger()
    monkeypatch.setattr(root, "handlers", [])
    monkeypatch.setattr(root, "level", root.level)
    log_to_stderr("WARNING")
    logging.getLogger("ops").warning("why=%s", FORGED)
    assert len(capsys.readouterr().err.splitlines()) == 1

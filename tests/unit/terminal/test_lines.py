"""Where no terminal is, progress is a line now and then."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from rich.console import Console

from bot.terminal.lines import EVERY_S, PlainLines
from core.reply import Reply

if TYPE_CHECKING:
    from collections.abc import Iterable


def lines_after(moments: Iterable[tuple[float, str]]) -> list[str]:
    file, at = io.StringIO(), 0.0
    lines = PlainLines(Console(file=file, width=80), lambda: at)
    for at, title in moments:  # noqa: B007  read by the clock above
        lines.take(Reply(title))
    return file.getvalue().splitlines()


def test_what_is_over_soon_writes_nothing() -> None:
    assert lines_after([(0.0, "1 of 9"), (EVERY_S - 1, "8 of 9")]) == []


def test_a_line_comes_at_most_once_in_a_while_and_never_twice() -> None:
    moments = [(second, f"{second // 20} of 9") for second in range(60)]
    assert lines_after((float(second), title) for second, title in moments) == ["0 of 9", "1 of 9", "2 of 9"]

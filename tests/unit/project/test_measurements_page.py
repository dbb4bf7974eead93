"""The page of measurements keeps what people wrote around the tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bench.__main__ import ALL, PAGE
from bench.report import BEGIN, END, section, write_into
from bench.result import Row

if TYPE_CHECKING:
    from pathlib import Path

TEXT = """# Measurements
Said of start.
<!-- bench start: begin -->
old
<!-- bench start: end -->
Said of status.
<!-- bench status: begin -->
kept
<!-- bench status: end -->
Said at the end.
"""


def test_a_table_is_put_in_its_place_and_all_else_stays(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(TEXT, encoding="utf-8")
    write_into(page, "start", "new")
    assert page.read_text(encoding="utf-8") == TEXT.replace("old", "new")


@pytest.mark.parametrize("text", [TEXT, TEXT + BEGIN.format("sync") + END.format("sync") + BEGIN.format("sync")])
def test_a_page_without_a_single_place_for_a_table_is_left_as_it_is(tmp_path: Path, text: str) -> None:
    page = tmp_path / "page.md"
    page.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match="no single place"):
        write_into(page, "sync", "new")
    assert page.read_text(encoding="utf-8") == text


def test_a_section_says_what_was_held_and_where_it_was_taken() -> None:
    rows = [Row("looks", "12 ms", "9 ms", "< 20 ms", met=True), Row("more", "3 s", met=False)]
    assert section(["on Sunday", "two cores"], rows).splitlines()[2:] == [
        "| looks | 12 ms | 9 ms | < 20 ms | yes |",
        "| more | 3 s | - | - | **no** |",
        "",
        "Taken on Sunday; two cores.",
    ]


@pytest.mark.parametrize("name", ALL)
def test_the_page_has_one_place_for_each_measurement(name: str) -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert [text.count(mark.format(name)) for mark in (BEGIN, END)] == [1, 1]

"""What a copy does not take along is counted at the source, and said in words."""

from __future__ import annotations

import pytest

from core.sync.left_behind import LeftBehind, read_left_behind


@pytest.mark.parametrize(
    ("out", "remarks"),
    [
        (b"0 0\n", ()),
        (b"1 0\n", ("1 file copied without set-uid or set-gid.",)),
        (b"0 2\n", ("2 device nodes not copied.",)),
        (b"1200 1\n", ("1,200 files copied without set-uid or set-gid.", "1 device node not copied.")),
    ],
)
def test_both_numbers_are_said_where_there_is_anything(out: bytes, remarks: tuple[str, ...]) -> None:
    found = read_left_behind(out)
    assert found is not None
    assert found.remarks == remarks


@pytest.mark.parametrize("out", [b"", b"3\n", b"a b\n", b"1 2 3\n", b"-1 2\n", b"9" * 5000 + b" 2\n"])
def test_anything_else_that_the_source_says_is_no_number(out: bytes) -> None:
    assert read_left_behind(out) is None


def test_nothing_left_is_not_worth_a_word() -> None:
    assert LeftBehind().remarks == ()

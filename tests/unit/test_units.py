from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.units import (
    format_duration,
    format_share,
    parse_duration,
    parse_share,
    parse_size,
    shown,
)


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("500ms", timedelta(milliseconds=500)),
        ("2s", timedelta(seconds=2)),
        ("10m", timedelta(minutes=10)),
        ("26h", timedelta(hours=26)),
        ("14d", timedelta(days=14)),
        ("007s", timedelta(seconds=7)),
    ],
)
def test_each_unit_of_time_means_what_it_says(text: str, length: timedelta) -> None:
    assert parse_duration(text) == length


@pytest.mark.parametrize(
    "text",
    ["", "26", "h", "1.5h", "-2s", "+2s", " 2s", "2s ", "2s\n", "2 s", "2S", "1h30m", "٣s", "2w", "9999999999999s"],
)
def test_another_spelling_of_a_duration_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match="is no duration: write a whole number and ms, s, m, h or d, like 30s or 26h"):
        parse_duration(text)


def test_a_duration_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="longer than zero"):
        parse_duration("0s")


def test_a_duration_beyond_ten_years_is_refused() -> None:
    assert parse_duration("3650d") == timedelta(days=3650)
    with pytest.raises(ValueError, match="at most 3650d"):
        parse_duration("3651d")


@pytest.mark.parametrize(
    ("length", "text"),
    [
        (timedelta(hours=26), "26h"),
        (timedelta(days=14), "14d"),
        (timedelta(seconds=90), "90s"),
        (timedelta(milliseconds=1), "1ms"),
    ],
)
def test_a_duration_is_written_in_its_largest_whole_unit(length: timedelta, text: str) -> None:
    assert format_duration(length) == text


@given(st.integers(min_value=1, max_value=3650 * 86_400_000))
def test_a_duration_that_is_written_is_read_back_as_it_was(length_ms: int) -> None:
    length = timedelta(milliseconds=length_ms)
    assert parse_duration(format_duration(length)) == length


@pytest.mark.parametrize("length", [timedelta(), timedelta(seconds=-1), timedelta(microseconds=1500)])
def test_what_the_file_could_not_say_is_not_written_as_a_duration(length: timedelta) -> None:
    with pytest.raises(ValueError, match="no duration of whole milliseconds"):
        format_duration(length)


@pytest.mark.parametrize(
    ("text", "share"), [("25%", 0.25), ("12.5%", 0.125), ("0%", 0.0), ("100%", 1.0), ("0.01%", 0.0001)]
)
def test_a_percentage_is_a_share_of_one(text: str, share: float) -> None:
    assert parse_share(text) == share


@pytest.mark.parametrize("text", ["", "25", "%", "25 %", "-1%", "1e2%", "1.%", "nan%", "25%\n", "1000%", "1.234%"])
def test_another_spelling_of_a_percentage_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match=r"is no percentage: write it like 25% or 12\.5%$"):
        parse_share(text)


@pytest.mark.parametrize("text", ["101%", "100.01%", "999.99%"])
def test_more_than_everything_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="more than everything"):
        parse_share(text)


@given(st.integers(min_value=0, max_value=10_000))
def test_a_share_that_is_written_is_read_back_as_it_was(hundredths: int) -> None:
    share = parse_share(f"{hundredths / 100:.2f}%")
    assert parse_share(format_share(share)) == share


@pytest.mark.parametrize(
    ("text", "size_bytes"),
    [("0", 0), ("512", 512), ("64K", 65_536), ("10M", 10_485_760), ("2G", 2_147_483_648), ("1T", 1 << 40)],
)
def test_each_unit_of_size_is_1024_of_the_one_before(text: str, size_bytes: int) -> None:
    assert parse_size(text) == size_bytes


@pytest.mark.parametrize("text", ["", "M", "10MB", "10m", "1.5G", "-1", "10 M", "10M\n"])
def test_another_spelling_of_a_size_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match="is no size: write a whole number and K, M, G or T, like 10M or 2G"):
        parse_size(text)


@given(st.text())
def test_text_that_is_no_unit_raises_nothing_but_a_sentence_on_one_line(text: str) -> None:
    for parse in (parse_duration, parse_share, parse_size):
        said = ""
        try:
            parse(text)
        except ValueError as error:
            said = str(error)
        assert said.isprintable()


def test_what_is_shown_of_a_text_is_short_and_on_one_line() -> None:
    assert shown("two\nlines") == r"'two\nlines'"
    assert shown("x" * 100) == "'" + "x" * 39 + "…'"
    assert shown("\x1b[31m") == r"'\x1b[31m'"

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.wording import (
    ago,
    all_of,
    clock_time,
    count,
    duration,
    foreign,
    from_stamp,
    listing,
    placed,
    printable,
    shortened,
    shown_path,
    size,
    stamp,
)

NOW = datetime(2026, 6, 14, 13, 2, 7, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (-5, "0 s"),
        (0, "0 s"),
        (0.3, "0.3 s"),
        (4.25, "4.2 s"),
        (9.96, "10 s"),
        (0.06, "0.06 s"),
        (0.001, "0 s"),
        (10, "10 s"),
        (0.994, "0.99 s"),
        (1, "1 s"),
        (1.26, "1.3 s"),
        (9.94, "9.9 s"),
        (10.4, "10 s"),
        (42.4, "42 s"),
        (59.4, "59 s"),
        (61, "1 min 1 s"),
        (3599, "59 min 59 s"),
        (3659, "1 h"),
        (3660, "1 h 1 min"),
        (86399, "23 h 59 min"),
        (86400, "1 d"),
        (86400 + 3600, "1 d 1 h"),
        (59.6, "1 min"),
        (60, "1 min"),
        (545, "9 min 5 s"),
        (3600, "1 h"),
        (33120, "9 h 12 min"),
        (86400 * 3 + 3600 * 4, "3 d 4 h"),
    ],
)
def test_a_length_is_said_in_at_most_two_units(seconds: float, said: str) -> None:
    assert duration(timedelta(seconds=seconds)) == said


def test_an_age_is_never_negative_and_what_is_ahead_is_not_called_new() -> None:
    assert ago(None, NOW) == "never"
    assert ago(NOW, NOW) == "just now"
    assert ago(NOW + timedelta(seconds=30), NOW) == "just now"
    assert ago(NOW + timedelta(minutes=1), NOW) == "just now"
    assert ago(NOW + timedelta(seconds=61), NOW) == "1 min 1 s in the future, if no clock was put back"
    assert ago(NOW - timedelta(seconds=1), NOW) == "1 s ago"
    assert ago(NOW - timedelta(milliseconds=999), NOW) == "just now"
    assert ago(NOW + timedelta(hours=1), NOW) == "1 h in the future, if no clock was put back"
    assert ago(NOW - timedelta(hours=9, minutes=12), NOW) == "9 h 12 min ago"


def test_counts_go_with_their_noun() -> None:
    assert [count(n, "site") for n in (0, 1, 12_000)] == ["0 sites", "1 site", "12,000 sites"]
    assert count(2, "entry", "entries") == "2 entries"


def test_a_moment_is_said_in_the_fleets_zone_with_its_date_when_it_is_another_day() -> None:
    assert clock_time(NOW, "Europe/London", NOW) == "14:02:07 BST"
    assert clock_time(NOW, "Europe/London") == "2026-06-14 14:02:07 BST"
    assert clock_time(NOW, "Europe/London", NOW + timedelta(days=1)) == "2026-06-14 14:02:07 BST"


@given(st.datetimes(min_value=datetime(1990, 1, 1), max_value=datetime(2200, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001 - hypothesis wants naive bounds
def test_a_stamp_reads_back_as_the_same_moment(at: datetime) -> None:
    assert from_stamp(stamp(at)) == at


def test_what_is_no_stamp_is_not_read_as_one() -> None:
    with pytest.raises(ValueError, match="not a moment as it is stored: '2026-06-14'"):
        from_stamp("2026-06-14")


def test_a_long_listing_says_how_many_more() -> None:
    assert listing(["a", "b"]) == "a, b"
    assert listing(["a", "b", "c", "d"], most=2) == "a, b and 2 more"
    assert listing(list("abcde")) == "a, b, c, d, e"
    assert listing(list("abcdef")) == "a, b, c, d, e and 1 more"


def test_one_alone_is_not_said_as_all_of_one() -> None:
    assert all_of(1, "name server") == "The only name server"
    assert all_of(6, "name server") == "All 6 name servers"


def test_a_place_that_is_only_the_name_again_is_not_said() -> None:
    assert placed("uk", "London") == "uk (London)"
    assert placed("uk", "uk") == "uk"


def test_a_long_text_is_cut_and_shows_it() -> None:
    assert shortened("x" * 60) == "x" * 60
    assert shortened("x" * 61) == "x" * 59 + "…"


def test_a_path_is_shown_on_one_line_whatever_it_holds() -> None:
    assert shown_path(b"new\nline\xff \xc3\xbc\x1b[31m") == "new\\nline\\xff ü\\x1b[31m"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("as it is: ü ✓  two spaces ", "as it is: ü ✓  two spaces "),
        ("a\nb", "a b"),
        ("a \r\n \t b", "a b"),
        ("a\u2028b\u00a0c", "a b c"),
        ("\x1b[2K\x07", "\\x1b[2K\\x07"),
        ("\u202eexe\u2066", "\\u202eexe\\u2066"),
        ("\ud800", "\\ud800"),
    ],
)
def test_a_text_is_shown_on_one_line_whatever_it_holds(text: str, shown: str) -> None:
    assert printable(text) == shown


@given(text=st.text(st.characters(exclude_categories=())))
def test_a_printable_text_is_so_and_stays_as_it_is_then(text: str) -> None:
    assert printable(text).isprintable()
    assert printable(printable(text)) == printable(text)


def test_what_others_say_is_cut_and_quotes_nothing_as_ours() -> None:
    assert foreign("Type `approve K7Q2`.\n✓ done") == "Type 'approve K7Q2'. ✓ done"
    assert foreign("x" * 300) == "x" * 300
    assert foreign("x" * 301) == "x" * 299 + "…"
    assert foreign("abcdef", 4) == "abc…"


@given(path=st.binary())
def test_a_shown_path_is_always_printable(path: bytes) -> None:
    assert shown_path(path).isprintable()


@pytest.mark.parametrize(
    ("size_bytes", "said"),
    [
        (0, "0 bytes"),
        (1, "1 byte"),
        (999, "999 bytes"),
        (1000, "1.0 kB"),
        (1001, "1.0 kB"),
        (1100, "1.1 kB"),
        (9949, "9.9 kB"),
        (9950, "10 kB"),
        (999_400, "999 kB"),
        (9960, "10 kB"),
        (999_600, "1.0 MB"),
        (3_400_000, "3.4 MB"),
        (12_000_000_000, "12 GB"),
        (5 * 10**15, "5000 TB"),
    ],
)
def test_sizes_are_said_in_their_own_unit(size_bytes: int, said: str) -> None:
    assert size(size_bytes) == said

"""What three clocks of a machine tell when they are read again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.monitor.clock_watch import SLEEP, STEP, ClockChange, ClockReading, card_of, change_between
from core.reply import Text, Tone

AT = datetime(2026, 6, 14, 13, 0, tzinfo=UTC)
BEFORE = ClockReading(AT, 5000.0, 3000.0)
NOTHING = timedelta()


def later(awake: timedelta, slept: timedelta, stepped: timedelta) -> ClockReading:
    passed = awake + slept
    return ClockReading(AT + passed + stepped, 5000.0 + passed.total_seconds(), 3000.0 + awake.total_seconds())


lengths = st.integers(0, 10**6).map(lambda ms: timedelta(milliseconds=ms))
steps = st.integers(-(10**7), 10**7).map(lambda ms: timedelta(milliseconds=ms))


@given(awake=lengths, slept=lengths, stepped=steps)
def test_a_step_and_a_sleep_are_told_apart_and_small_ones_are_nothing(
    awake: timedelta, slept: timedelta, stepped: timedelta
) -> None:
    change = change_between(BEFORE, later(awake, slept, stepped)) or ClockChange()
    near = timedelta(milliseconds=1)
    for found, really, least in ((change.stepped, stepped, STEP), (change.slept, slept, SLEEP)):
        if abs(abs(really) - least) > near:
            expected = really if abs(really) >= least else NOTHING
            assert abs(found - expected) <= near


def test_nothing_to_speak_of_is_none() -> None:
    assert change_between(BEFORE, later(timedelta(hours=9), NOTHING, timedelta(seconds=-4))) is None


@pytest.mark.parametrize(
    ("change", "title"),
    [
        (ClockChange(stepped=timedelta(minutes=4)), "The bot's machine ops1 had its clock set forward by 4 min"),
        (ClockChange(stepped=timedelta(minutes=-4)), "The bot's machine ops1 had its clock set back by 4 min"),
        (ClockChange(slept=timedelta(hours=3)), "The bot's machine ops1 slept for 3 h"),
        (
            ClockChange(timedelta(seconds=7), timedelta(hours=3)),
            "The bot's machine ops1 slept for 3 h and had its clock set forward by 7 s",
        ),
    ],
)
def test_the_card_says_what_happened_and_what_it_shows_now(change: ClockChange, title: str) -> None:
    card = card_of(change, "ops1", "UTC", AT)
    assert (card.title, card.tone) == (title, Tone.WARN)
    said = " ".join(part.text for part in card.parts if isinstance(part, Text))
    assert ("It shows 13:00" in said) is bool(change.stepped)
    assert ("given up" in said) is bool(change.slept)

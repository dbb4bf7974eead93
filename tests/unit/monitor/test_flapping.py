"""When something flaps, and when it does no more."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.monitor.flapping import (
    FEW,
    MANY,
    QUIET_S,
    STAYS_DOWN_S,
    WINDOW_S,
    FlappingPhase,
    is_flapping,
    recent,
    short_s,
    what_became_of,
)

EVERY = timedelta(seconds=5)
times = st.lists(st.floats(0, 3600), max_size=12).map(sorted)


def test_a_drop_every_twenty_seconds_flaps_at_the_second() -> None:
    assert not is_flapping([0, 10], 10, EVERY)
    assert is_flapping([0, 10, 20], 20, EVERY)


def test_a_drop_every_two_minutes_flaps_at_the_third() -> None:
    assert not is_flapping([0, 60, 120], 120, EVERY)
    assert is_flapping([0, 60, 120, 180, 240], 240, EVERY)


def test_two_drops_in_an_hour_are_two_drops() -> None:
    assert not is_flapping([0, 60, 1800], 1800, EVERY)


@given(times, st.floats(0, 3600))
def test_few_changes_never_flap_and_many_at_once_always_do(changes_s: list[float], at_s: float) -> None:
    before = [change for change in changes_s if change <= at_s]
    if len(recent(before, at_s)) <= FEW:
        assert not is_flapping(before, at_s, EVERY)
    if len(recent(before, at_s)) > MANY:
        assert is_flapping(before, at_s, EVERY)


@given(times, st.floats(0, 3600))
def test_what_is_long_past_changes_nothing(changes_s: list[float], at_s: float) -> None:
    before = [change for change in changes_s if change <= at_s]
    assert is_flapping(before, at_s, EVERY) == is_flapping(recent(before, at_s), at_s, EVERY)


@given(st.floats(0.1, 3600))
def test_a_slow_watch_looks_at_a_longer_time_but_never_beyond_the_rule(every_s: float) -> None:
    assert 60 <= short_s(timedelta(seconds=every_s)) <= WINDOW_S


@pytest.mark.parametrize(
    ("after_s", "down", "became"),
    [
        (QUIET_S - 1, False, FlappingPhase.ON),
        (QUIET_S, False, FlappingPhase.QUIET),
        (STAYS_DOWN_S - 1, True, FlappingPhase.ON),
        (STAYS_DOWN_S, True, FlappingPhase.STAYS_DOWN),
    ],
)
def test_it_is_held_until_it_is_quiet_or_stays_down(after_s: float, down: bool, became: FlappingPhase) -> None:
    assert what_became_of(100.0, 100.0 + after_s, down=down) is became

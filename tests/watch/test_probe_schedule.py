"""When each target is due."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from core.fleet.target import Target
from jobs.watch.probe_schedule import ProbeSchedule, phase

KEYS = [str(Target.site(f"{number}")) for number in range(10_000)]
TARGETS = st.text().map(Target.site)
A, B, C = map(Target.site, "abc")


def test_ten_thousand_sites_are_spread_evenly_over_the_interval() -> None:
    per_tenth = Counter(int(phase(key) * 10) for key in KEYS)
    assert len(per_tenth) == 10
    assert max(per_tenth.values()) < 1.15 * min(per_tenth.values())


@given(TARGETS, st.floats(0, 1e9), st.floats(0.1, 3600))
def test_a_regular_moment_is_later_and_at_most_one_interval_away(key: Target, now_s: float, every_s: float) -> None:
    schedule = ProbeSchedule(every_s)
    schedule.put_on_grid(key, now_s)
    assert now_s <= schedule.next_s() <= now_s + every_s * 1.001 + 1e-6


@given(TARGETS, st.floats(0, 1e6))
def test_regular_moments_are_one_interval_apart(key: Target, now_s: float) -> None:
    schedule = ProbeSchedule(30)
    schedule.put_on_grid(key, now_s)
    first = schedule.next_s()
    schedule.put_on_grid(key, first + 0.5)
    assert abs(schedule.next_s() - first - 30) < 0.001


def test_a_target_that_was_taken_is_not_due_until_it_is_put_back() -> None:
    schedule = ProbeSchedule(30)
    schedule.put(A, 1)
    assert schedule.take(1, 10) == [A]
    schedule.hurry([A], 0)
    assert schedule.take(100, 10) == []
    assert schedule.next_s() == float("inf")


def test_hurrying_makes_it_sooner_and_never_later() -> None:
    schedule = ProbeSchedule(30)
    schedule.put(A, 20)
    schedule.hurry([A], 5)
    assert schedule.take(5, 10) == [A]
    schedule.put(B, 5)
    schedule.hurry([B], 20)
    assert schedule.take(5, 10) == [B]


def test_a_target_is_taken_once_however_often_it_was_put() -> None:
    schedule = ProbeSchedule(30)
    for due_s in (9, 3, 7):
        schedule.put(A, due_s)
    assert schedule.next_s() == 7
    assert schedule.take(100, 10) == [A]


def test_the_longest_waiting_comes_first_and_no_more_than_asked_for() -> None:
    schedule = ProbeSchedule(30)
    for due_s, key in ((3, C), (1, A), (2, B), (9, Target.server("later"))):
        schedule.put(key, due_s)
    assert schedule.take(5, 2) == [A, B]
    assert schedule.take(5, 2) == [C]

"""When each target is due."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from jobs.watch.probe_schedule import ProbeSchedule, phase

KEYS = [f"site:{number}" for number in range(10_000)]


def test_ten_thousand_sites_are_spread_evenly_over_the_interval() -> None:
    per_tenth = Counter(int(phase(key) * 10) for key in KEYS)
    assert len(per_tenth) == 10
    assert max(per_tenth.values()) < 1.15 * min(per_tenth.values())


@given(st.text(), st.floats(0, 1e9), st.floats(0.1, 3600))
def test_a_regular_moment_is_later_and_at_most_one_interval_away(key: str, now_s: float, every_s: float) -> None:
    rota = ProbeSchedule(every_s)
    rota.put_on_grid(key, now_s)
    assert now_s <= rota.next_s() <= now_s + every_s * 1.001 + 1e-6


@given(st.text(), st.floats(0, 1e6))
def test_regular_moments_are_one_interval_apart(key: str, now_s: float) -> None:
    rota = ProbeSchedule(30)
    rota.put_on_grid(key, now_s)
    first = rota.next_s()
    rota.put_on_grid(key, first + 0.5)
    assert abs(rota.next_s() - first - 30) < 0.001


def test_a_target_that_was_taken_is_not_due_until_it_is_put_back() -> None:
    rota = ProbeSchedule(30)
    rota.put("a", 1)
    assert rota.take(1, 10) == ["a"]
    rota.hurry(["a"], 0)
    assert rota.take(100, 10) == []
    assert rota.next_s() == float("inf")


def test_hurrying_makes_it_sooner_and_never_later() -> None:
    rota = ProbeSchedule(30)
    rota.put("a", 20)
    rota.hurry(["a"], 5)
    assert rota.take(5, 10) == ["a"]
    rota.put("b", 5)
    rota.hurry(["b"], 20)
    assert rota.take(5, 10) == ["b"]


def test_a_target_is_taken_once_however_often_it_was_put() -> None:
    rota = ProbeSchedule(30)
    for due_s in (9, 3, 7):
        rota.put("a", due_s)
    assert rota.next_s() == 7
    assert rota.take(100, 10) == ["a"]


def test_the_longest_waiting_comes_first_and_no_more_than_asked_for() -> None:
    rota = ProbeSchedule(30)
    for due_s, key in ((3, "c"), (1, "a"), (2, "b"), (9, "later")):
        rota.put(key, due_s)
    assert rota.take(5, 2) == ["a", "b"]
    assert rota.take(5, 2) == ["c"]

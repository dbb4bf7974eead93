from __future__ import annotations

import contextlib

import pytest

from bot.slack.crowd import Crowd

ALICE, EVE, MALLORY = "U01ALICE", "U03EVE", "U04MALLORY"


class Seconds:
    """A monotonic clock that a test turns."""

    def __init__(self) -> None:
        self.at = 1_000_000.0

    def __call__(self) -> float:
        return self.at


@pytest.fixture
def seconds() -> Seconds:
    return Seconds()


@pytest.fixture
def crowd(seconds: Seconds) -> Crowd:
    return Crowd(seconds)


def begun(crowd: Crowd, user: str, times: int = 1, *, has_role: bool = False) -> contextlib.ExitStack:
    """Have somebody begin things, which go on until the stack is closed."""
    turns = contextlib.ExitStack()
    for _ in range(times):
        assert crowd.why_wait(user, has_role=has_role) is None
        turns.enter_context(crowd.turn(user, has_role=has_role))
    return turns


def test_a_fourth_thing_of_one_person_waits_until_one_is_over_and_nobody_else_does(crowd: Crowd) -> None:
    first, rest = begun(crowd, EVE), begun(crowd, EVE, 2)
    assert crowd.why_wait(EVE, has_role=False) == "3 things that you asked for are under way"
    assert crowd.why_wait(MALLORY, has_role=False) is None
    first.close()
    assert crowd.why_wait(EVE, has_role=False) is None
    rest.close()


def test_however_many_strangers_there_are_they_have_ten_things_under_way_and_an_operator_his(crowd: Crowd) -> None:
    with contextlib.ExitStack() as turns:
        for number in range(10):
            turns.enter_context(begun(crowd, f"U{number}"))
        assert crowd.why_wait(EVE, has_role=False) == "many people ask for something just now"
        turns.enter_context(begun(crowd, ALICE, 10, has_role=True))
        assert crowd.why_wait(ALICE, has_role=True) == "10 things that you asked for are under way"
    assert crowd.why_wait(EVE, has_role=False) is None
    assert crowd.why_wait(ALICE, has_role=True) is None


def test_what_was_quickly_over_counts_for_a_minute(crowd: Crowd, seconds: Seconds) -> None:
    for _ in range(20):
        begun(crowd, EVE).close()
        seconds.at += 0.5
    assert crowd.why_wait(EVE, has_role=False) == "you have asked for 20 things of late"
    assert crowd.why_wait(MALLORY, has_role=False) is None
    seconds.at += 49.9
    assert crowd.why_wait(EVE, has_role=False) is not None
    seconds.at += 0.1
    assert crowd.why_wait(EVE, has_role=False) is None


def test_what_failed_is_over_too(crowd: Crowd) -> None:
    for _ in range(4):
        with contextlib.suppress(ZeroDivisionError), crowd.turn(EVE, has_role=False):
            raise ZeroDivisionError
    assert crowd.why_wait(EVE, has_role=False) is None


def test_each_is_told_once_a_minute_and_no_more_than_twenty_people(crowd: Crowd, seconds: Seconds) -> None:
    assert [crowd.is_told(EVE), crowd.is_told(EVE), crowd.is_told(MALLORY)] == [True, False, True]
    assert [crowd.is_told(f"U{number}") for number in range(19)] == [True] * 18 + [False]
    seconds.at += 60.0
    assert [crowd.is_told(EVE), crowd.is_told("U18")] == [True, True]

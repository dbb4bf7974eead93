"""How much is held of what others send, exactly."""

from __future__ import annotations

import pytest

from core.errors import TooMuchError
from ops.limits import Allowance, Intake


def test_an_answer_at_the_limit_is_whole_and_a_byte_more_is_refused_with_who_and_how_much() -> None:
    intake = Intake("oslo", "an answer", 5_000)
    for piece in (b"a" * 2_000, b"", b"b" * 3_000):
        intake.add(piece)
    with pytest.raises(TooMuchError) as found:
        intake.add(b"c")
    assert found.value.message == "oslo: an answer is longer than 5.0 kB. The rest was not read."
    assert intake.whole() == b"a" * 2_000 + b"b" * 3_000


def test_what_many_hold_counts_together_until_it_is_given_back() -> None:
    allowance = Allowance("oslo", 100)
    allowance.take(60, "one")
    with pytest.raises(TooMuchError, match="oslo: two is longer"):
        allowance.take(41, "two")
    allowance.take(40, "two")
    allowance.give_back(60)
    allowance.take(60, "three")
    with pytest.raises(TooMuchError):
        allowance.take(1, "four")

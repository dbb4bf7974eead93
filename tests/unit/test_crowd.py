from __future__ import annotations

import pytest

from core.crowd import Asking, why_wait

NOBODY = Asking()


@pytest.mark.parametrize(
    ("own", "everybody", "why"),
    [
        (Asking(2, 2), Asking(9, 99), None),
        (Asking(3, 3), Asking(3, 3), "3 things that you asked for are under way"),
        (Asking(0, 19), Asking(0, 19), None),
        (Asking(0, 20), Asking(0, 20), "you have asked for 20 things of late"),
        (NOBODY, Asking(10, 10), "many people ask for something just now"),
        (NOBODY, Asking(0, 100), "many people ask for something just now"),
    ],
)
def test_who_has_no_role_waits_for_what_they_and_all_like_them_asked_for(
    own: Asking, everybody: Asking, why: str | None
) -> None:
    assert why_wait(own, everybody, has_role=False) == why


@pytest.mark.parametrize(
    ("own", "why"),
    [
        (Asking(0, 0), None),
        (Asking(9, 1000), None),
        (Asking(10, 10), "10 things that you asked for are under way"),
    ],
)
def test_who_has_a_role_waits_for_nobody_but_themselves(own: Asking, why: str | None) -> None:
    assert why_wait(own, Asking(1000, 1000), has_role=True) == why

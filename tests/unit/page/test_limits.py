"""Just at a limit, one beside it, and what lacks something: what the status pages say."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from core.monitor.detection import TargetState
from core.monitor.state import StateTally
from core.page.days import days_of
from core.page.events import work_of_plan
from core.page.html import page_html
from core.page.model import INCIDENTS, SITES, Page, PageTarget
from core.page.redaction import Redaction
from core.plan.plan import Move

if TYPE_CHECKING:
    from core.fleet import Fleet
    from core.plan.plan import Plan

NOW = datetime(2026, 6, 14, 13, 2, 7, tzinfo=UTC)
SECOND = timedelta(seconds=1)
HOUR = timedelta(hours=1)
GAP = 65 * SECOND


def seconds(*stretches: tuple[str, datetime, datetime]) -> tuple[float, float, float]:
    """Return how long it was up, up in part and down on the last of two days."""
    *_, today = days_of(stretches, "UTC", NOW, GAP, 2)
    return today.up_s, today.degraded_s, today.down_s


def test_between_two_looks_just_the_gap_apart_nothing_was_missed() -> None:
    up, down = ("up", NOW - HOUR, NOW - HOUR), NOW - HOUR
    assert seconds(up, ("down", down + GAP, down + GAP)) == (65, 0, 0)
    assert seconds(up, ("down", down + GAP + SECOND, down + GAP + SECOND)) == (0, 0, 0)
    assert seconds(up, ("up", down, down)) == (0, 0, 0)


def test_one_look_holds_until_the_next_one() -> None:
    begun = NOW - HOUR
    looks = [
        ("up", begun, begun),
        ("down", begun + 60 * SECOND, begun + 60 * SECOND),
        ("degraded", begun + 100 * SECOND, begun + 110 * SECOND),
    ]
    assert seconds(*looks) == (60, 10, 40)


def test_a_stretch_over_midnight_is_of_both_days() -> None:
    midnight = datetime(2026, 6, 14, tzinfo=UTC)
    before, today = days_of([("down", midnight - HOUR, midnight + 2 * HOUR)], "UTC", NOW, GAP, 2)
    assert (before.down_s, today.down_s) == (3600, 7200)
    assert (before.length_s, today.length_s) == (86_400, 46_927)
    (alone,) = days_of([("down", midnight - HOUR, midnight)], "UTC", NOW, GAP, 1)
    assert alone.down_s == 0


def test_three_servers_are_named_and_of_four_one_is_counted(plan: Plan, fleet: Fleet) -> None:
    moves = tuple(Move(f"s{n}", f"from{n}", f"to{n}") for n in range(4))
    for number, way in (
        (3, "from from0, from1, from2 to to0, to1, to2"),
        (4, "from from0, from1, from2 and 1 more to to0, to1, to2 and 1 more"),
    ):
        said = work_of_plan(replace(plan, moves=moves[:number]), NOW, fleet, Redaction())
        assert said is not None
        assert said.what == f"Moving {number} sites {way}"


PAGE = Page(
    "Garden", "UTC", NOW, timedelta(minutes=10), (), (PageTarget("garden", "uk", TargetState.UP),), StateTally(up=1),
    StateTally(),
)  # fmt: skip


def test_a_page_names_120_sites_and_50_incidents() -> None:
    assert (SITES, INCIDENTS) == (120, 50)


def test_a_fleet_without_name_servers_says_nothing_of_them() -> None:
    assert "Name servers" not in page_html(PAGE)
    assert "Name servers: 1 of 1 ok." in page_html(replace(PAGE, nameservers=StateTally(up=1)))


def test_what_was_made_already_stands_in_the_page_as_it_was_made() -> None:
    said = page_html(PAGE, "<p>made before</p>")
    assert "<p>made before</p>" in said
    assert "<h2>Sites</h2>" not in said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[abc] at [12:30]", "[abc] at [12:30]"),
        ("[::1]:80, ::1. and 1:2", "…, …. and 1:2"),
        ("999 of 1.2.3.4:5", "999 of …"),
    ],
)
def test_only_an_address_is_left_out_for_being_one(text: str, said: str) -> None:
    assert Redaction().written(text) == said

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from core.fleet import ApprovalPolicy, SlackAccess, Watch
from core.fleet.changed import changed_in_words, changed_sections, digests

if TYPE_CHECKING:
    from core.fleet import Fleet

SLACK = SlackAccess("C1", operators=("U1",), approvers=("U2",))


@pytest.mark.parametrize(
    "people",
    [
        replace(SLACK, operators=("U1", "U3")),
        replace(SLACK, approvers=()),
        replace(SLACK, terminal={"root": "U1"}),
        replace(SLACK, guests=("U9",)),
        replace(SLACK, second_factor="/keys/totp"),
    ],
)
def test_people_are_no_reason_to_start_again(fleet: Fleet, people: SlackAccess) -> None:
    then = digests(replace(fleet, slack=SLACK))
    now = replace(fleet, slack=people, approval=ApprovalPolicy(2))
    assert changed_sections(digests(now), then) == ()


def test_everything_else_is_named_by_its_section(fleet: Fleet) -> None:
    then = digests(replace(fleet, slack=SLACK))
    now = replace(fleet, slack=replace(SLACK, ops_channel="C2"), watch=Watch(every=timedelta(minutes=7)))
    assert changed_sections(digests(now), then) == ("slack", "watch")
    assert changed_in_words(("slack", "watch")) == (
        "app.yaml has changed since the bot was started (slack, watch): only its people count already"
    )
    assert changed_sections(digests(fleet), then) == ("slack",)


def test_a_section_that_an_older_bot_did_not_know_is_passed_over(fleet: Fleet) -> None:
    then = {"name": digests(fleet)["name"]}
    assert changed_sections(digests(fleet), then) == ()

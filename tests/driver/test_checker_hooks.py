"""The checker finds hooks that ran too often or on no record, and sites that stay frozen."""

from __future__ import annotations

from dataclasses import replace

import pytest
from driver.checker import whats_wrong
from driver.story import Story, with_plans


@pytest.fixture
def story() -> Story:
    """Tell of a move whose freeze was begun by two owners, one after the other, and of a sync; each with its hooks."""
    story = with_plans()
    for _ in range(2):
        story.entry("step.begun", "WAIT", steps=["freeze shop", "freeze blog"])
        story.hooked("freeze", "shop")
        story.hooked("freeze", "blog")
    story.entry("step.begun", "WAIT", steps=["thaw shop"])
    story.hooked("thaw", "shop")
    story.entry("sync.begun", "blog")
    story.hooked("before_sync", "blog")
    return story


def test_hooks_that_ran_once_for_each_who_began_their_step_are_let_pass(story: Story) -> None:
    assert whats_wrong(story.seen()) == ()


@pytest.mark.parametrize(("moment", "site"), [("freeze", "blog"), ("thaw", "shop"), ("before_sync", "blog")])
def test_a_hook_that_is_run_once_more_is_found(story: Story, moment: str, site: str) -> None:
    story.hooked(moment, site)
    told = f"the {moment} hook of {site} ran once more than anybody had begun to run it"
    assert whats_wrong(story.seen()) == (told,)


def test_a_hook_without_its_step_is_found(story: Story) -> None:
    story.hooked("thaw", "blog")
    assert whats_wrong(story.seen()) == ("the thaw hook of blog ran once more than anybody had begun to run it",)


@pytest.mark.parametrize(("ran", "right"), [(0, False), (1, False), (2, True), (3, False)])
def test_a_hook_that_a_server_ran_more_or_less_often_than_is_on_record_is_found(
    story: Story, ran: int, *, right: bool
) -> None:
    story.ran["freeze", "shop"] = ran
    told = f"the freeze hook of shop ran {ran} times, and by the record 2 to 2"
    assert whats_wrong(story.seen()) == (() if right else (told,))


@pytest.mark.parametrize("ran", [2, 3])
def test_a_hook_of_which_nobody_knows_whether_it_ran_may_have_or_not(story: Story, ran: int) -> None:
    story.entry("step.begun", "WAIT", steps=["freeze shop"])
    story.entry("hook.begun", "shop", moment="freeze")
    story.ran["freeze", "shop"] = ran
    assert whats_wrong(story.seen()) == ()


def test_a_site_that_stays_frozen_is_found_unless_thawing_failed(story: Story) -> None:
    both = frozenset({"shop", "blog"})
    told = ("blog is frozen, and nobody thaws it", "shop is frozen, and nobody thaws it")
    assert whats_wrong(replace(story.seen(), frozen=both)) == told
    story.entry("step.begun", "WAIT", steps=["thaw shop"])
    story.hooked("thaw", "shop", ended="failed", runs=0)
    assert whats_wrong(replace(story.seen(), frozen=both)) == told[:1]


def test_what_a_lost_store_has_frozen_is_told_by_the_plan_that_was_lost_track_of(story: Story) -> None:
    story.ended("WAIT", "lost", "Lost track of plan WAIT")
    assert whats_wrong(replace(story.seen(), frozen=frozenset({"blog"}))) == ()

"""The checker finds each thing that must not be, and nothing in a story in which all is well."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from driver.checker import whats_wrong
from driver.story import Story, with_plans

if TYPE_CHECKING:
    from driver.history import Seen


@pytest.fixture
def story() -> Story:
    """Tell of plans that ended in different ways."""
    return with_plans()


def test_a_story_in_which_all_is_well_is_let_pass(story: Story) -> None:
    story.write("shop", "south", 6)
    story.write("shop", "north", 6)
    story.moved("BACK", "shop", to="north", kind="rollback")
    story.ended("DONE", "rolled back", "Rolled back: failover")
    assert whats_wrong(replace(story.seen(), by_hand={"blog.test": 0})) == ()


def test_an_entry_that_was_changed_is_found(story: Story) -> None:
    seen = story.seen()
    other = replace(seen.record[2], who="nobody")
    wrong = replace(seen, record=(*seen.record[:2], other, *seen.record[3:]))
    assert whats_wrong(wrong) == ("the record is broken at entry 3",)


@pytest.mark.parametrize("rose", [0, 2])
def test_a_serial_that_rose_not_at_all_or_once_more_is_found(story: Story, rose: int) -> None:
    story.rose["blog.test"] = rose
    told = f"the serial of blog.test rose by {rose}, and by the record it should have by 1 to 1"
    assert whats_wrong(story.seen()) == (told,)


def test_what_was_changed_by_hand_counts_for_its_own_zone(story: Story) -> None:
    story.rose["blog.test"] += 1
    assert whats_wrong(replace(story.seen(), by_hand={"blog.test": 1})) == ()
    assert len(whats_wrong(replace(story.seen(), by_hand={"shop.test": 1}))) == 2


@pytest.mark.parametrize(("rose", "wrong"), [(1, 0), (2, 0), (3, 1)])
def test_where_nobody_knows_whether_a_zone_changed_both_are_right(story: Story, rose: int, wrong: int) -> None:
    story.made("HALF", "blog", to="north")
    story.entry("plan.approved", "HALF")
    story.updated("HALF", "blog", outcome="unknown")
    story.ended("HALF", "partial", "Done in part: 0 of 1 zone changed")
    story.rose["blog.test"] = rose
    assert len(whats_wrong(story.seen())) == wrong


def test_a_zone_that_one_plan_changed_twice_is_found(story: Story) -> None:
    story.made("TWIN", "shop", to="north")
    story.entry("plan.approved", "TWIN")
    story.updated("TWIN", "shop", "north")
    story.updated("TWIN", "shop", "north")
    story.ended("TWIN", "confirmed", "Done: moved")
    assert "plan TWIN has changed update shop.test@192.0.2.53:53 2 times" in whats_wrong(story.seen())


def test_a_plan_that_is_confirmed_with_a_zone_unchanged_is_found(story: Story) -> None:
    story.made("LESS", "shop", "blog", to="north")
    story.entry("plan.approved", "LESS")
    story.updated("LESS", "shop", "north")
    story.ended("LESS", "confirmed", "Done: moved")
    assert whats_wrong(story.seen()) == ("plan LESS is plan.confirmed with 1 of 2 zones changed",)


def test_a_plan_that_changed_a_zone_after_it_was_cancelled_is_found(story: Story) -> None:
    story.entry("plan.approved", "GONE")
    story.updated("GONE", "shop", "north")
    assert whats_wrong(story.seen()) == (
        "plan GONE was given up (plan.cancelled) and carried out (update shop.test@192.0.2.53:53)",
        "plan GONE went on after its end",
    )


def test_a_plan_that_was_cancelled_after_it_was_carried_out_is_found(story: Story) -> None:
    story.ended("DONE", "cancelled", "Cancelled: failover")
    assert whats_wrong(story.seen()) == ("plan DONE was given up (plan.cancelled) and carried out (plan.confirmed)",)


def test_a_plan_that_was_carried_out_and_not_approved_is_found(story: Story) -> None:
    story.updated("WAIT", "blog", "north")
    story.ended("WAIT", "confirmed", "Done: moved")
    assert whats_wrong(story.seen()) == ("plan WAIT was carried out and never approved",)


def test_a_plan_that_ended_alike_twice_is_found(story: Story) -> None:
    story.ended("DONE", "confirmed", "Done: moved")
    assert whats_wrong(story.seen()) == ("plan DONE is plan.confirmed 2 times",)


def test_a_card_that_still_says_moving_is_found(story: Story) -> None:
    story.cards["DONE"] = "Moving 2 sites"
    assert whats_wrong(story.seen()) == ("plan DONE is plan.confirmed, and its card says 'Moving 2 sites'",)


def test_a_name_server_that_names_another_server_is_found(story: Story) -> None:
    answers = {"shop": {"ns1": "south", "ns2": "north"}, "blog": {"ns1": "south", "ns2": "south"}}
    told = "name servers differ about shop: {'ns1': 'south', 'ns2': 'north'}"
    assert whats_wrong(replace(story.seen(), answers=answers)) == (told,)


def test_an_active_server_that_dns_does_not_name_is_found(story: Story) -> None:
    seen = replace(story.seen(), active={"shop": "south"})
    told = "DNS sends visitors of blog to south, and the store says north"
    assert whats_wrong(seen) == (told,)
    left = replace(seen, quarantined=frozenset({("blog", "north")}))
    assert whats_wrong(left) == (told, "the copy of blog on north is quarantined, and nobody was told")
    assert whats_wrong(replace(left, told=frozenset({("blog", "north")}))) == ()


def test_a_served_copy_that_is_quarantined_is_found(story: Story) -> None:
    story.quarantined.add(("shop", "south"))
    assert whats_wrong(story.seen()) == ("the copy of shop on south is served and quarantined",)


def put_back(story: Story, entries: int) -> Seen:
    """Have a copy of the store with so many entries take its place; return what was seen until then."""
    seen = replace(story.seen(), past=tuple(story.record), known=entries)
    del story.record[entries:], story.looks[:]
    story.look()
    return seen


def test_a_plan_that_a_restored_store_carries_out_again_is_found(story: Story) -> None:
    story.entry("plan.approved", "WAIT")
    copied = len(story.record)
    story.updated("WAIT", "blog", "north")
    story.ended("WAIT", "confirmed", "Done: moved")
    before = put_back(story, copied)
    story.ended("WAIT", "lost", "Lost track of plan WAIT")
    assert whats_wrong(replace(story.seen(), past=before.past, known=copied)) == ()
    story.updated("WAIT", "blog", "north")
    story.ended("WAIT", "confirmed", "Done: moved")
    wrong = whats_wrong(replace(story.seen(), past=before.past, known=copied))
    assert "plan WAIT has changed update blog.test@192.0.2.53:53 2 times" in wrong


def test_a_card_that_says_that_nothing_changed_of_what_a_lost_store_has_done_is_found(story: Story) -> None:
    copied = len(story.record)
    put_back(story, copied)
    story.ended("WAIT", "lost", "Nothing changed: plan WAIT no longer fits")
    told = "plan WAIT is plan.lost, and its card says 'Nothing changed: plan WAIT no longer fits'"
    assert whats_wrong(story.seen()) == (told,)


@pytest.mark.parametrize("kind", ["plan.made", "step.begun", "sync.begun", "hook.begun", "keep.begun"])
def test_what_is_done_with_a_store_that_went_back_before_anybody_accepted_it_is_found(story: Story, kind: str) -> None:
    number = len(story.record)
    story.entry("store.doubted", "store")
    story.entry("quarantine.begun", "blog", server="north", why="it was so")
    story.entry("store.accepted", "store")
    story.entry("backup.begun", "blog")
    assert whats_wrong(replace(story.seen(), has_to_ask=(number,))) == ()
    forged = with_plans()
    forged.entry("store.doubted", "store")
    forged.entry(kind, "other", moment="freeze", steps=["hold"], plan={"kind": "failover", "planned": True})
    forged.entry("store.accepted", "store")
    wrong = whats_wrong(replace(forged.seen(), has_to_ask=(number,)))
    assert f"the store went back, and {kind} of other came before anybody accepted it" in wrong


def test_a_claim_that_nobody_gives_back_is_found(story: Story) -> None:
    assert whats_wrong(replace(story.seen(), works=("site:shop (a cutover)",))) == (
        "somebody still works on site:shop (a cutover)",
    )

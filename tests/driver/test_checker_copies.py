"""The checker finds copies that got older, restores that were not approved, and what was lost."""

from __future__ import annotations

from dataclasses import replace

import pytest
from driver.checker import whats_wrong
from driver.story import Story, with_plans


@pytest.fixture
def story() -> Story:
    """Tell of plans that ended in different ways; both sites are served from the south since."""
    return with_plans()


def test_a_served_copy_that_is_older_than_it_was_is_found_whoever_chose_it(story: Story) -> None:
    story.write("shop", "south", 4, "shop")
    assert whats_wrong(story.seen()) == ("the copy of shop on south is served and went from 5 to 4",)


def test_a_copy_that_is_older_than_it_was_is_found_unless_somebody_chose_that(story: Story) -> None:
    story.write("shop", "north", 4, "shop")
    assert whats_wrong(story.seen()) == ()
    story.write("shop", "north", 3, "blog")
    assert whats_wrong(story.seen()) == ("the copy of shop on north nobody has chosen, and went from 4 to 3",)


@pytest.mark.parametrize("planned", [True, False])
def test_a_planned_move_that_leaves_newer_behind_is_found_and_an_emergency_may(story: Story, *, planned: bool) -> None:
    story.write("blog", "south", 7)
    story.moved("LATE", "blog", to="north", planned=planned)
    told = ("plan LATE moved blog to a copy of 5, where 7 was served",)
    assert whats_wrong(story.seen()) == (told if planned else ())


def test_what_a_planned_move_leaves_behind_may_be_quarantined(story: Story) -> None:
    story.write("blog", "south", 7)
    story.made("LATE", "blog", to="north")
    story.entry("plan.approved", "LATE")
    story.updated("LATE", "blog", "north")
    story.entry("quarantine.begun", "blog", server="south", why="it could not be brought over")
    story.ended("LATE", "confirmed", "Done: moved, but not all else went well")
    left = frozenset({("blog", "south")})
    assert whats_wrong(replace(story.seen(), quarantined=left, told=left)) == ()


def test_a_planned_move_that_leaves_a_file_behind_is_found(story: Story) -> None:
    story.notes["blog", "south"].add("order")
    story.look()
    story.moved("LATE", "blog", to="north")
    assert whats_wrong(story.seen()) == ("plan LATE moved blog to a copy without order",)


@pytest.mark.parametrize("server", ["south", "north"])
def test_what_is_restored_may_be_older_and_is_found_where_it_is_not_what_was_approved(
    story: Story, server: str
) -> None:
    story.restored("BACK", "shop", server, 3, approved=3)
    assert whats_wrong(story.seen()) == ()
    story.restored("MORE", "shop", server, 2, approved=1)
    assert f"plan MORE restored 1 of shop on {server}, and 2 is there" in whats_wrong(story.seen())


def test_what_was_written_or_copied_since_a_restore_is_no_other_restore(story: Story) -> None:
    story.restored("BACK", "shop", "south", 3, approved=3)
    story.made("MORE", "blog")
    seen = story.seen()
    *looks, last = seen.looks
    newer = replace(last, versions={**last.versions, ("shop", "south"): 8})
    assert whats_wrong(replace(seen, looks=(*looks, newer))) == (
        "plan BACK restored 3 of shop on south, and 8 is there",
    )
    written = replace(newer, written=frozenset({("shop", "south")}))
    assert whats_wrong(replace(seen, looks=(*looks, written))) == ()


def test_what_was_restored_where_it_is_served_goes_on_to_the_mirror_and_to_no_other_site(story: Story) -> None:
    story.restored("BACK", "shop", "south", 3, approved=3)
    story.write("shop", "north", 3)
    assert whats_wrong(story.seen()) == ()
    story.write("blog", "north", 3)
    assert whats_wrong(story.seen()) == ("the copy of blog on north nobody has chosen, and went from 5 to 3",)


def test_a_file_that_is_neither_in_a_copy_nor_kept_aside_is_found(story: Story) -> None:
    notes = {"shop": frozenset({"order", "old"}), "blog": frozenset({"old"})}
    assert whats_wrong(replace(story.seen(), notes=notes, anywhere=notes)) == ()
    kept = {"shop": frozenset({"old"}), "blog": frozenset({"old"})}
    assert whats_wrong(replace(story.seen(), notes=notes, anywhere=kept)) == ("order of shop is nowhere any more",)


def test_a_served_copy_that_loses_a_file_is_found_unless_a_backup_was_restored_over_it(story: Story) -> None:
    story.notes["shop", "north"].clear()
    story.look()
    assert whats_wrong(story.seen()) == ()
    story.notes["shop", "south"].clear()
    story.restored("BACK", "shop", "south", 5, approved=5)
    assert whats_wrong(story.seen()) == ()
    story.notes["blog", "south"].clear()
    story.look()
    assert whats_wrong(story.seen()) == ("the copy of blog on south is served and has lost old",)


@pytest.mark.parametrize("came", [True, False])
def test_what_was_chosen_to_be_kept_and_has_not_come_is_found(story: Story, *, came: bool) -> None:
    story.notes["shop", "north"].add("order")
    story.look()
    run = {"run": "r1", "returned": "north", "server": "south"}
    story.entry("keep.begun", "blog", run="r0", returned="north", server="south")
    story.entry("keep.begun", "shop", **run)
    if came:
        story.notes["shop", "south"].add("order")
    story.entry("keep.ended", "shop", **run)
    story.look()
    told = ("order of shop was chosen from north, and is not on south",)
    assert whats_wrong(story.seen()) == (() if came else told)


def test_a_quarantined_copy_that_somebody_touches_is_found_unless_it_was_chosen_or_written_to(story: Story) -> None:
    copy = "shop", "north"
    story.quarantined.add(copy)
    story.look()
    story.write(*copy, 6, "shop")
    story.written.add(copy)
    story.write(*copy, 7)
    assert whats_wrong(story.seen()) == ()
    story.write(*copy, 8)
    assert whats_wrong(story.seen()) == ("the copy of shop on north is quarantined, and is no longer what it was",)

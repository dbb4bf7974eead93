"""The checker finds each thing that must not be, and nothing in a story in which all is well."""

from __future__ import annotations

from dataclasses import replace

import pytest
from driver.checker import Look, Seen, whats_wrong

from core.audit import FIRST, Entry, entry_hash

AT = "2026-06-14T13:02:07.000000+00:00"
ZONES = {"shop": "shop.test", "blog": "blog.test"}


class Story:
    """Tells what happens to two sites that live in the north, and what is seen of it."""

    def __init__(self) -> None:
        self.record: list[Entry] = []
        self.looks: list[Look] = []
        self.served = {"shop": "north", "blog": "north"}
        self.versions = {(site, server): 5 for site in ("shop", "blog") for server in ("north", "south")}
        self.cards: dict[str, str] = {}
        self.rose = {"shop.test": 0, "blog.test": 0}
        self.look()

    def entry(self, kind: str, subject: str, **body: object) -> None:
        before = self.record[-1].hash if self.record else FIRST
        digest = entry_hash(before, AT, kind, subject, "boss", body)
        self.record.append(Entry(len(self.record) + 1, AT, kind, subject, "boss", body, before, digest))

    def look(self, *choosing: str) -> None:
        self.looks.append(Look(len(self.record), dict(self.served), dict(self.versions), frozenset(choosing)))

    def write(self, site: str, server: str, version: int, *choosing: str) -> None:
        self.versions[site, server] = version
        self.look(*choosing)

    def made(self, plan: str, *sites: str, to: str = "south", kind: str = "failover", planned: bool = True) -> None:
        moves = [{"site": site, "source": self.served[site], "target": to} for site in sites]
        zones = [{"zone": ZONES[site]} for site in sites]
        self.entry("plan.made", plan, plan={"kind": kind, "planned": planned, "moves": moves, "zones": zones})
        self.cards[plan] = "Move?"

    def updated(self, plan: str, site: str, to: str = "south", outcome: str = "done") -> None:
        step = f"update {ZONES[site]}@192.0.2.53:53"
        self.entry("step.begun", plan, steps=[step])
        if outcome == "done":
            self.served[site] = to
            self.rose[ZONES[site]] += 1
        self.look()
        self.entry("step.ended", plan, steps=[{"step": step, "outcome": outcome, "detail": "…"}])

    def ended(self, plan: str, how: str, card: str) -> None:
        self.entry(f"plan.{how}", plan, why="")
        self.cards[plan] = card
        self.look()

    def moved(self, plan: str, *sites: str, to: str = "south", kind: str = "failover", planned: bool = True) -> None:
        """Tell of a whole cutover."""
        self.made(plan, *sites, to=to, kind=kind, planned=planned)
        self.entry("plan.approved", plan)
        for site in sites:
            self.updated(plan, site, to)
        self.ended(plan, "confirmed", "Done: moved")

    def seen(self) -> Seen:
        return Seen(
            homes={"shop": "north", "blog": "north"},
            record=tuple(self.record),
            looks=tuple(self.looks),
            rose=self.rose,
            answers={site: dict.fromkeys(("ns1", "ns2"), server) for site, server in self.served.items()},
            active=dict(self.served),
            cards=self.cards,
        )


@pytest.fixture
def story() -> Story:
    """Tell of one plan that was carried out, one that was cancelled and one that waits; each has its like in others."""
    story = Story()
    story.moved("DONE", "shop", "blog")
    story.made("GONE", "shop", to="north")
    story.ended("GONE", "cancelled", "Cancelled: failover")
    story.made("WAIT", "blog", to="north")
    return story


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
    both = frozenset({("shop", "south")})
    told = "the copy of shop on south is served and quarantined"
    assert whats_wrong(replace(story.seen(), quarantined=both, told=both)) == (told,)


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


def test_a_plan_that_a_restored_store_carries_out_again_is_found(story: Story) -> None:
    entries = len(story.record)
    story.entry("plan.approved", "WAIT")
    story.updated("WAIT", "blog", "north")
    story.ended("WAIT", "confirmed", "Done: moved")
    lost = tuple(story.record[entries:])
    del story.record[entries:], story.looks[:]
    story.look()
    story.cards["WAIT"] = "Move?"
    assert whats_wrong(replace(story.seen(), lost=lost)) == ()
    story.entry("plan.approved", "WAIT")
    story.updated("WAIT", "blog", "north")
    story.ended("WAIT", "confirmed", "Done: moved")
    wrong = whats_wrong(replace(story.seen(), lost=lost))
    assert "plan WAIT has changed update blog.test@192.0.2.53:53 2 times" in wrong


def test_a_claim_that_nobody_gives_back_is_found(story: Story) -> None:
    assert whats_wrong(replace(story.seen(), works=("site:shop (a cutover)",))) == (
        "somebody still works on site:shop (a cutover)",
    )

"""What the alert says: the whole fact in its title, and buttons only where they help."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.outages import outage_of

from core.fleet import Site
from core.fleet.target import Target
from core.incident.card import card_of
from core.incident.facts import (
    OutageEnd,
    OutageFacts,
    Takeover,
    facts_from_json,
    facts_to_json,
    takeover,
    with_takeovers,
)
from core.incident.notes import Annotation
from core.incident.targets import subject_of
from core.reply import Button, Table, Text, Tone, Typed

if TYPE_CHECKING:
    from core.reply import Reply

NOW = datetime(2026, 6, 14, 13, 2, 30, tzinfo=UTC)
ZONE = "Europe/London"
BEGAN = NOW - timedelta(seconds=23)


TWELVE = OutageFacts(
    why="SSH: connection refused",
    seen_from=("us",),
    affected=12,
    at_first=12,
    sites=("garden", "roses"),
    ready={"us": 12},
    oldest_good_at=NOW - timedelta(hours=3),
)


def draw(facts: OutageFacts, target: str = "server:uk", **more: Any) -> Reply:  # noqa: ANN401 - fields of Outage
    return card_of([outage_of(target, facts, **{"opened_at": BEGAN, **more})], ZONE, NOW)


def closed(facts: OutageFacts, target: str = "server:uk") -> Reply:
    return draw(facts, target, closed_at=NOW + timedelta(minutes=5, seconds=49))


def lines(reply: Reply) -> list[str]:
    return [part.text for part in reply.parts if isinstance(part, Text)]


def labels(reply: Reply) -> list[str]:
    return [button.label for button in reply.buttons]


def test_the_title_carries_the_whole_fact() -> None:
    assert draw(TWELVE).title == (
        "uk is down since 14:02:07 BST, seen from 2 places: 12 sites affected, us ready, copies up to 3 h old"
    )


def test_it_says_which_looks_found_it_and_who_agrees() -> None:
    assert lines(draw(TWELVE))[:2] == ["From here: SSH: connection refused.", "us cannot reach it either."]


def test_sites_without_a_mirror_a_mirror_that_is_down_and_copies_never_made_are_counted() -> None:
    facts = replace(TWELVE, ready={"us": 7, "de": 2}, without_mirror=1, exceptions=("shop",), waiting=2, never_copied=3)
    reply = draw(facts)
    assert reply.title.endswith(
        "12 sites affected, us ready for 7, de ready for 2, copies up to 3 h old, 3 never copied, "
        "2 sites with no mirror up, 1 site has no mirror"
    )
    assert "No server keeps a copy: shop. `backup list` shows what is off-site." in lines(reply)


def test_one_place_only_is_said() -> None:
    assert "seen from one place only" in draw(replace(TWELVE, seen_from=())).title


def test_a_server_without_sites_offers_no_failover() -> None:
    reply = draw(OutageFacts())
    assert reply.title.endswith("no site is served from it")
    assert labels(reply) == ["Acknowledge"]


def test_after_the_failover_it_says_so_and_offers_none() -> None:
    reply = draw(replace(TWELVE, affected=0, sites=(), ready={}, oldest_good_at=None))
    assert reply.title.endswith("its 12 sites are served from elsewhere now")
    assert labels(reply) == ["Acknowledge"]


def test_after_a_failover_of_some_it_counts_both() -> None:
    reply = draw(replace(TWELVE, affected=1, sites=("shop",), ready={}, without_mirror=1, oldest_good_at=None))
    assert reply.title.endswith("1 site affected, 11 served from elsewhere now, 1 site has no mirror")


def test_buttons_type_the_lines_a_person_would() -> None:
    assert draw(TWELVE).buttons == (
        Button("Prepare failover", "failover uk", weight="primary"),
        Button("Acknowledge", "ack 7"),
    )


def test_a_name_with_shell_characters_is_quoted_in_the_line() -> None:
    assert draw(TWELVE, "server:a b;c").buttons[0].line == "failover 'a b;c'"


def test_failing_sites_are_named_and_moved_by_name_while_they_are_few() -> None:
    facts = OutageFacts(
        why="status 500", affected=2, at_first=2, sites=("garden", "o'shop"), ready={"us": 1}, without_mirror=1
    )
    reply = draw(replace(facts, exceptions=("o'shop",)), "sites:uk")
    assert reply.title == (
        "2 sites on uk are failing since 14:02:07 BST, uk itself answers: garden, o'shop; "
        "us ready for 1, 1 site has no mirror"
    )
    assert reply.buttons[0].line == "failover garden"


def test_sites_that_answer_again_are_named() -> None:
    facts = OutageFacts(affected=5, sites=("a", "b", "c", "d"), ending=OutageEnd.UP)
    assert closed(facts, "sites:uk").title == (
        "Sites on uk answer again after 6 min 12 s (14:02:07 BST to 14:08:19 BST): a, b, c and 2 more"
    )


def test_one_site_that_answers_again_is_the_subject() -> None:
    facts = OutageFacts(affected=1, at_first=1, sites=("garden",), ending=OutageEnd.UP)
    assert closed(facts, "sites:uk").title == (
        "garden on uk answers again after 6 min 12 s (14:02:07 BST to 14:08:19 BST)"
    )
    was_two = replace(facts, at_first=2)
    assert closed(was_two, "sites:uk").title == (
        "Sites on uk answer again after 6 min 12 s (14:02:07 BST to 14:08:19 BST): garden"
    )


def test_a_copy_from_the_future_is_not_called_fresh() -> None:
    ahead = draw(replace(TWELVE, oldest_good_at=NOW + timedelta(hours=2)))
    assert ahead.title.endswith("12 sites affected, us ready, copies of unknown age")
    assert "The oldest copy that would serve was made 2 h in the future, if no clock was put back." in lines(ahead)


def test_one_failing_site_has_one_copy() -> None:
    facts = OutageFacts(affected=1, at_first=1, sites=("a",), ready={"us": 1}, oldest_good_at=NOW - timedelta(hours=2))
    assert draw(facts, "sites:uk").title == (
        "1 site on uk is failing since 14:02:07 BST, uk itself answers: a; us ready, copy 2 h old"
    )


def test_many_failing_sites_are_moved_with_their_server() -> None:
    facts = OutageFacts(affected=300, at_first=300, sites=tuple(f"s{n}" for n in range(20)), ready={"us": 300})
    reply = draw(facts, "sites:uk")
    assert reply.buttons[0].line == "failover uk"
    assert reply.title == (
        "300 sites on uk are failing since 14:02:07 BST, uk itself answers: s0, s1, s2 and 297 more; us ready"
    )


def test_a_name_server_that_has_lost_a_zone_is_lame_and_not_down() -> None:
    lame = OutageFacts(why="it does not answer for shop.example", place="Oslo", others=5, others_up=5, lame=True)
    reply = draw(lame, "nameserver:ns1")
    assert reply.title == "Name server ns1 (Oslo) is lame since 14:02:07 BST: it does not answer for shop.example"
    assert reply.tone is Tone.WARN
    assert [line for line in lines(reply) if "`dns ZONE`" in line] == lines(reply)
    over = closed(replace(lame, ending=OutageEnd.UP), "nameserver:ns1")
    assert over.title.startswith("Name server ns1 answers for all zones again after 6 min 12 s")
    outages = [
        outage_of("nameserver:ns1", lame, opened_at=BEGAN),
        outage_of("server:uk", TWELVE, opened_at=BEGAN, id=8),
    ]
    both = card_of(outages, ZONE, NOW)
    assert both.title.startswith("2 things are down or lame, the first since")
    (table,) = [part for part in both.parts if isinstance(part, Table)]
    assert [row.cells[1] for row in table.rows] == ["lame", "down"]


def test_a_name_server_says_where_it_stands_and_how_many_others_answer() -> None:
    reply = draw(OutageFacts(place="Oslo", others=5, others_up=4, seen_from=("uk", "us")), "nameserver:ns1")
    assert reply.title == (
        "Name server ns1 (Oslo) is down since 14:02:07 BST, seen from 3 places: 4 of the other 5 answer"
    )


@pytest.mark.parametrize(
    ("others", "up", "said"),
    [
        (5, 5, "the other 5 answer"),
        (1, 1, "the other one answers"),
        (1, 0, "no other answers either"),
        (0, 0, "there is no other"),
    ],
)
def test_a_name_server_that_is_down_says_what_is_left(others: int, up: int, said: str) -> None:
    title = draw(OutageFacts(others=others, others_up=up), "nameserver:ns1").title
    assert title == f"Name server ns1 is down since 14:02:07 BST, seen from one place only: {said}"


def test_where_nothing_answers_nothing_is_called_down() -> None:
    reply = draw(OutageFacts(others=8), "link:bot")
    assert "so nothing is called down" in reply.title
    assert reply.tone is Tone.WARN


def test_an_acknowledged_outage_says_by_whom_and_asks_nobody_else() -> None:
    reply = draw(TWELVE, acked_by="slack:U1", acked_at=NOW)
    assert "Acknowledged by slack:U1, 14:02:30 BST." in lines(reply)
    assert labels(reply) == ["Prepare failover", "Add cause"]
    assert reply.buttons[-1].asks == "Cause (public, shown on the status pages)"


def test_a_cause_and_notes_are_on_the_card_and_the_cause_in_its_end() -> None:
    said = (Annotation("cause", "a disk died", "slack:U1", NOW), Annotation("note", "called them", "slack:U2", NOW))
    assert lines(draw(TWELVE, annotations=said))[-2:] == [
        "Cause: a disk died (slack:U1, 14:02:30 BST)",
        "14:02:30 BST, slack:U2: called them",
    ]
    ended = draw(replace(TWELVE, ending=OutageEnd.UP), annotations=said, closed_at=NOW)
    assert ended.title == "uk is back after 23 s (14:02:07 BST to 14:02:30 BST); cause: a disk died"


def test_who_looks_after_it_is_shown_how_to_say_why_until_it_is_said() -> None:
    hint = Typed('sharpnet cause 7 "…"')
    said = (Annotation("cause", "a disk died", "slack:U1", NOW),)
    assert hint not in draw(TWELVE).parts
    assert hint in draw(TWELVE, acked_by="slack:U1", acked_at=NOW).parts
    assert hint not in draw(TWELVE, acked_by="slack:U1", acked_at=NOW, annotations=said).parts


class TestEndings:
    def test_a_recovery_says_how_long_and_has_no_buttons(self) -> None:
        reply = closed(replace(TWELVE, ending=OutageEnd.UP))
        assert reply.title == "uk is back after 6 min 12 s (14:02:07 BST to 14:08:19 BST)"
        assert reply.buttons == ()
        assert reply.tone is Tone.GOOD

    def test_after_a_failover_it_says_what_is_quarantined(self) -> None:
        reply = closed(replace(TWELVE, ending=OutageEnd.UP, quarantined=12))
        assert reply.title.endswith("; its copies of 12 sites are quarantined")
        assert "`failback uk`" in lines(reply)[0]
        assert [button.line for button in reply.buttons] == ["failback uk"]
        assert closed(replace(TWELVE, ending=OutageEnd.UP, quarantined=1)).title.endswith(
            "; its copy of 1 site is quarantined"
        )

    def test_a_recovery_in_part_says_what_lacks(self) -> None:
        reply = closed(replace(TWELVE, ending=OutageEnd.DEGRADED, ending_why="SSH: refused"))
        assert reply.title.endswith(", but not in full: SSH: refused")
        assert reply.tone is Tone.WARN

    def test_a_recovery_that_nobody_saw_is_placed_between_two_moments(self) -> None:
        facts = replace(TWELVE, ending=OutageEnd.UP, unseen_from_at=NOW, unseen_until_at=NOW + timedelta(minutes=30))
        assert closed(facts).title == (
            "uk is back: that happened between 14:02:30 BST and 14:32:30 BST, while this bot did not watch"
        )

    @pytest.mark.parametrize(
        ("target", "ending", "title"),
        [
            ("sites:uk", OutageEnd.UP, "Sites on uk answer again after 6 min 12 s (14:02:07 BST to 14:08:19 BST)"),
            ("sites:uk", OutageEnd.MOVED, "Sites on uk: what failed for 6 min 12 s is served from elsewhere now"),
            ("sites:uk", OutageEnd.JOINED, "Sites on uk: uk itself is down now, see its own message"),
            ("nameserver:ns1", OutageEnd.UP, "Name server ns1 is back after 6 min 12 s (14:02:07 BST to 14:08:19 BST)"),
            (
                "server:uk",
                OutageEnd.UNWATCHED,
                "uk: no longer in app.yaml, so no longer watched (was down for 6 min 12 s)",
            ),
            (
                "link:bot",
                OutageEnd.UP,
                (
                    "This bot sees the fleet again after 6 min 12 s (14:02:07 BST to 14:08:19 BST); "
                    "what happened meanwhile is unknown"
                ),
            ),
        ],
    )
    def test_each_kind_of_end_has_its_words(self, target: str, ending: OutageEnd, title: str) -> None:
        assert closed(OutageFacts(ending=ending), target).title == title


class TestSeveral:
    OUTAGES = (
        outage_of("server:uk", TWELVE, opened_at=BEGAN, id=1),
        outage_of("sites:us", OutageFacts(affected=2, ready={"uk": 1}), opened_at=BEGAN, id=2),
        outage_of("nameserver:ns1", OutageFacts(), opened_at=BEGAN, id=3),
    )

    def test_what_died_together_is_told_together(self) -> None:
        reply = card_of(self.OUTAGES, ZONE, NOW)
        assert reply.title == (
            "3 things are down, the first since 14:02:07 BST: uk, sites on us, name server ns1; "
            "14 sites affected, for 13 another server is ready"
        )
        assert [button.line for button in reply.buttons] == ["failover uk", "failover us", "ack 1"]
        assert labels(reply)[0] == "Prepare failover of uk"

    def test_what_is_over_already_is_told_apart(self) -> None:
        outages = (replace(self.OUTAGES[0], closed_at=NOW), self.OUTAGES[2])
        reply = card_of(outages, ZONE, NOW)
        assert reply.title == "1 of 2 are down, the first since 14:02:07 BST: name server ns1"
        table = reply.parts[0]
        assert isinstance(table, Table)
        assert [row.cells[:3] for row in table.rows] == [
            ("name server ns1", "down", "since 14:02:07 BST"),
            ("uk", "over", "23 s"),
        ]

    def test_when_all_are_over_it_says_so_and_asks_for_nothing_but_the_cause(self) -> None:
        outages = [replace(one, closed_at=NOW, acked_by="slack:U1", acked_at=NOW) for one in self.OUTAGES]
        reply = card_of(outages, ZONE, NOW)
        assert reply.title == "All 3 things that were down are over; the longest took 23 s"
        assert labels(reply) == ["Add cause"]
        assert lines(reply) == ["Acknowledged by slack:U1, 14:02:30 BST."]

    def test_a_thousand_make_a_short_card(self) -> None:
        outages = [outage_of(f"server:s{number}", TWELVE, opened_at=BEGAN, id=number) for number in range(1000)]
        reply = card_of(outages, ZONE, NOW)
        table = reply.parts[0]
        assert isinstance(table, Table)
        assert (len(table.rows), table.left_out) == (20, 980)
        assert len(reply.title) < 250
        assert len(reply.buttons) == 3


def test_subjects_are_words() -> None:
    assert [subject_of(Target.parse(target)) for target in ("server:uk", "sites:uk", "nameserver:ns1")] == [
        "uk",
        "sites on uk",
        "name server ns1",
    ]
    assert subject_of(Target("link", "bot")) == "everything, as seen from here"


class TestTakeovers:
    SITE = Site("shop", "uk", ("us", "de"), ("shop.test",), "/srv/shop")

    def test_the_first_ready_server_that_the_operator_named_takes_over(self) -> None:
        at = {"us": NOW, "de": NOW - timedelta(days=1)}
        assert takeover(self.SITE, "uk", {"us": True, "de": True}, at) == Takeover(
            "shop", "us", has_mirror=True, last_good_at=NOW
        )
        assert takeover(self.SITE, "uk", {"us": False, "de": True}, {}) == Takeover(
            "shop", "de", has_mirror=True, last_good_at=None
        )
        assert takeover(self.SITE, "uk", {}, at) == Takeover("shop", None, has_mirror=True)

    def test_a_site_served_from_its_mirror_goes_home(self) -> None:
        assert takeover(self.SITE, "us", {"uk": True, "de": True}, {}).to == "uk"

    def test_an_exception_has_nowhere_to_go(self) -> None:
        assert takeover(replace(self.SITE, mirrors=()), "uk", {"us": True}, {}) == Takeover(
            "shop", None, has_mirror=False
        )

    def test_facts_count_them(self) -> None:
        takeovers = [
            Takeover("a", "us", has_mirror=True, last_good_at=NOW),
            Takeover("b", "us", has_mirror=True, last_good_at=NOW - timedelta(hours=1)),
            Takeover("c", "de", has_mirror=True, last_good_at=None),
            Takeover("d", None, has_mirror=True),
            Takeover("e", None, has_mirror=False),
        ]
        facts = with_takeovers(OutageFacts(at_first=9, why="refused"), takeovers)
        assert facts == OutageFacts(
            why="refused",
            affected=5,
            at_first=9,
            sites=("a", "b", "c", "d", "e"),
            ready={"us": 2, "de": 1},
            without_mirror=1,
            exceptions=("e",),
            waiting=1,
            oldest_good_at=NOW - timedelta(hours=1),
            never_copied=1,
        )
        assert with_takeovers(facts, []).oldest_good_at is None


FACTS = st.builds(
    OutageFacts,
    why=st.text(),
    seen_from=st.lists(st.text()).map(tuple),
    affected=st.integers(0, 10),
    sites=st.lists(st.text()).map(tuple),
    ready=st.dictionaries(st.text(), st.integers(0, 9)),
    oldest_good_at=st.none() | st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 - the zone is given beside
    ending=st.none() | st.sampled_from(OutageEnd),
)


@given(FACTS)
def test_facts_survive_being_stored(facts: OutageFacts) -> None:
    assert facts_from_json(facts_to_json(facts)) == facts


def test_facts_of_another_release_are_read_as_far_as_they_go() -> None:
    assert facts_from_json({"affected": 3, "later": True}) == OutageFacts(affected=3)


@given(FACTS, st.sampled_from(["server:a", "sites:a", "nameserver:a", "link:bot"]), st.booleans())
def test_every_card_has_a_title_and_says_nothing_twice(facts: OutageFacts, target: str, over: bool) -> None:
    reply = draw(facts, target, closed_at=NOW if over else None)
    assert reply.title.strip()
    assert len(set(lines(reply))) == len(lines(reply))
    assert not (over and reply.buttons)

"""Planned work: what it explains, when it begins and ends, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import RefusedError, UsageError
from core.fleet.target import Target
from core.incident.card_maintenance import back_line, card_of, facts_of, list_reply, silenced_line, title_of
from core.incident.maintenance import (
    FLEET,
    LONGEST,
    Maintenance,
    Phase,
    begun,
    cancelled,
    covers,
    ended,
    extended,
    overrun,
    planned_start,
    silencing,
    why_not_plan,
)
from core.incident.notes import Annotation
from core.reply import Text, Tone

if TYPE_CHECKING:
    from collections.abc import Callable

NOW = datetime(2026, 6, 14, 13, 0, 0, tzinfo=UTC)
ZONE = "Europe/London"
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
PLANNED = Maintenance(3, Target.server("uk"), "new disks", "slack:U1", NOW - HOUR, NOW, NOW + HOUR)
RUNNING = replace(PLANNED, began_at=NOW)


@pytest.mark.parametrize(
    ("scope", "target", "machine", "explains"),
    [
        (FLEET, Target.server("uk"), None, True),
        (FLEET, Target("link", "bot"), None, True),
        (Target.server("uk"), Target.server("uk"), "uk", True),
        (Target.server("uk"), Target("sites", "uk"), None, True),
        (Target.server("uk"), Target("degraded", "uk"), None, True),
        (Target.server("uk"), Target.nameserver("ns1"), "uk", True),
        (Target.server("uk"), Target.nameserver("uk"), None, False),
        (Target.server("uk"), Target.site("uk"), None, False),
        (Target.server("uk"), Target.server("us"), "us", False),
        (Target.server("bot"), Target("link", "bot"), None, False),
        (Target.site("uk"), Target("sites", "uk"), None, False),
        (Target.site("uk"), Target.site("uk"), None, True),
        (Target.nameserver("ns1"), Target.nameserver("ns1"), "uk", True),
        (Target.nameserver("ns1"), Target.server("uk"), "uk", False),
    ],
)
def test_work_explains_what_it_is_on_and_nothing_else(
    scope: Target, target: Target, machine: str | None, explains: bool
) -> None:
    assert covers(scope, target, machine) is explains


def test_it_silences_from_its_start_until_its_planned_end() -> None:
    moments = {
        NOW - MINUTE: False,
        NOW: True,
        NOW + HOUR - MINUTE: True,
        NOW + HOUR: False,
    }
    assert {at: silencing([PLANNED], Target.server("uk"), at) is PLANNED for at in moments} == moments
    assert silencing([ended(RUNNING, "slack:U1", NOW + MINUTE)], Target.server("uk"), NOW + 2 * MINUTE) is None
    assert silencing([begun(PLANNED, NOW - MINUTE)], Target.server("uk"), NOW - MINUTE) is not None


@pytest.mark.parametrize(
    ("one", "at", "phase"),
    [
        (PLANNED, NOW - MINUTE, Phase.PLANNED),
        (PLANNED, NOW, Phase.RUNNING),
        (RUNNING, NOW + HOUR, Phase.OVERRUN),
        (replace(RUNNING, ended_at=NOW), NOW + HOUR, Phase.ENDED),
        (replace(PLANNED, cancelled_at=NOW), NOW + HOUR, Phase.CANCELLED),
    ],
)
def test_where_it_is_follows_from_its_times(one: Maintenance, at: datetime, phase: Phase) -> None:
    assert one.phase(at) is phase


STEPS: dict[str, Callable[[Maintenance, datetime], Maintenance]] = {
    "begin": begun,
    "end": lambda one, now: ended(one, "slack:U1", now),
    "cancel": lambda one, now: cancelled(one, "slack:U1", now),
    "extend": lambda one, now: extended(one, HOUR, now),
    "overrun": overrun,
}


@given(st.lists(st.tuples(st.sampled_from(sorted(STEPS)), st.integers(-120, 300)), max_size=8))
def test_whatever_is_typed_in_whatever_order_it_ends_once_and_never_before_it_began(
    steps: list[tuple[str, int]],
) -> None:
    one = PLANNED
    for step, minutes in sorted(steps, key=lambda item: item[1]):
        now = NOW + minutes * MINUTE
        before = one
        try:
            one = STEPS[step](one, now)
        except RefusedError:
            continue
        assert before.is_open or one == before
        assert one.ended_at is None or one.cancelled_at is None
        assert one.ended_at is None or (one.began_at is not None and one.began_at <= one.ended_at)
        assert one.ends_at - one.starts_at <= LONGEST
        assert one.starts_at == PLANNED.starts_at


def test_more_time_counts_from_the_planned_end_or_from_now_where_that_has_passed() -> None:
    assert extended(RUNNING, HOUR, NOW + MINUTE).ends_at == NOW + 2 * HOUR
    late = overrun(RUNNING, NOW + 2 * HOUR)
    assert extended(late, HOUR, NOW + 2 * HOUR) == replace(RUNNING, ends_at=NOW + 3 * HOUR)
    with pytest.raises(RefusedError, match="at most 30 days"):
        extended(RUNNING, LONGEST, NOW)


def test_an_overrun_is_told_once_and_only_where_there_is_one() -> None:
    assert overrun(RUNNING, NOW + MINUTE) == RUNNING
    late = overrun(PLANNED, NOW + HOUR)
    assert (late.began_at, late.overrun_at) == (NOW, NOW + HOUR)
    assert overrun(late, NOW + 2 * HOUR) == late


class TestPlanning:
    @pytest.mark.parametrize(
        ("text", "at"),
        [
            ("22:00", "2026-06-14T21:00"),
            ("9:30", "2026-06-15T08:30"),
            ("2026-06-15 09:30", "2026-06-15T08:30"),
            ("2026-06-15T09:30", "2026-06-15T08:30"),
            ("2026-06-15T09:30+00:00", "2026-06-15T09:30"),
            ("2026-06-15T09:30Z", "2026-06-15T09:30"),
        ],
    )
    def test_a_time_is_the_fleets_own_and_the_next_of_its_kind(self, text: str, at: str) -> None:
        assert planned_start(text, ZONE, NOW) == datetime.fromisoformat(at).replace(tzinfo=UTC)

    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ("tomorrow", "is no time"),
            ("25:00", "is no time"),
            ("2026-06-14T13:59", "is past"),
            ("2028-01-01", "more than 366 days off"),
            ("2027-03-28T01:30", "The clocks skip"),
        ],
    )
    def test_what_is_no_time_to_come_is_refused(self, text: str, words: str) -> None:
        with pytest.raises(UsageError, match=words):
            planned_start(text, ZONE, NOW)

    def test_a_time_that_the_clocks_skip_tonight_is_refused(self) -> None:
        with pytest.raises(UsageError, match="The clocks skip"):
            planned_start("1:30", ZONE, datetime(2027, 3, 27, 12, 0, tzinfo=UTC))

    def test_too_long_and_twice_the_same_are_refused(self) -> None:
        assert "at most 30 days" in (why_not_plan(NOW, NOW + LONGEST + MINUTE, FLEET, ()) or "")
        clash = why_not_plan(NOW + MINUTE, NOW + HOUR, Target.server("uk"), [RUNNING])
        assert clash == "M3 is planned for uk at that time already. Nothing changed."
        assert why_not_plan(NOW + HOUR, NOW + 2 * HOUR, Target.server("uk"), [RUNNING]) is None
        assert why_not_plan(NOW, NOW + HOUR, Target.server("us"), [RUNNING]) is None
        assert why_not_plan(NOW, NOW + HOUR, Target.server("uk"), [replace(RUNNING, ended_at=NOW)]) is None


class TestCard:
    @pytest.mark.parametrize(
        ("one", "at", "title", "buttons", "tone"),
        [
            (
                PLANNED,
                NOW - MINUTE,
                "Maintenance M3 of uk is planned from 14:00:00 BST for 1 h: new disks",
                ["maintenance cancel M3"],
                Tone.PLAIN,
            ),
            (
                RUNNING,
                NOW,
                "Maintenance M3 of uk until 15:00:00 BST: new disks",
                ["maintenance end M3", "maintenance extend M3 30m"],
                Tone.BUSY,
            ),
            (
                RUNNING,
                NOW + HOUR,
                "Maintenance M3 of uk was to end at 15:00:00 BST and has not been ended: alerts are on again",
                ["maintenance end M3", "maintenance extend M3 30m"],
                Tone.WARN,
            ),
            (
                ended(RUNNING, "slack:U2", NOW + 2 * HOUR),
                NOW + 2 * HOUR,
                "Maintenance M3 of uk has ended after 2 h (planned: 1 h): new disks",
                [],
                Tone.GOOD,
            ),
            (
                replace(PLANNED, cancelled_at=NOW, ended_by="slack:U2"),
                NOW,
                "Maintenance M3 of uk was cancelled: new disks",
                [],
                Tone.PLAIN,
            ),
        ],
    )
    def test_its_title_is_the_whole_fact_and_its_buttons_do_what_can_be_done(
        self, one: Maintenance, at: datetime, title: str, buttons: list[str], tone: Tone
    ) -> None:
        reply = card_of(one, ZONE, at)
        assert (reply.title, [button.line for button in reply.buttons], reply.tone) == (title, buttons, tone)

    def test_the_end_tells_what_was_planned_from_what_was(self) -> None:
        late = ended(RUNNING, "slack:U2", NOW + 2 * HOUR)
        lines = [part.text for part in card_of(late, ZONE, NOW + 2 * HOUR).parts if isinstance(part, Text)]
        assert "Planned 14:00:00 BST to 15:00:00 BST, actually 14:00:00 BST to 16:00:00 BST." in lines
        assert "Asked for by slack:U1. Ended by slack:U2." in lines

    def test_a_cause_is_in_the_title_of_the_end(self) -> None:
        said = (Annotation("cause", "a disk was too small", "slack:U1", NOW),)
        late = replace(ended(RUNNING, "slack:U2", NOW + HOUR), annotations=said)
        assert title_of(late, ZONE, NOW + HOUR).endswith("; cause: a disk was too small")

    def test_each_has_a_card_of_its_own(self) -> None:
        assert (RUNNING.card, replace(RUNNING, id=4).card) == ("maintenance:3", "maintenance:4")

    def test_its_subject_is_words(self) -> None:
        assert replace(RUNNING, scope=Target.nameserver("ns1")).subject == "name server ns1"
        whole = replace(RUNNING, scope=FLEET)
        assert whole.subject == "the whole fleet"
        lines = [part.text for part in card_of(whole, ZONE, NOW).parts if isinstance(part, Text)]
        assert lines == ["All alerts are muted until 15:00:00 BST. Asked for by slack:U1."]

    def test_thread_lines_say_since_when_and_until_when(self) -> None:
        assert silenced_line([("uk", NOW, "refused")], NOW + HOUR, ZONE, NOW) == (
            "In trouble since 14:00:00 BST: uk (refused). Alerts are muted until 15:00:00 BST"
        )
        assert silenced_line([("uk", NOW, "")], NOW + HOUR, ZONE, NOW).startswith("In trouble since 14:00:00 BST: uk. ")
        assert back_line([("uk", HOUR)]) == "Recovered after 1 h: uk"

    def test_what_is_found_together_is_one_short_line(self) -> None:
        many = [(f"s{number}", NOW - number * MINUTE, "refused") for number in range(1000)]
        assert silenced_line(many, NOW + HOUR, ZONE, NOW) == (
            "1,000 things in trouble, the first since 2026-06-13 21:21:00 BST: s0, s1, s2, s3, s4 and 995 more. "
            "Alerts are muted until 15:00:00 BST"
        )
        assert back_line([("uk", HOUR), ("us", MINUTE)]) == "2 things recovered, the last after 1 h: uk, us"

    def test_the_list_counts_what_goes_on_and_what_is_planned(self) -> None:
        assert list_reply((), ZONE, NOW).title == "No maintenance is in progress or planned"
        later = replace(PLANNED, id=4, starts_at=NOW + HOUR, ends_at=NOW + 2 * HOUR)
        reply = list_reply((RUNNING, later), ZONE, NOW)
        assert reply.title == "2 maintenances: 1 under way, 1 planned"

    def test_scripts_get_the_four_times_apart(self) -> None:
        facts = facts_of(RUNNING, NOW)
        assert [facts[key] is None for key in ("planned_start", "planned_end", "actual_start", "actual_end")] == [
            False,
            False,
            False,
            True,
        ]

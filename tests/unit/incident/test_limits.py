"""Just at a limit, one beside it, and what lacks something: incidents, maintenance, notes and messages."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from unit.outages import outage_of

from core.errors import RefusedError, UsageError
from core.fleet.target import Target
from core.incident.card import card_of
from core.incident.digest import DailyDigest, summary
from core.incident.facts import OutageEnd, OutageFacts, facts_to_json
from core.incident.maintenance import (
    FARTHEST,
    LONGEST,
    Maintenance,
    Phase,
    begun,
    cancelled,
    ended,
    extended,
    planned_start,
    why_not_plan,
)
from core.incident.notes import Annotation, annotation_parts
from core.incident.notification import is_worth_sending, retry_delay
from core.incident.report import incidents_of, maintenance_reply
from core.incident.targets import span_of
from core.reply import Table, Text, Tone

NOW = datetime(2026, 6, 14, 13, 0, 0, tzinfo=UTC)
ZONE = "Europe/London"
HOUR = timedelta(hours=1)
MOMENT = timedelta(microseconds=1)
UK = Target.server("uk")
PLANNED = Maintenance(3, UK, "new disks", "slack:U1", NOW - HOUR, NOW, NOW + HOUR)


def test_work_that_begins_when_another_ends_does_not_clash_with_it() -> None:
    assert why_not_plan(NOW - HOUR, NOW, UK, [PLANNED]) is None
    assert why_not_plan(NOW + HOUR, NOW + 2 * HOUR, UK, [PLANNED]) is None
    assert why_not_plan(NOW - HOUR, NOW + MOMENT, UK, [PLANNED]) is not None
    assert why_not_plan(NOW + HOUR - MOMENT, NOW + 2 * HOUR, UK, [PLANNED]) is not None
    assert why_not_plan(NOW, NOW + LONGEST, UK, ()) is None
    assert why_not_plan(NOW, NOW + LONGEST + MOMENT, UK, ()) is not None


@pytest.mark.parametrize("began_at", [NOW - HOUR, NOW + HOUR / 2, None])
def test_thirty_days_count_from_the_planned_start_or_from_an_earlier_real_one(began_at: datetime | None) -> None:
    one = replace(PLANNED, began_at=began_at)
    first = min(NOW, began_at or NOW)
    last = first + timedelta(days=30) - (NOW + HOUR)
    assert extended(one, last, NOW).ends_at == first + timedelta(days=30)
    with pytest.raises(RefusedError, match="at most 30 days"):
        extended(one, last + MOMENT, NOW)


def test_what_has_begun_keeps_its_beginning_and_what_is_over_has_none_any_more() -> None:
    running = begun(PLANNED, NOW)
    assert (running.began_at, begun(running, NOW + HOUR)) == (NOW, running)
    over = replace(PLANNED, cancelled_at=NOW)
    assert begun(over, NOW) == over


def test_work_that_ends_before_it_began_by_the_clock_lasted_for_nothing() -> None:
    late = replace(PLANNED, began_at=NOW + HOUR)
    assert ended(late, "slack:U1", NOW + HOUR / 2).ended_at == NOW + HOUR
    assert ended(PLANNED, "slack:U1", NOW).began_at == NOW


@pytest.mark.parametrize(
    ("at", "phase"),
    [
        (NOW - MOMENT, Phase.PLANNED),
        (NOW, Phase.RUNNING),
        (NOW + HOUR - MOMENT, Phase.RUNNING),
        (NOW + HOUR, Phase.OVERRUN),
    ],
)
def test_its_phase_changes_at_the_moment_itself(at: datetime, phase: Phase) -> None:
    assert PLANNED.phase(at) is phase


def test_work_is_planned_for_a_moment_to_come_and_no_more_than_366_days_off() -> None:
    with pytest.raises(UsageError, match="is past"):
        planned_start("2026-06-14T13:00+00:00", ZONE, NOW)
    assert planned_start("2026-06-14T13:00:01+00:00", ZONE, NOW) == NOW + timedelta(seconds=1)
    last = NOW + timedelta(days=366)
    assert (last - NOW, planned_start(last.isoformat(), ZONE, NOW)) == (FARTHEST, last)
    with pytest.raises(UsageError, match="more than 366 days off"):
        planned_start((last + timedelta(seconds=1)).isoformat(), ZONE, NOW)
    assert planned_start("14:00", ZONE, NOW) == NOW + timedelta(days=1)
    assert planned_start(" 14:00:30 ", ZONE, NOW) == NOW + timedelta(seconds=30)


def test_just_five_notes_are_all_shown_and_of_six_one_is_counted() -> None:
    notes = [Annotation("note", f"note {number}", "slack:U1", NOW) for number in range(6)]
    five, six = (annotation_parts(notes[:number], ZONE, NOW) for number in (5, 6))
    assert [part.text.rpartition(" ")[2] for part in five if isinstance(part, Text)] == ["0", "1", "2", "3", "4"]
    assert six[0] == Text("1 older note in the thread.")
    assert len(six) == 6


@pytest.mark.parametrize(
    ("tries", "waits_s"), [(1, 1), (2, 2), (3, 4), (4, 8), (9, 256), (10, 300), (21, 300), (10_000, 300)]
)
def test_a_message_is_tried_again_after_twice_as_long_up_to_five_minutes(tries: int, waits_s: int) -> None:
    assert retry_delay(tries) == timedelta(seconds=waits_s)


def test_an_alert_is_tried_for_less_than_a_day() -> None:
    assert is_worth_sending(NOW - timedelta(hours=24) + MOMENT, NOW)
    assert not is_worth_sending(NOW - timedelta(hours=24), NOW)


def test_what_is_open_and_looked_after_is_a_warning_though_nothing_waits_for_anybody() -> None:
    acked = outage_of(acked_by="slack:U1", acked_at=NOW)
    reply = summary(DailyDigest(NOW, incidents=incidents_of([acked], ())), "sharpnet", ZONE)
    assert reply is not None
    assert reply.title == "sharpnet, the last day: 1 incident (1 open), nothing needs attention"
    assert reply.tone is Tone.WARN


def test_work_that_goes_on_is_no_outage_that_somebody_has_to_look_at() -> None:
    reply = summary(DailyDigest(NOW, incidents=incidents_of((), [replace(PLANNED, began_at=NOW)])), "sharpnet", ZONE)
    assert reply is not None
    assert reply.title == "sharpnet, the last day: 1 incident (1 open), nothing needs attention"


def test_work_is_taken_back_before_it_begins_and_not_after() -> None:
    assert cancelled(PLANNED, "slack:U2", NOW - MOMENT) == replace(
        PLANNED, cancelled_at=NOW - MOMENT, ended_by="slack:U2"
    )
    with pytest.raises(RefusedError, match="M3 has started already"):
        cancelled(PLANNED, "slack:U2", NOW)


def test_what_goes_on_has_lasted_until_now() -> None:
    one = outage_of(opened_at=NOW - HOUR)
    assert span_of(one, ZONE, NOW) == "13:00:00 BST to 14:00:00 BST"
    assert span_of(replace(one, closed_at=NOW - HOUR / 2), ZONE, NOW) == "13:00:00 BST to 13:30:00 BST"


def test_an_outage_of_which_nothing_is_known_counts_nothing() -> None:
    facts = facts_to_json(OutageFacts())
    assert {name for name, value in facts.items() if value} == {"down_now"}
    assert {name: value for name, value in facts.items() if type(value) is int} == dict.fromkeys(
        ("affected", "at_first", "without_mirror", "waiting", "never_copied", "others_up", "others", "quarantined",
         "changes"), 0,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("known_at", "said"),
    [
        (NOW - HOUR, ("copy 1 h old", "copies up to 1 h old")),
        (NOW + HOUR, ("copy of unknown age", "copies of unknown age")),
    ],
)
def test_one_copy_is_one_copy(known_at: datetime, said: tuple[str, str]) -> None:
    for number in (1, 2, 3):
        facts = OutageFacts(
            affected=3, at_first=3, sites=("a", "b", "c"), ready={"us": number}, oldest_good_at=known_at
        )
        assert said[number > 1] in str(card_of([outage_of(facts=facts)], ZONE, NOW))


@pytest.mark.parametrize("known", ["unseen_from_at", "unseen_until_at"])
def test_between_which_moments_it_came_back_is_said_where_both_are_known(known: str) -> None:
    facts = OutageFacts(ending=OutageEnd.UP, **{known: NOW})  # type: ignore[arg-type]
    title = card_of([outage_of(facts=facts, closed_at=NOW)], ZONE, NOW).title
    assert "uk is back after " in title


def test_who_took_work_back_may_be_unknown() -> None:
    reply = maintenance_reply(replace(PLANNED, cancelled_at=NOW), (), ZONE, NOW)
    (table,) = [part for part in reply.parts if isinstance(part, Table)]
    assert table.rows[-1].cells[1:] == ("cancelled", "")


def test_a_server_that_is_degraded_by_nothing_that_has_a_name_is_so_itself() -> None:
    one = outage_of("degraded:uk", OutageFacts(why="something"))
    assert card_of([one], ZONE, NOW).title == "uk is degraded: something"


def test_one_server_that_is_down_among_degraded_ones_makes_the_card_a_bad_one() -> None:
    mixed = [outage_of("degraded:uk"), outage_of("server:us", id=8)]
    card = card_of(mixed, ZONE, NOW)
    assert card.title.startswith("2 things are down, the first since ")
    assert card.tone is Tone.BAD

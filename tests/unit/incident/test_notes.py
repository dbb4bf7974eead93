"""What people say of incidents: which one they mean, what is kept of it, and what the lists show."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.outages import outage_of

from core.audit import Anchor
from core.errors import UsageError
from core.fleet.target import Target
from core.incident.card import reminder
from core.incident.digest import DailyDigest, summary
from core.incident.facts import OutageFacts
from core.incident.maintenance import Maintenance
from core.incident.notes import (
    LONGEST,
    Annotation,
    annotation_parts,
    cause_of,
    id_and_text,
    incident_of_card,
    label_of,
    parse_label,
    plain_text,
    thread_line,
    with_cause,
)
from core.incident.report import ROWS, incidents_of, list_reply, maintenance_reply, outage_reply
from core.reply import Reply, Table, Text, Tone

NOW = datetime(2026, 6, 14, 13, 2, 7, tzinfo=UTC)
ZONE = "Europe/London"
WHY = Annotation("cause", "a disk died", "slack:U1", NOW)
NOTE = Annotation("note", "called them", "slack:U2", NOW)


def work(number: int = 3, **more: Any) -> Maintenance:  # noqa: ANN401 - fields of Maintenance
    start = NOW - timedelta(minutes=30)
    return Maintenance(
        number, Target.server("us"), "disks", "slack:U1", start, start, start + timedelta(hours=1), **more
    )


def texts(reply: Reply) -> list[str]:
    return [part.text for part in reply.parts if isinstance(part, Text)]


def cells(reply: Reply) -> list[tuple[str, ...]]:
    return [row.cells for part in reply.parts if isinstance(part, Table) for row in part.rows]


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("7", ("outage", 7)),
        ("#7", ("outage", 7)),
        ("M3", ("maintenance", 3)),
        ("m3", ("maintenance", 3)),
        ("K7Q2", None),
        ("", None),
        ("٣", None),
    ],
)
def test_a_number_is_an_outage_and_an_m_with_a_number_a_maintenance(text: str, meant: object) -> None:
    assert parse_label(text) == meant


def test_what_names_an_incident_is_read_back() -> None:
    assert parse_label(label_of("outage", 12)) == ("outage", 12)
    assert parse_label(label_of("maintenance", 12)) == ("maintenance", 12)


@pytest.mark.parametrize(
    ("card", "incident"),
    [
        ("outage:7", ("outage", 7)),
        ("maintenance:3", ("maintenance", 3)),
        ("plan:K7Q2", None),
        ("outage:", None),
        ("sync:12", None),
    ],
)
def test_the_cards_of_incidents_are_told_from_others(card: str, incident: tuple[str, int] | None) -> None:
    assert incident_of_card(card) == incident


@pytest.mark.parametrize(
    ("words", "split"),
    [
        (["7", "a disk died"], ("7", "a disk died")),
        (["M3", "a", "disk"], ("M3", "a disk")),
        (["2 disks died"], (None, "2 disks died")),
        (["7"], ("7", "")),
        (["a", "disk"], (None, "a disk")),
    ],
)
def test_what_is_typed_begins_with_the_incident_and_a_name_alone_is_no_text(words: list[str], split: object) -> None:
    assert id_and_text(words) == split


@given(st.text())
def test_what_is_kept_is_one_short_line_that_can_be_seen(text: str) -> None:
    try:
        kept = plain_text(text)
    except UsageError:
        return
    assert kept.isprintable()
    assert 0 < len(kept) <= LONGEST
    assert plain_text(kept) == kept


@pytest.mark.parametrize(("text", "words"), [(" \n\u200b", "no text"), ("x" * 501, "501 characters, 1 too many")])
def test_nothing_and_too_much_are_refused(text: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        plain_text(text)


def test_the_last_cause_counts() -> None:
    better = Annotation("cause", "a power cut", "slack:U2", NOW)
    assert cause_of([WHY, NOTE, better]) == better
    assert cause_of([NOTE]) is None


def test_a_long_cause_is_cut_in_a_title_only() -> None:
    long = Annotation("cause", "x" * 200, "slack:U1", NOW)
    title = with_cause("uk is back", [long])
    assert title.startswith("uk is back; cause: xxx")
    assert len(title) < 110
    assert "x" * 200 in texts(Reply("", tuple(annotation_parts([long], ZONE, NOW))))[0]
    assert with_cause("uk is back", [WHY]) == "uk is back; cause: a disk died"
    assert with_cause("uk is back", [NOTE]) == "uk is back"


def test_of_many_notes_the_newest_are_shown_and_the_others_counted() -> None:
    notes = [Annotation("note", f"note {number}", "slack:U1", NOW) for number in range(8)]
    shown = texts(Reply("", tuple(annotation_parts([*notes, notes[0]], ZONE, NOW))))
    assert shown[0] == "3 older notes in the thread."
    assert shown[1:] == [f"14:02:07 BST, slack:U1: note {number}" for number in range(3, 8)]


def test_the_thread_tells_causes_from_notes() -> None:
    assert thread_line(WHY) == "Cause, says slack:U1: a disk died"
    assert thread_line(NOTE) == "slack:U2: called them"


def test_a_reminder_says_how_long_of_what_and_what_to_type() -> None:
    alone = reminder([outage_of()], NOW)
    assert alone.title == "uk: still open after 1 h, not acknowledged. Acknowledge: `ack 7`"
    both = [outage_of(), outage_of("nameserver:ns1", id=8, opened_at=NOW - timedelta(hours=2))]
    assert reminder(both, NOW).title == (
        "uk, name server ns1: still open after up to 2 h, not acknowledged. Acknowledge: `ack 7`"
    )


def test_a_reminder_of_what_flaps_does_not_say_that_it_is_down_now() -> None:
    flapping = outage_of(facts=OutageFacts(changes=6, down_now=False))
    assert reminder([flapping], NOW).title.startswith("uk: still flapping after 1 h, not acknowledged.")
    assert "still open after" in reminder([flapping, outage_of(id=8)], NOW).title


class TestLists:
    def test_what_goes_on_comes_first_then_the_newest(self) -> None:
        over = outage_of("server:de", id=5, opened_at=NOW - timedelta(minutes=5), closed_at=NOW)
        found = incidents_of([over, outage_of()], [work(ended_at=NOW - timedelta(minutes=1))])
        assert [one.label for one in found] == ["7", "5", "M3"]

    def test_a_row_says_what_how_long_and_why(self) -> None:
        found = incidents_of([outage_of(annotations=(WHY,)), outage_of(id=6, closed_at=NOW)], [work()])
        assert [(row[0], row[1], row[3], row[4]) for row in cells(list_reply(found, "", ZONE, NOW))] == [
            ("M3", "us (maintenance)", "30 min so far", "disks"),
            ("7", "uk", "1 h so far", "a disk died"),
            ("6", "uk", "1 h", "not said yet"),
        ]

    def test_what_is_degraded_is_told_from_what_is_down(self) -> None:
        (row,) = cells(list_reply(incidents_of([outage_of(target="degraded:uk")], ()), "", ZONE, NOW))
        assert row[1] == "uk (degraded)"

    def test_ten_thousand_are_counted(self) -> None:
        reply = list_reply(incidents_of([outage_of(id=number) for number in range(10_000)], ()), "", ZONE, NOW)
        (table,) = [part for part in reply.parts if isinstance(part, Table)]
        assert (len(table.rows), table.left_out) == (ROWS, 10_000 - ROWS)

    def test_none_is_said(self) -> None:
        assert list_reply((), " in the last 7 days", ZONE, NOW).title == "No incident in the last 7 days"

    def test_one_outage_tells_who_did_what_when(self) -> None:
        outage = outage_of(acked_by="slack:U2", acked_at=NOW - timedelta(minutes=30), annotations=(WHY,), closed_at=NOW)
        reply = outage_reply(outage, Reply("uk is back", tone=Tone.GOOD), ZONE, NOW)
        assert [row[1:] for row in cells(reply)] == [
            ("it began", ""),
            ("acknowledged", "slack:U2"),
            ("cause: a disk died", "slack:U1"),
            ("over, after 1 h", ""),
        ]
        assert texts(reply) == ["Cause: a disk died"]
        assert texts(outage_reply(outage_of(), Reply("uk is down"), ZONE, NOW)) == ['No cause yet: `cause 7 "…"`.']

    def test_one_maintenance_tells_what_it_kept_quiet(self) -> None:
        quiet = [(Target.server("us"), NOW, None), (Target.nameserver("ns1"), NOW, NOW)]
        reply = maintenance_reply(work(began_at=NOW - timedelta(minutes=30)), quiet, ZONE, NOW)
        assert [row[1] for row in cells(reply)] == [
            "asked for",
            "it began",
            "us in trouble, alert muted",
            "name server ns1 in trouble, alert muted",
            "name server ns1 no longer muted",
        ]
        cancelled = maintenance_reply(work(cancelled_at=NOW, ended_by="slack:U2"), (), ZONE, NOW)
        assert cells(cancelled)[-1][1:] == ("cancelled", "slack:U2")
        late = maintenance_reply(work(), (), ZONE, NOW + timedelta(hours=1))
        assert late.tone is Tone.WARN


class TestSummary:
    def test_where_there_is_nothing_to_say_nothing_is_said(self) -> None:
        assert summary(DailyDigest(NOW), "sharpnet", ZONE) is None
        assert summary(DailyDigest(NOW, chosen=3), "sharpnet", ZONE) is None

    def test_everything_that_waits_for_somebody_is_in_it(self) -> None:
        day = DailyDigest(
            NOW,
            incidents=incidents_of([outage_of(), outage_of(id=8, acked_by="slack:U1", acked_at=NOW)], ()),
            overrun=(work(),),
            late=2,
            missing=1,
            nowhere=("a", "b"),
            chosen=1,
            late_backups=("a",),
            differing=("a on us",),
            unfinished={"K7Q2": "failover of a from uk to us"},
            quarantined={"uk": 3},
        )
        reply = summary(day, "sharpnet", ZONE)
        assert reply is not None
        assert reply.title == "sharpnet, the last day: 2 incidents (2 open), 8 things need attention"
        assert texts(reply) == [
            "Outage 7, uk: open for 1 h, not acknowledged.",
            "Maintenance M3 of us was to end at 14:32:07 BST: `maintenance end M3`.",
            "Plan K7Q2 is unfinished: failover of a from uk to us.",
            "No copy anywhere: a, b.",
            "2 copies older than allowed, 1 never made: `sites` lists them.",
            "1 site with a backup that is too old, or none: a.",
            "Copies that differ: a on us. `sync --verify SITE` compares again.",
            "3 copies on uk in quarantine: `failback uk` shows what differs.",
            "1 site with no copy anywhere, as app.yaml has it.",
        ]

    def test_it_ends_with_where_the_record_is_as_one_can_type_it_but_is_not_sent_for_that(self) -> None:
        record = Anchor(1234, "0123456789abcdef" * 4, "the store", NOW)
        assert summary(DailyDigest(NOW, record=record), "sharpnet", ZONE) is None
        reply = summary(DailyDigest(NOW, late=1, record=record), "sharpnet", ZONE)
        assert reply is not None
        assert texts(reply)[-1] == (
            "The record is at entry 1,234: `history --verify --anchor 1234:0123456789abcdef0123456789abcdef`."
        )

    def test_copies_that_are_late_are_told_without_those_never_made(self) -> None:
        reply = summary(DailyDigest(NOW, late=1), "sharpnet", ZONE)
        assert reply is not None
        assert texts(reply) == ["1 copy older than allowed: `sites` lists them."]
        assert reply.title == "sharpnet, the last day: 0 incidents, 1 thing needs attention"

    def test_what_is_planned_is_told_and_is_no_trouble(self) -> None:
        reply = summary(DailyDigest(NOW, planned=(work(),)), "sharpnet", ZONE)
        assert reply is not None
        assert reply.title == "sharpnet, the last day: 0 incidents, nothing needs attention, 1 planned"
        assert reply.tone is Tone.PLAIN

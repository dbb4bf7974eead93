"""What `dns` shows and what it answers as JSON."""

from __future__ import annotations

import json
from dataclasses import replace

from core.dns import report
from core.dns.consistency import NameServerAnswer, ZoneSurvey, judge_zone
from core.dns.pointing import PointingRecord
from core.dns.records import RecordSet, ZoneReading
from core.dns.report_json import dns_facts
from core.fleet import DnsSettings, Endpoint, Fleet, NameServer
from core.reply import Part, Row, Table, Text, Tone

UPDATE = Endpoint("192.0.2.53")
FLEET = Fleet(
    "test",
    "UTC",
    {},
    {},
    DnsSettings(
        (UPDATE,),
        tuple(NameServer(f"ns{number}", Endpoint(f"192.0.2.{number}"), f"Place {number}") for number in (1, 2, 3)),
        ("a.example", "b.example"),
    ),
)


def zone(
    name: str, *heard: NameServerAnswer, readings: int = 1, serial: int = 7, why: str = "", complete: bool = True
) -> ZoneSurvey:
    held = tuple(
        ZoneReading(name, serial + number, (RecordSet(name, "A", 300, (f"192.0.2.{number}",)),), complete)
        for number in range(readings)
    )
    return ZoneSurvey(judge_zone(name, heard, held, why), held)


def says(
    number: int, name: str, serial: int | None, value: str | None = "192.0.2.0", why: str = ""
) -> NameServerAnswer:
    values = {} if serial is None else {(name, "A"): (value,) if value else (), (name, "AAAA"): ()}
    return NameServerAnswer(f"ns{number}", name, serial, values, why, None if serial is None else 0.004)


def all_in_step(name: str) -> ZoneSurvey:
    return zone(name, *(says(number, name, 7) for number in (1, 2, 3)))


def title(*zones: ZoneSurvey) -> str:
    return report.title([one.verdict for one in zones], 3)


def rows(parts: list[Part]) -> list[Row]:
    return [row for part in parts if isinstance(part, Table) for row in part.rows]


def texts(parts: list[Part]) -> list[str]:
    return [part.text for part in parts if isinstance(part, Text)]


SILENT = zone("a.example", says(1, "a.example", 7), says(2, "a.example", None, why="gone"), says(3, "a.example", 5))
UNREAD = zone("a.example", *(says(number, "a.example", 7) for number in (1, 2, 3)), readings=0, why="refused")
SPLIT = zone("a.example", *(says(number, "a.example", 7) for number in (1, 2, 3)), readings=2)


def test_the_title_says_that_all_agree_on_one_zone_or_on_many() -> None:
    assert title(all_in_step("a.example")) == "All 3 name servers agree with the update server on a.example"
    both = title(all_in_step("a.example"), all_in_step("b.example"))
    assert both == "All 3 name servers agree with the update server on 2 zones"


def test_the_title_names_those_out_of_step_and_how() -> None:
    assert title(SILENT) == "2 of 3 name servers out of step on a.example: ns2 (silent), ns3 (behind)"


def test_the_title_does_not_call_agreement_certain_where_the_update_server_is_silent() -> None:
    assert title(UNREAD) == "3 name servers agree on a.example, but the update server does not answer"
    assert title(UNREAD, all_in_step("b.example")).endswith("does not answer for 1 zone")


def test_the_title_says_where_update_servers_disagree() -> None:
    assert title(SPLIT) == "The update servers do not agree on a.example"


def test_the_tone_is_that_of_the_worst() -> None:
    assert report.tone([all_in_step("a.example").verdict]) == Tone.GOOD
    assert report.tone([all_in_step("b.example").verdict, SILENT.verdict]) == Tone.BAD
    assert report.tone([UNREAD.verdict]) == Tone.BAD
    assert report.tone([zone("a.example", says(1, "a.example", 6)).verdict]) == Tone.WARN
    assert report.tone([]) == Tone.GOOD


def test_many_zones_are_shown_worst_first_and_the_rest_counted() -> None:
    zones = [all_in_step(f"{number:02}.example") for number in range(30)]
    parts = report.all_zones(FLEET, [one.verdict for one in [*zones, SILENT]])
    servers, table = (part for part in parts if isinstance(part, Table))
    assert table.rows[0].cells == (
        "a.example",
        "7",
        "1 of 3",
        "ns3: serial 5, 2 behind; silent: ns2",
    )
    assert (len(table.rows), table.left_out) == (20, 11)
    assert servers.rows[0].cells == ("ns1", "Place 1", "31 of 31 zones", "4 ms", "")
    assert servers.rows[1].cells == ("ns2", "Place 2", "30 of 31 zones", "4 ms", "gone")


def test_more_than_one_that_lags_is_counted_in_the_zones_row() -> None:
    lagging = zone("a.example", *(says(number, "a.example", 6) for number in (1, 2, 3)))
    row = rows(report.all_zones(FLEET, [lagging.verdict]))[-1]
    assert row.cells[3] == "ns1: serial 6, 1 behind; 2 more out of step"


def test_an_update_server_that_does_not_answer_is_said_once_with_its_reason() -> None:
    parts = report.all_zones(FLEET, [UNREAD.verdict, replace(UNREAD.verdict, zone="b.example", serial=None)])
    assert texts(parts) == ["The update server does not answer: refused"]
    assert rows(parts)[-1].cells == ("b.example", "", "3 of 3", "no answer from the update server")


def test_update_servers_that_disagree_are_shown_with_the_difference() -> None:
    difference = "a.example A is 192.0.2.1 there, not 192.0.2.0"
    assert rows(report.all_zones(FLEET, [SPLIT.verdict]))[-1].cells[3] == f"update servers differ: {difference}"
    assert f"The update servers differ: {difference}" in texts(report.one_zone(FLEET, SPLIT))


def test_one_zone_shows_each_name_server_and_each_name_that_is_there() -> None:
    parts = report.one_zone(FLEET, all_in_step("a.example"))
    assert rows(parts)[0].cells == ("ns1", "Place 1", "7", "4 ms", "in step")
    assert rows(parts)[-1].cells == ("a.example", "A", "192.0.2.0")
    assert texts(parts) == ["The update server (192.0.2.53:53) has serial 7."]


def test_a_name_that_is_answered_differently_says_who_answers_what() -> None:
    differing = zone(
        "a.example",
        says(1, "a.example", 7),
        says(2, "a.example", 7, None),
        says(3, "a.example", None, why="gone"),
    )
    assert rows(report.one_zone(FLEET, differing))[-1].cells[2] == "192.0.2.0 (ns1); nothing (ns2)"


def test_one_zone_says_why_the_update_server_does_not_answer() -> None:
    assert texts(report.one_zone(FLEET, UNREAD)) == ["The update server does not answer: refused"]


def test_a_zone_of_which_no_name_was_asked_has_no_table_of_names() -> None:
    bare = zone("a.example", NameServerAnswer("ns1", "a.example", 7, took_s=2.5))
    assert [row.cells for row in rows(report.one_zone(FLEET, bare))] == [("ns1", "Place 1", "7", "2.5 s", "in step")]


def test_names_that_point_elsewhere_are_listed_and_the_rest_counted() -> None:
    left = [PointingRecord(f"n{number}.example", "A", "192.0.2.1", "east", "site", "west") for number in range(25)]
    parts = report.where_names_point(left)
    table = next(part for part in parts if isinstance(part, Table))
    assert table.rows[0].cells == ("n0.example", "A", "192.0.2.1 (east)", "served from west")
    assert table.left_out == 5


def test_other_names_are_listed_by_server_each_once() -> None:
    others = [
        PointingRecord("ftp.example", "A", "192.0.2.1", "east"),
        PointingRecord("ftp.example", "AAAA", "2001:db8::1", "east"),
        PointingRecord("old.example", "A", "192.0.2.2", "west"),
        PointingRecord("www.example", "A", "192.0.2.1", "east", "site", "east"),
    ]
    assert texts(report.where_names_point(others)) == [
        "Other names that point at east (1): ftp.example",
        "Other names that point at west (1): old.example",
    ]
    assert report.where_names_point([]) == []


def test_records_that_live_too_long_are_said_with_the_limit() -> None:
    (said,) = texts(report.lives_too_long([RecordSet("a.example", "A", 3600, ("192.0.2.1",))], FLEET))
    assert "longer than 300 s" in said
    assert "a.example A 3600 s" in said
    assert report.lives_too_long([], FLEET) == []


def test_what_was_not_looked_at_is_said() -> None:
    part = zone("a.example", says(1, "a.example", 7), complete=False)
    assert texts(report.limits([part] * 1000, by_name=False)) == [
        "Compared by serial only, as there are 1,000 zones. `dns ZONE` compares every name."
    ]
    (said,) = texts(report.limits([part], by_name=True))
    assert said.startswith("Not read whole")
    assert report.limits([all_in_step("a.example")], by_name=True) == []


def test_the_facts_are_plain_json_with_every_name_server_and_zone() -> None:
    pointing = (PointingRecord("ftp.example", "A", "192.0.2.1", "east"),)
    too_long = (RecordSet("a.example", "A", 3600, ("192.0.2.1",)),)
    facts = json.loads(json.dumps(dns_facts(FLEET, (SILENT, SPLIT), pointing, too_long)))
    assert facts["in_step"] is False
    assert [(one["name"], one["location"], one["state"]) for one in facts["nameservers"]] == [
        ("ns1", "Place 1", "in step"),
        ("ns2", "Place 2", "silent"),
        ("ns3", "Place 3", "behind"),
    ]
    first, second = facts["zones"]
    assert [one["behind_by"] for one in first["nameservers"]] == [0, None, 2]
    assert first["nameservers"][1]["trouble"] == "gone"
    assert second["update_servers_differ"] == [
        {"name": "a.example", "type": "A", "answered": ["192.0.2.1"], "held": ["192.0.2.0"]}
    ]
    assert facts["pointing"][0]["left_behind"] is False
    assert facts["ttl_too_long"] == [{"name": "a.example", "type": "A", "ttl_s": 3600}]

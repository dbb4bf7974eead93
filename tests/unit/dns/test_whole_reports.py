"""What `dns` shows, whole, and what it answers as JSON."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from unit.wholes import compare

from core.dns import report
from core.dns.consistency import NameServerAnswer, ZoneSurvey, judge_zone
from core.dns.pointing import PointingRecord
from core.dns.records import RecordSet, ZoneReading
from core.dns.report_json import dns_facts
from core.fleet import DnsSettings, Endpoint, Fleet, NameServer
from core.reply import Reply

FILE = Path(__file__).parent / "whole_reports.txt"
SERVERS = tuple(NameServer(f"ns{n}", Endpoint(f"192.0.2.{n}"), f"Place {n}") for n in (1, 2, 3))
UPDATE = (Endpoint("192.0.2.53"), Endpoint("192.0.2.54", 5353))
FLEET = Fleet("test", "UTC", {}, {}, DnsSettings(UPDATE, SERVERS, ("a.example", "b.example")))


def zone(
    name: str, *heard: NameServerAnswer, readings: int = 1, serial: int = 7, why: str = "", complete: bool = True
) -> ZoneSurvey:
    held = tuple(
        ZoneReading(name, serial + number, (RecordSet(name, "A", 300, (f"192.0.2.{number}",)),), complete)
        for number in range(readings)
    )
    return ZoneSurvey(judge_zone(name, heard, held, why), held)


def says(
    number: int, name: str, serial: int | None, *values: str, why: str = "", took_s: float | None = 0.0044
) -> NameServerAnswer:
    answers = {} if serial is None else {(name, "A"): values or ("192.0.2.0",), (name, "AAAA"): ()}
    return NameServerAnswer(f"ns{number}", name, serial, answers, why, None if serial is None else took_s)


def all_in_step(name: str) -> ZoneSurvey:
    return zone(name, *(says(number, name, 7) for number in (1, 2, 3)))


def shown(*zones: ZoneSurvey, one: bool = False, servers: int = 3) -> Reply:
    verdicts = [surveyed.verdict for surveyed in zones]
    parts = report.one_zone(FLEET, zones[0]) if one else report.all_zones(FLEET, verdicts)
    parts += report.limits(zones, by_name=one)
    return Reply(report.title(verdicts, servers), tuple(parts), tone=report.tone(verdicts))


def test_what_dns_shows_is_what_people_were_promised() -> None:
    a = "a.example"
    silent = zone(a, says(1, a, 7), says(2, a, None, why="gone"), says(3, a, 5))
    odd = zone(a, says(1, a, 9), says(2, a, 7, "192.0.2.9"), says(3, a, None), says(1, a, 6, "192.0.2.8"))
    unread = zone(a, *(says(n, a, 7) for n in (1, 2, 3)), readings=0, why="refused")
    nobody = zone(a, *(says(n, a, None, why="gone") for n in (1, 2, 3)), readings=0, why="refused")
    split = zone(a, *(says(n, a, 7) for n in (1, 2, 3)), readings=2)
    slow = zone(a, says(1, a, 7, took_s=0.9999), says(2, a, 7, took_s=1.0), says(3, a, 7, took_s=None))
    part = zone(a, says(1, a, 7), complete=False)
    lone = zone(a, says(1, a, 7))
    values = {(f"n{n}.example", "A"): ("192.0.2.1",) for n in range(23)}
    long = zone(a, NameServerAnswer("ns1", a, 7, values, "", 0.1), readings=3)
    many = [all_in_step(f"{number:02}.example") for number in range(23)]
    left = [PointingRecord(f"n{n}.example", "A", "192.0.2.1", "east", "site", "west") for n in range(23)]
    others = [
        PointingRecord("ftp.example", "A", "192.0.2.1", "east"),
        PointingRecord("ftp.example", "AAAA", "2001:db8::1", "east"),
        PointingRecord("old.example", "A", "192.0.2.2", "west"),
        PointingRecord("www.example", "A", "192.0.2.1", "east", "site", "east"),
    ]
    long_lived = [RecordSet(f"n{n}.example", "A", 3600 + n, ("192.0.2.1",)) for n in range(23)]
    compare(
        FILE,
        {
            "all in step": shown(all_in_step(a), all_in_step("b.example")),
            "one zone in step": shown(all_in_step(a), one=True),
            "one name server": shown(lone, servers=1),
            "silent and behind": shown(silent, all_in_step("b.example")),
            "silent and behind, one zone": shown(silent, one=True),
            "ahead and otherwise": shown(odd),
            "ahead and otherwise, one zone": shown(odd, one=True),
            "the update server is silent": shown(unread),
            "nobody answers, one zone": shown(nobody, one=True),
            "the update server is silent, one zone": shown(unread, one=True),
            "the update server is silent for one": shown(unread, all_in_step("b.example")),
            "the update servers differ": shown(split),
            "the update servers differ on one of two": shown(split, all_in_step("b.example")),
            "the update servers differ, one zone": shown(split, one=True),
            "slow": shown(slow, one=True),
            "slow, all zones": shown(slow),
            "not read whole": shown(part, one=True),
            "not read whole, all zones": shown(part),
            "many names": shown(long, one=True),
            "many zones": shown(*many, silent),
            "names that point elsewhere": report.where_names_point([*left, *others]),
            "other names": report.where_names_point(others),
            "no names": report.where_names_point([]),
            "cached for too long": report.lives_too_long(long_lived, FLEET),
            "facts": dict(dns_facts(FLEET, (silent, split, odd), tuple(others), tuple(long_lived[:1]))),
            "facts, not all read whole": dict(
                dns_facts(FLEET, (replace(split, readings=(split.readings[0], part.readings[0])),), (), ())
            ),
            "facts, all in step": dict(dns_facts(FLEET, (all_in_step(a),), (), ())),
            "facts, nobody answers": dict(
                dns_facts(FLEET, (replace(unread, verdict=replace(unread.verdict, serial=None)),), (), ())
            ),
        },
    )

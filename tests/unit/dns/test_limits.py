"""Just at a limit, one beside it, and what lacks something: serials, answers, names."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from core.dns import report
from core.dns.consistency import NameServerAnswer, ZoneConsistency, judge_zone
from core.dns.pointing import living_too_long
from core.dns.records import RecordChange, RecordSet, ZoneReading, serial_at_or_past
from core.reply import Tone

if TYPE_CHECKING:
    from core.fleet import Fleet

ZONE = "garden.example"
A = (ZONE, "A")


def said(name: str, serial: int | None, **values: tuple[str, ...]) -> NameServerAnswer:
    return NameServerAnswer(name, ZONE, serial, {(f"{owner}.{ZONE}", "A"): some for owner, some in values.items()})


def held(serial: int, value: str = "192.0.2.1") -> ZoneReading:
    return ZoneReading(ZONE, serial, (RecordSet(f"www.{ZONE}", "A", 300, (value,)),), complete=True)


@pytest.mark.parametrize(
    ("serial", "wanted", "is_past"),
    [
        (7, 7, True),
        (8, 7, True),
        (6, 7, False),
        (7 + 2**31 - 1, 7, True),
        (7 + 2**31, 7, False),
        (0, 2**32 - 1, True),
        (2**32 - 1, 0, False),
        (2**31, 0, False),
        (0, 2**31, False),
    ],
)
def test_a_serial_is_past_another_up_to_half_the_space(serial: int, wanted: int, is_past: bool) -> None:
    assert serial_at_or_past(serial, wanted) is is_past


def test_a_name_server_is_held_against_the_update_server_from_which_it_differs_least() -> None:
    one = NameServerAnswer("ns1", ZONE, 8, {(f"www.{ZONE}", "A"): ("192.0.2.9",)})
    verdict = judge_zone(ZONE, [one], [held(7), held(8, "192.0.2.2")])
    assert [(one.step, one.behind_by) for one in verdict.judged] == [(ZoneConsistency.DIFFERS, 0)]
    assert verdict.judged[0].words == "www.garden.example A is 192.0.2.9 there, not 192.0.2.2"


def test_without_an_update_server_the_newest_serial_counts_however_great_it_is() -> None:
    verdict = judge_zone(ZONE, [said("ns1", None), said("ns2", 3_000_000_000), said("ns3", 2_999_999_999)], [])
    assert verdict.serial == 3_000_000_000
    assert [one.step for one in verdict.judged] == [
        ZoneConsistency.SILENT,
        ZoneConsistency.IN_STEP,
        ZoneConsistency.BEHIND,
    ]


def test_without_an_update_server_no_wildcard_is_held_to_stand_in_for_a_name_that_nobody_has() -> None:
    values = {f"*.{ZONE}": ("192.0.2.8",), f"x.{ZONE}": ()}
    heard = [NameServerAnswer(f"ns{n}", ZONE, 7, {(name, "A"): some for name, some in values.items()}) for n in (1, 2)]
    assert [one.step for one in judge_zone(ZONE, heard, []).judged] == [ZoneConsistency.IN_STEP] * 2


def test_the_tone_is_that_of_the_worst_zone_wherever_it_stands() -> None:
    well = judge_zone(ZONE, [said("ns1", 7)], [held(7)])
    late = judge_zone(ZONE, [said("ns1", 6)], [held(7)])
    assert [report.tone(zones) for zones in ([well, late], [late, well], [well, well])] == [
        Tone.WARN,
        Tone.WARN,
        Tone.GOOD,
    ]


def test_six_that_are_out_of_step_are_named_and_of_seven_one_is_counted() -> None:
    for number, end in ((6, "ns5 (behind)"), (7, "ns5 (behind) and 1 more")):
        verdict = judge_zone(ZONE, [said(f"ns{n}", 6) for n in range(number)], [held(7)])
        assert report.title([verdict], number).endswith(f", {end}")


def test_of_two_that_lag_one_is_counted_and_of_one_none(fleet: Fleet) -> None:
    notes = {1: "ns1: serial 6, 1 behind", 2: "ns1: serial 6, 1 behind; 1 more out of step"}
    for number, note in notes.items():
        verdict = judge_zone(ZONE, [said(f"ns{n}", 6) for n in range(1, number + 1)], [held(7)])
        *_, zones = report.all_zones(fleet, [verdict])
        assert zones.rows[0].cells[3] == note  # type: ignore[union-attr]


def test_a_record_lives_too_long_above_the_limit_only(fleet: Fleet) -> None:
    records = [
        RecordSet("shop.test", "A", 300, ("192.0.2.1",)),
        RecordSet("shop.test", "AAAA", 301, ("2001:db8::1",)),
        RecordSet("www.shop.test", "CNAME", 301, ("shop.test",)),
        RecordSet("shop.test", "MX", 3600, ("10 mx.test",)),
        RecordSet("ftp.shop.test", "A", 3600, ("192.0.2.1",)),
    ]
    assert fleet.dns.max_ttl_s == 300
    assert living_too_long(fleet, records) == tuple(records[1:3])


def test_a_change_is_of_the_name_and_type_that_it_has_on_either_side_and_is_undone_by_its_inverse() -> None:
    one = RecordSet("shop.test", "A", 300, ("192.0.2.1",))
    for change in (RecordChange(None, one), RecordChange(one, None)):
        assert (change.owner, change.type) == ("shop.test", "A")
        assert change.inverse() == RecordChange(change.new, change.old)
    with pytest.raises(ValueError, match="without old and new"):
        _ = RecordChange(None, None).owner

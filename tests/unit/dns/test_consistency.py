"""Who is out of step, by how much, and on which names."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.dns.consistency import NameServerAnswer, UpdateServerZone, ZoneConsistency, ZoneVerdict, by_server, judge_zone
from core.dns.records import RecordSet, ZoneReading

ZONE = "garden.example"
A = (ZONE, "A")


def reading(serial: int, *records: RecordSet, complete: bool = True) -> ZoneReading:
    return ZoneReading(ZONE, serial, records, complete)


def address(owner: str, *values: str) -> RecordSet:
    return RecordSet(owner, "A", 300, values)


def said(name: str, serial: int | None, values: tuple[str, ...] | None = None, **more: object) -> NameServerAnswer:
    return NameServerAnswer(name, ZONE, serial, {} if values is None else {A: values}, **more)  # type: ignore[arg-type]


HELD = reading(7, address(ZONE, "192.0.2.1"))


def only(verdict: ZoneVerdict) -> tuple[ZoneConsistency, int | None, str]:
    (judged,) = verdict.judged
    return judged.step, judged.behind_by, judged.words


def test_a_name_server_that_says_the_same_is_in_step() -> None:
    verdict = judge_zone(ZONE, [said("ns1", 7, ("192.0.2.1",))], [HELD])
    assert only(verdict) == (ZoneConsistency.IN_STEP, 0, "in step")
    assert verdict.in_step
    assert verdict.agreeing == 1


def test_one_that_lags_is_behind_by_so_many_serials_and_says_what_it_still_answers() -> None:
    verdict = judge_zone(ZONE, [said("ns1", 5, ("192.0.2.9",))], [HELD])
    words = "serial 5, 2 behind; garden.example A is 192.0.2.9 there, not 192.0.2.1"
    assert only(verdict) == (ZoneConsistency.BEHIND, 2, words)
    assert not verdict.in_step


def test_serials_that_have_wrapped_around_are_still_one_apart() -> None:
    assert only(judge_zone(ZONE, [said("ns1", 2**32 - 1)], [reading(0)])) == (
        ZoneConsistency.BEHIND,
        1,
        "serial 4294967295, 1 behind",
    )


def test_one_with_a_later_serial_is_ahead_which_is_not_in_step() -> None:
    verdict = judge_zone(ZONE, [said("ns1", 9, ("192.0.2.1",))], [HELD])
    assert only(verdict) == (ZoneConsistency.AHEAD, -2, "serial 9, 2 ahead")
    assert not verdict.in_step


@pytest.mark.parametrize("serial", [7, 8])
def test_other_values_under_a_serial_that_does_not_lag_differ(serial: int) -> None:
    verdict = judge_zone(ZONE, [said("ns1", serial, ())], [HELD])
    assert verdict.worst == ZoneConsistency.DIFFERS
    assert "garden.example A is nothing there, not 192.0.2.1" in verdict.judged[0].words


def test_one_that_gives_no_serial_is_silent_with_its_reason() -> None:
    assert only(judge_zone(ZONE, [said("ns1", None, why="it is asleep")], [HELD])) == (
        ZoneConsistency.SILENT,
        None,
        "it is asleep",
    )
    assert only(judge_zone(ZONE, [said("ns1", None)], [HELD]))[2] == "no answer"


def test_with_several_update_servers_a_name_server_may_follow_any_of_them() -> None:
    other = reading(40, address(ZONE, "192.0.2.1"))
    verdict = judge_zone(ZONE, [said("ns1", 40, ("192.0.2.1",)), said("ns2", 7, ("192.0.2.1",))], [HELD, other])
    assert [one.step for one in verdict.judged] == [ZoneConsistency.IN_STEP, ZoneConsistency.IN_STEP]
    assert verdict.in_step


def test_update_servers_that_hold_different_values_are_not_in_step_though_each_is_followed() -> None:
    other = reading(40, address(ZONE, "192.0.2.2"))
    verdict = judge_zone(ZONE, [said("ns1", 40, ("192.0.2.2",)), said("ns2", 7, ("192.0.2.1",))], [HELD, other])
    assert verdict.worst == ZoneConsistency.IN_STEP
    assert [str(one) for one in verdict.split] == ["garden.example A is 192.0.2.2 there, not 192.0.2.1"]
    assert not verdict.in_step


def test_without_an_update_server_the_newest_name_server_is_what_the_others_are_held_against() -> None:
    heard = [said("ns1", 7, ("192.0.2.1",)), said("ns2", 8, ("192.0.2.2",)), said("ns3", None)]
    verdict = judge_zone(ZONE, heard, [], "refused")
    assert [one.step for one in verdict.judged] == [
        ZoneConsistency.BEHIND,
        ZoneConsistency.IN_STEP,
        ZoneConsistency.SILENT,
    ]
    assert verdict.serial == 8
    assert not verdict.confirmed


def test_name_servers_that_agree_without_an_update_server_are_not_called_in_step() -> None:
    verdict = judge_zone(ZONE, [said("ns1", 7, ()), said("ns2", 7, ())], [], "refused")
    assert verdict.worst == ZoneConsistency.IN_STEP
    assert not verdict.in_step


def test_where_nobody_answers_there_is_no_serial_to_hold_anybody_against() -> None:
    verdict = judge_zone(ZONE, [said("ns1", None), said("ns2", None)], [])
    assert verdict.serial is None
    assert verdict.worst == ZoneConsistency.SILENT


def test_an_update_server_that_does_not_answer_keeps_a_zone_from_being_in_step() -> None:
    assert not judge_zone(ZONE, [said("ns1", 7)], [HELD], "the second one is gone").in_step


def test_a_zone_without_name_servers_is_as_good_as_its_update_server() -> None:
    assert judge_zone(ZONE, [], [HELD]).in_step


def test_over_all_zones_a_name_server_is_as_good_as_its_worst() -> None:
    zones = [
        judge_zone(ZONE, [said("ns1", 7, took_s=0.1), said("ns2", 7, took_s=0.5)], [HELD]),
        judge_zone(ZONE, [said("ns1", 4, took_s=0.3), said("ns2", None)], [HELD]),
        judge_zone(ZONE, [said("ns1", 6), said("ns2", 7)], [HELD]),
    ]
    first, second = by_server(zones)
    assert (first.nameserver, first.zones, first.in_step, first.worst, first.slowest_s) == (
        "ns1",
        3,
        1,
        ZoneConsistency.BEHIND,
        0.3,
    )
    assert first.words == "serial 4, 3 behind"
    assert (second.in_step, second.worst, second.slowest_s) == (2, ZoneConsistency.SILENT, 0.5)


def test_a_name_server_that_was_never_timed_has_no_slowest_answer() -> None:
    (only_one,) = by_server([judge_zone(ZONE, [said("ns1", None)], [HELD])])
    assert only_one.slowest_s is None


WILD = UpdateServerZone(
    reading(
        1,
        address(ZONE, "192.0.2.1"),
        address("*.garden.example", "192.0.2.8"),
        address("*.deep.garden.example", "192.0.2.9"),
        address("a.b.garden.example", "192.0.2.2"),
    )
)


@pytest.mark.parametrize(
    ("owner", "values"),
    [
        ("garden.example", ("192.0.2.1",)),
        ("x.garden.example", ("192.0.2.8",)),
        ("x.y.garden.example", ("192.0.2.8",)),
        ("x.deep.garden.example", ("192.0.2.9",)),
        ("deep.garden.example", ()),
        ("b.garden.example", ()),
        ("x.b.garden.example", ()),
        ("a.b.garden.example", ("192.0.2.2",)),
    ],
)
def test_a_wildcard_stands_in_only_for_names_below_which_nothing_is(owner: str, values: tuple[str, ...]) -> None:
    assert WILD.values(owner, "A") == values


def test_a_name_that_has_other_records_is_not_stood_in_for() -> None:
    assert WILD.values("a.b.garden.example", "AAAA") == ()


def test_an_empty_zone_holds_nothing() -> None:
    assert UpdateServerZone(reading(1)).values("x.garden.example", "A") == ()


def test_a_zone_that_was_not_read_whole_knows_only_what_it_holds() -> None:
    part = UpdateServerZone(reading(1, address("*.garden.example", "192.0.2.8"), complete=False))
    assert part.values("x.garden.example", "A") == ()


@given(st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1))
def test_behind_and_held_serial_always_add_up(held: int, heard: int) -> None:
    (judged,) = judge_zone(ZONE, [said("ns1", heard)], [reading(held)]).judged
    assert judged.behind_by is not None
    assert (heard + judged.behind_by) % 2**32 == held

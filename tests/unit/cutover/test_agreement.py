from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from core.cutover.agreement import NameServerReply, progress_of
from core.dns.records import RecordChange, RecordSet
from core.fleet import Endpoint
from core.plan.plan import ZoneChange
from core.plan.progress import NameServerProgress

if TYPE_CHECKING:
    from core.plan.plan import Plan


def replies(zone: ZoneChange, serial: int | None, *, new: bool, why: str = "") -> dict[str, NameServerReply]:
    sides = [(change, change.new if new else change.old) for change in zone.changes]
    values = {(change.owner, change.type): side.values if side else () for change, side in sides}
    return {zone.zone: NameServerReply(serial, values, why)}


def test_a_name_server_agrees_with_every_new_value_at_the_new_serial(zone_change: ZoneChange) -> None:
    said = progress_of("ns1", [(zone_change, (11,))], replies(zone_change, 11, new=True))
    assert said == NameServerProgress("ns1", agrees=True, serial=11)


def test_a_later_serial_agrees_too(zone_change: ZoneChange) -> None:
    assert progress_of("ns1", [(zone_change, (11,))], replies(zone_change, 12, new=True)).agrees


def test_new_values_at_an_old_serial_do_not_agree(zone_change: ZoneChange) -> None:
    said = progress_of("ns1", [(zone_change, (11,))], replies(zone_change, 10, new=True))
    assert (said.agrees, said.old, said.serial) == (False, 0, 10)


def test_old_values_are_counted(zone_change: ZoneChange) -> None:
    said = progress_of("ns1", [(zone_change, (11,))], replies(zone_change, 10, new=False))
    assert (said.agrees, said.old, said.wrong) == (False, len(zone_change.changes), 0)


def test_values_that_are_neither_old_nor_new_are_counted(zone_change: ZoneChange) -> None:
    said = progress_of("ns1", [(zone_change, (11,))], {zone_change.zone: NameServerReply(11, {})})
    assert (said.agrees, said.wrong) == (False, len(zone_change.changes))


def test_a_silent_name_server_does_not_agree_and_says_why(zone_change: ZoneChange) -> None:
    said = progress_of("ns1", [(zone_change, (11,))], replies(zone_change, None, new=True, why="timed out"))
    assert (said.agrees, said.why) == (False, "timed out")
    assert progress_of("ns1", [(zone_change, (11,))], {}).why == "not asked"
    assert progress_of("ns1", [(zone_change, (11,))], replies(zone_change, None, new=True)).why == "no serial"


def test_a_record_that_came_or_went_is_compared_as_absent() -> None:
    gone = RecordChange(RecordSet("a.test", "AAAA", 60, ("2001:db8::1",)), None)
    come = RecordChange(None, RecordSet("b.test", "A", 60, ("192.0.2.1",)))
    zone = ZoneChange(Endpoint("192.0.2.53"), "test", 1, (gone, come))
    new = {("b.test", "A"): ("192.0.2.1",)}
    old = {("a.test", "AAAA"): ("2001:db8::1",)}
    assert progress_of("ns1", [(zone, (2,))], {"test": NameServerReply(2, new)}).agrees
    assert progress_of("ns1", [(zone, (2,))], {"test": NameServerReply(2, old)}).old == 2


def test_the_serial_shown_is_that_of_the_zone_furthest_behind(plan: Plan) -> None:
    first, second = plan.zones
    said = {**replies(first, 10, new=False), **replies(second, 21, new=True)}
    assert progress_of("ns1", [(first, (11,)), (second, (21,))], said).serial == 10
    assert progress_of("ns1", [(second, (21,)), (first, (11,))], said).serial == 10


@pytest.mark.parametrize("bad", range(3))
@pytest.mark.parametrize("reason", ["behind", "silent", "old"])
def test_one_zone_that_does_not_agree_is_enough_wherever_it_stands(
    zone_change: ZoneChange, bad: int, reason: str
) -> None:
    zones = [replace(zone_change, zone=f"{number}.test") for number in range(3)]
    said: dict[str, NameServerReply] = {}
    for zone in zones:
        said |= replies(zone, 11, new=True)
    asked = [(zone, (11,)) for zone in zones]
    assert progress_of("ns1", asked, said).agrees
    spoilt = {
        "behind": replies(zones[bad], 10, new=True),
        "silent": replies(zones[bad], 11, new=True, why="timed out"),
        "old": replies(zones[bad], 11, new=False),
    }
    found = progress_of("ns1", asked, {**said, **spoilt[reason]})
    assert not found.agrees
    assert found.why == ("timed out" if reason == "silent" else "")


def test_a_name_server_follows_one_of_several_update_servers(zone_change: ZoneChange) -> None:
    said = replies(zone_change, 500, new=True)
    assert progress_of("ns1", [(zone_change, (2_000_000_000, 500))], said).agrees

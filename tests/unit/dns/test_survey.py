"""Asking everybody at once, and no more than it takes of the dead."""

from __future__ import annotations

from collections import Counter
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import pytest

from commands import answer
from core.dns.consistency import ZoneConsistency
from core.dns.records import RecordSet, ZoneReading
from core.errors import DnsError, TimedOutError
from core.fleet import DnsSettings, Endpoint, Fleet, NameServer, SecretRef, Server, Site, SshLogin
from core.people import Person
from ops.contracts import Answer
from ops.gather.dns_survey import survey

if TYPE_CHECKING:
    from collections.abc import Callable

    from ops.contracts import Dns
    from ops.ports import Ports

UPDATE, ONE, TWO = Endpoint("192.0.2.53"), Endpoint("192.0.2.1"), Endpoint("192.0.2.2")
SSH = SshLogin("web", 22, SecretRef("file", "/k"), "/known")


def fleet(zones: int) -> Fleet:
    names = tuple(f"z{number}.example" for number in range(zones))
    return Fleet(
        "test",
        "UTC",
        {"east": Server("east", "East", SSH, "192.0.2.80")},
        {name: Site(name, "east", (), (name,), "/srv") for name in names},
        DnsSettings((UPDATE,), (NameServer("ns1", ONE, "Here"), NameServer("ns2", TWO, "There")), names),
    )


class FakeDns:
    """Name servers whose serials are `serials[endpoint]`, or that raise what stands there instead."""

    def __init__(self, **more: Callable[[int], int | Exception]) -> None:
        self.asked: Counter[tuple[str, Endpoint]] = Counter()
        self._serials = more

    def _serial(self, server: Endpoint) -> int:
        self.asked["serial", server] += 1
        key = {UPDATE: "update", ONE: "one", TWO: "two"}[server]
        serial = self._serials[key](self.asked["serial", server]) if key in self._serials else 7
        if isinstance(serial, Exception):
            raise serial
        return serial

    async def read_zone(self, server: Endpoint, zone: str, names: tuple[str, ...]) -> ZoneReading:
        serial = self._serial(server)
        records = tuple(RecordSet(name, "A", 300, ("192.0.2.80",)) for name in names)
        return ZoneReading(zone, serial, records, complete=True)

    async def serial(self, server: Endpoint, _zone: str, *, timeout_s: float) -> int:
        assert timeout_s > 0
        return self._serial(server)

    async def ask(self, server: Endpoint, _name: str, rdtype: str, *, timeout_s: float) -> Answer:
        assert timeout_s > 0
        self.asked["name", server] += 1
        return Answer(("192.0.2.80",) if rdtype == "A" else (), 300, authoritative=True, aliases=(), took_s=0.0)


async def look(dns: FakeDns, zones: int, *, by_name: bool = True) -> list[ZoneConsistency]:
    found = await survey(cast("Dns", dns), fleet(zones), fleet(zones).dns.zones, by_name=by_name, again_after_s=0)
    return [one.verdict.worst for one in found]


async def test_a_dead_name_server_is_asked_once_however_many_zones_there_are() -> None:
    fake = FakeDns(two=lambda _: TimedOutError("no answer"))
    assert await look(fake, 300) == [ZoneConsistency.SILENT] * 300
    assert fake.asked["serial", TWO] == 1
    assert fake.asked["serial", ONE] == 300


async def test_a_dead_update_server_is_asked_once_too() -> None:
    fake = FakeDns(update=lambda _: TimedOutError("no answer"))
    assert await look(fake, 300) == [ZoneConsistency.IN_STEP] * 300
    assert fake.asked["serial", UPDATE] == 1


async def test_a_name_server_that_dies_on_the_way_is_given_up_after_a_few() -> None:
    fake = FakeDns(two=lambda number: 7 if number == 1 else TimedOutError("no answer"))
    steps = await look(fake, 300)
    assert Counter(steps) == {ZoneConsistency.IN_STEP: 1, ZoneConsistency.SILENT: 299}
    assert fake.asked["serial", TWO] < 30


async def test_a_lost_answer_now_and_then_gives_nobody_up() -> None:
    fake = FakeDns(two=lambda number: TimedOutError("lost") if number % 10 == 5 else 7)
    steps = await look(fake, 100)
    assert Counter(steps) == {ZoneConsistency.IN_STEP: 90, ZoneConsistency.SILENT: 10}


async def test_a_server_that_does_not_serve_one_zone_is_still_asked_for_the_others() -> None:
    fake = FakeDns(two=lambda number: DnsError("not served") if number <= 50 else 7)
    steps = await look(fake, 100)
    assert Counter(steps) == {ZoneConsistency.IN_STEP: 50, ZoneConsistency.SILENT: 50}


async def test_a_name_server_that_was_only_slow_is_in_step_at_the_second_look() -> None:
    fake = FakeDns(one=lambda number: 6 if number == 1 else 7)
    assert await look(fake, 1) == [ZoneConsistency.IN_STEP]


async def test_one_that_still_lags_at_the_second_look_is_behind() -> None:
    assert await look(FakeDns(one=lambda _: 6), 1) == [ZoneConsistency.BEHIND]


@pytest.mark.parametrize(("by_name", "names"), [(True, 4), (False, 0)])
async def test_names_are_asked_for_only_where_that_was_wanted(*, by_name: bool, names: int) -> None:
    fake = FakeDns()
    assert await look(fake, 2, by_name=by_name) == [ZoneConsistency.IN_STEP] * 2
    assert fake.asked["name", ONE] == names


async def test_thousands_of_zones_are_compared_by_serial_and_the_answer_says_so() -> None:
    async def nowhere() -> dict[str, str]:
        return {}

    fake = FakeDns()
    store = SimpleNamespace(copies=SimpleNamespace(active=nowhere))
    ports = cast("Ports", SimpleNamespace(fleet=fleet(2000), dns=fake, store=store))
    reply = await answer(["dns"], Person("someone", "terminal", frozenset()), "terminal", ports)
    assert reply.exit_code == 0
    assert any("Compared by serial only" in getattr(part, "text", "") for part in reply.parts)
    assert fake.asked["name", ONE] == 0

"""A small made-up fleet for tests on plain values: three servers, four sites, two zones."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from core.cutover.planning import draw_changes
from core.dns.records import RecordSet, ZoneReading
from core.fleet import DnsSettings, Endpoint, Fleet, NameServer, SecretRef, Server, Site, SshLogin
from core.monitor.detection import TargetState
from core.monitor.state import Condition, StateTally
from core.plan.plan import Failover, Move, Plan, ZoneChange
from core.status.overview import CopyAges, FleetPicture, InProgress

NOW = datetime(2026, 6, 14, 13, 2, 7, tzinfo=UTC)
UPDATE = Endpoint("192.0.2.53", 53)


def server(name: str, ipv4: str | None, ipv6: str | None = None) -> Server:
    login = SshLogin("ops", 22, SecretRef("file", "/keys/bot"), "/keys/known_hosts")
    return Server(name, f"{name.title()}ville", login, ipv4, ipv6)


@pytest.fixture
def now() -> datetime:
    return NOW


@pytest.fixture
def fleet() -> Fleet:
    servers = [
        server("north", "192.0.2.1", "2001:db8::1"),
        server("south", "192.0.2.2", "2001:db8::2"),
        server("east", "192.0.2.3"),
    ]
    sites = [
        Site("shop", "north", ("south", "east"), ("shop.test", "www.shop.test"), "/srv/{server}/shop"),
        Site("blog", "north", ("east",), ("blog.test",), "/srv/{server}/blog"),
        Site("alone", "north", (), ("alone.shop.test",), "/srv/{server}/alone"),
        Site("far", "south", ("north",), ("far.shop.test",), "/srv/{server}/far"),
    ]
    return Fleet(
        name="test",
        timezone="UTC",
        servers={one.name: one for one in servers},
        sites={one.name: one for one in sites},
        dns=DnsSettings(
            update=(UPDATE,),
            nameservers=tuple(
                NameServer(f"ns{i}", Endpoint(f"192.0.2.{60 + i}"), place)
                for i, place in enumerate(("Oslo", "Rome"), start=1)
            ),
            zones=("shop.test", "blog.test"),
        ),
    )


def records(*lines: str) -> tuple[RecordSet, ...]:
    """Record sets from `owner ttl type value[,value…]` lines."""
    parsed = [line.split() for line in lines]
    return tuple(RecordSet(owner, rdtype, int(ttl), tuple(values.split(","))) for owner, ttl, rdtype, values in parsed)


@pytest.fixture
def readings() -> dict[tuple[Endpoint, str], ZoneReading]:
    shop = records(
        "shop.test 300 A 192.0.2.1",
        "shop.test 300 AAAA 2001:db8::1",
        "www.shop.test 60 A 192.0.2.1",
        "alone.shop.test 300 A 192.0.2.1",
        "far.shop.test 300 A 192.0.2.2",
        "ftp.shop.test 300 A 192.0.2.1",
    )
    blog = records("blog.test 300 A 192.0.2.1", "blog.test 300 AAAA 2001:db8::1")
    return {
        (UPDATE, "shop.test"): ZoneReading("shop.test", 10, shop, complete=True),
        (UPDATE, "blog.test"): ZoneReading("blog.test", 20, blog, complete=True),
    }


@pytest.fixture
def plan(fleet: Fleet, readings: dict[tuple[Endpoint, str], ZoneReading]) -> Plan:
    moves = (Move("shop", "north", "south"), Move("blog", "north", "east"))
    drawn = draw_changes(fleet, moves, readings)
    return Plan(
        id="K7Q2",
        purpose=Failover(),
        moves=moves,
        zones=drawn.zones,
        asked_by="slack:U1",
        asked_at=NOW,
        expires_at=NOW + timedelta(minutes=10),
        stray_records=drawn.stray_records,
        line="failover north",
    )


@pytest.fixture
def zone_change(plan: Plan) -> ZoneChange:
    return plan.zones[0]


@pytest.fixture
def planned(plan: Plan) -> Plan:
    return replace(plan, purpose=Failover(planned=True))


@pytest.fixture
def picture(fleet: Fleet) -> FleetPicture:
    """Picture the fleet as it is when all is well."""
    up = Condition(TargetState.UP, NOW - timedelta(days=1), "", NOW)
    return FleetPicture(
        fleet=fleet,
        now=NOW,
        servers=dict.fromkeys(fleet.servers, up),
        nameservers={server.name: up for server in fleet.dns.nameservers},
        sites=StateTally(up=4),
        worst=(),
        served={"north": 3, "south": 1},
        ages=CopyAges((NOW - timedelta(hours=3), "shop", "south"), 0, 0, 1, NOW),
        work=InProgress(),
    )

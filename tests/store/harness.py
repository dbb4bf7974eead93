"""What the tests of the store share: a moment, a lease, a card and a plan."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from core.dns.records import RecordChange, RecordSet
from core.fleet import Endpoint
from core.plan.plan import Failover, Move, Plan, ZoneChange
from core.reply import Reply

NOW = datetime(2026, 6, 14, 13, 2, 7, tzinfo=UTC)
LEASE = timedelta(seconds=15)
CARD = Reply("a card")


def a_plan(plan_id: str = "K7Q2", *sites: str) -> Plan:
    old, new = (RecordSet("shop.test", "A", 300, (address,)) for address in ("192.0.2.1", "192.0.2.2"))
    return Plan(
        id=plan_id,
        purpose=Failover(),
        moves=tuple(Move(site, "north", "south") for site in sites or ("shop",)),
        zones=(ZoneChange(Endpoint("192.0.2.53"), "shop.test", 10, (RecordChange(old, new),)),),
        asked_by="slack:U1",
        asked_at=NOW,
        expires_at=NOW + timedelta(minutes=10),
    )

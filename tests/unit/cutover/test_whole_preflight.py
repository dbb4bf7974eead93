"""What preflight says, whole: every verdict with its figures and what helps."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from unit.wholes import compare

from core.cutover.preflight_checks import judge
from core.cutover.preflight_facts import Observation, PreflightFacts, TargetCopy
from core.dns.promises import Promises
from core.plan.plan import Failover, Rollback
from core.plan.restore import Restore

FILE = Path(__file__).parent / "whole_preflight.txt"
NOW = datetime(2026, 6, 14, 13, 2, tzinfo=UTC)
HOUR = timedelta(hours=1)
UP, DOWN = Observation(ok=True), Observation(ok=False, why="refused")
COPY = TargetCopy("shop", "south", UP, NOW - 3 * HOUR, 26 * HOUR)
LATE = replace(COPY, site="blog", last_good_at=NOW - 27 * HOUR)
NEVER = replace(COPY, site="wiki", last_good_at=None, server="east")
AHEAD = replace(COPY, site="docs", last_good_at=NOW + HOUR)
BROKEN = replace(COPY, site="zoo", answers=Observation(ok=False, why="status 500"))
GOOD = PreflightFacts(
    now=NOW,
    purpose=Failover(),
    sources={"north": {"here": DOWN, "south": DOWN}},
    serving={"north": (0, 1)},
    own_link=True,
    targets={"south": UP},
    copies=(COPY, replace(COPY, site="attic", last_good_at=NOW - 26 * HOUR)),
    updates={"shop.test@192.0.2.53:53": None},
    promises=Promises(atomic=True, conditional=True, provable=True),
    nameservers={"ns1": {"shop.test": 10, "blog.test": 3}, "ns2": {"shop.test": 11, "blog.test": 3}},
    serials={"shop.test": (10, 11), "blog.test": (3,)},
    max_ttl_s=300,
    disks={"south": 0.949},
    recent=(("shop", NOW - timedelta(minutes=15)),),
)
ILL = replace(
    GOOD,
    own_link=False,
    targets={"south": UP, "east": DOWN},
    disks={"south": 0.95, "east": 0.5},
    copies=(COPY, LATE, NEVER, AHEAD, BROKEN),
    updates={"shop.test@192.0.2.53:53": None, "blog.test@192.0.2.53:53": "NOTAUTH"},
    promises=Promises(atomic=False, conditional=False, provable=False),
    nameservers={"ns1": "ns1 timed out", "ns2": {"shop.test": 9, "blog.test": 3}, "ns3": {"shop.test": 10}},
    busy=(("shop", "a sync"), ("my blog", "a cutover")),
    long_ttls=(("shop.test A", 3600), ("www.shop.test A", 86_400)),
    recent=(("shop", NOW - timedelta(minutes=14)), ("blog", NOW - HOUR)),
    unread=("blog.test",),
    unhandled_names=("www is an alias",),
    stray_records=("ftp.shop.test A 192.0.2.1 (north)", "old A 192.0.2.1 (north)"),
    backed_up=("shop",),
    unfrozen=("shop", "blog"),
    hooks_left_out=("freeze of shop on north",),
)


def said(facts: PreflightFacts) -> list[str]:
    return [f"{one.level.value} {one.check}: {one.text} → {one.hint}" for one in judge(facts)]


def test_what_preflight_says_is_what_people_were_promised() -> None:
    planned = Failover(planned=True)
    restore = Restore("shop", "south", "0123", NOW, "old", "/srv")
    up, both = {"north": {"here": UP, "south": UP}}, {"north": {"here": DOWN, "south": UP}}
    one_place, nowhere = {"north": {"here": DOWN, "south": None}}, {"north": {"south": None}}
    servers = {"north": {"here": DOWN, "south": DOWN, "east": DOWN}, "west": {"here": UP}}
    gives_way = replace(GOOD, busy=(("shop", "a sync"), ("blog", "a backup")))
    all_silent = replace(GOOD, nameservers={"ns1": "ns1 timed out", "ns2": "ns2 refused"})
    compare(
        FILE,
        {
            "all well": said(GOOD),
            "nothing well": said(ILL),
            "nothing well, planned": said(replace(ILL, purpose=planned, without_hooks=True)),
            "nothing well, a rollback": said(replace(ILL, purpose=Rollback("AAAA"), sources=up)),
            "a restore": said(replace(GOOD, purpose=restore)),
            "planned, and up": said(replace(GOOD, purpose=planned, sources=up)),
            "up": said(replace(GOOD, sources=up, serving={"north": (1, 2)})),
            "up, serving none": said(replace(GOOD, sources=up, serving={"north": (0, 2)})),
            "up, with no site": said(replace(GOOD, sources=up, serving={})),
            "down here, up elsewhere": said(replace(GOOD, sources=both)),
            "down here, and serving": said(replace(GOOD, serving={"north": (1, 2)})),
            "up elsewhere, and serving": said(replace(GOOD, sources=both, serving={"north": (1, 2)})),
            "seen from one place": said(replace(GOOD, sources=one_place)),
            "seen from nowhere": said(replace(GOOD, sources=nowhere)),
            "two servers": said(replace(GOOD, sources=servers)),
            "what runs gives way": said(gives_way),
            "what runs gives way to no planned move": said(replace(gives_way, purpose=planned, sources=up)),
            "a backup reads it": said(replace(GOOD, backed_up=("shop", "blog"))),
            "all name servers are silent": said(all_silent),
            "one name server": said(replace(GOOD, nameservers={"ns1": {"shop.test": 10, "blog.test": 3}})),
            "no name server": said(replace(GOOD, nameservers={})),
            "no copy": said(replace(GOOD, copies=())),
            "only late copies": said(replace(GOOD, copies=(LATE,))),
            "only copies from the future": said(replace(GOOD, copies=(AHEAD,))),
            "no update server": said(replace(GOOD, updates={})),
            "one long-lived record": said(replace(GOOD, long_ttls=(("shop.test A", 3600),), stray_records=("x",))),
        },
    )

"""The status pages, whole: as HTML, as JSON and as a feed, of a fleet that is well and of one that is not."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from unit.outages import outage_of
from unit.wholes import compare

from core.fleet.target import FLEET, Target
from core.incident.facts import OutageFacts
from core.incident.maintenance import Maintenance
from core.incident.notes import Annotation
from core.monitor.detection import TargetState
from core.monitor.state import StateTally
from core.page.bars import bars, bars_words
from core.page.days import Day, days_of
from core.page.events import incident_of, work_of_maintenance, work_of_plan
from core.page.feed import page_feed
from core.page.html import page_html
from core.page.json_feed import page_facts
from core.page.model import Page, PageIncident, PageTarget, PlannedWork, Stage, headline, published_content
from core.page.redaction import LONGEST_CAUSE, Redaction
from core.page.style import SCRIPT, STYLE, policy

if TYPE_CHECKING:
    from core.fleet import Fleet
    from core.plan.plan import Plan

HERE = Path(__file__).parent
NOW = datetime(2026, 6, 14, 13, 2, 7, tzinfo=UTC)
HOUR = timedelta(hours=1)
STATES = (TargetState.UP, TargetState.DEGRADED, TargetState.DOWN, TargetState.UNKNOWN)


def few_days(*stretches: tuple[str, datetime, datetime]) -> tuple[Day, ...]:
    return days_of(stretches, "Europe/London", NOW, timedelta(seconds=65), 4)


SOME = few_days(
    ("up", NOW - 80 * HOUR, NOW - 50 * HOUR),
    ("down", NOW - 50 * HOUR, NOW - 49 * HOUR),
    ("degraded", NOW - 30 * HOUR, NOW - 20 * HOUR),
    ("down", NOW - 20 * HOUR, NOW - 19 * HOUR),
    ("up", NOW - 19 * HOUR, NOW),
)
WELL = Page(
    title="Garden <hosting>",
    timezone="Europe/London",
    written_at=NOW,
    stale_after=timedelta(minutes=10),
    servers=(
        PageTarget("uk", "London", TargetState.UP, NOW - 48 * HOUR, days=SOME),
        PageTarget("us", "Dallas", TargetState.UP, url="https://us.example/?a&b"),
    ),
    sites=(PageTarget("garden", "uk", TargetState.UP, days=SOME[:1], note="moving"),),
    tally=StateTally(up=1),
    nameservers=StateTally(up=6),
    seen_at=NOW,
)
WORK = (
    PlannedWork("maintenance:3", "Work on us", Stage.PLANNED, "Disks & more", NOW + HOUR, NOW + 2 * HOUR,
                updated_at=NOW - 4 * HOUR),
    PlannedWork("maintenance:4", "Work on uk", Stage.LATE, "", NOW - HOUR, None, NOW - HOUR, updated_at=NOW),
    PlannedWork("maintenance:5", "Work on it", Stage.OVER, "", NOW - HOUR, NOW, NOW - HOUR, NOW, NOW - HOUR),
    PlannedWork("plan:K7Q2", "Moving 3 sites", Stage.RUNNING, begun_at=NOW - HOUR, updated_at=NOW - 3 * HOUR),
    PlannedWork("plan:NEVER", "Not told", Stage.CANCELLED),
)  # fmt: skip
INCIDENTS = (
    PageIncident("outage:8", "us is down", NOW - HOUR, None, "silent"),
    PageIncident("outage:7", "uk was down", NOW - 9 * HOUR, NOW - 2 * HOUR, "", "A <fire>"),
    PageIncident("outage:6", "de was down", NOW - 10 * HOUR, NOW - 5 * HOUR, "refused"),
)
ILL = replace(
    WELL,
    timezone="Pacific/Auckland",
    servers=tuple(
        PageTarget(f"s{number}", f"Place {number}", STATES[number % 4], NOW, "why" * (number % 2))
        for number in range(6)
    ),
    sites=tuple(PageTarget(f"site{number}", "s1", state, why="slow") for number, state in enumerate(STATES)),
    tally=StateTally(3, 1, 2, 1),
    nameservers=StateTally(up=4, down=1, degraded=1),
    sites_left_out=2,
    incidents=INCIDENTS,
    incidents_left_out=1,
    work=WORK,
    seen_at=None,
)  # fmt: skip


def html(page: Page) -> str:
    """Return a page without what a style or a script is made of, which its own tests look at."""
    return page_html(page).replace(STYLE, "STYLE").replace(SCRIPT, "SCRIPT").replace(escape(policy()), "POLICY")


def test_the_pages_are_what_people_were_promised() -> None:
    one_more = replace(WELL, sites_left_out=1, tally=StateTally(up=2))
    five = replace(ILL, servers=ILL.servers[:5], incidents=(), work=())
    compare(
        HERE / "whole_pages.txt",
        {
            "well": html(WELL),
            "well, on a server": html(WELL.on("us")),
            "well, one more site": html(one_more),
            "ill": html(ILL),
            "ill, on a server": html(ILL.on("s3")),
            "ill, five servers": html(five.on("s3")),
            "bare": html(replace(WELL, servers=(), sites=(), tally=StateTally(), nameservers=StateTally())),
            "as a feed": page_feed(ILL.on("us"), "garden"),
            "as a feed, with addresses": page_feed(replace(WELL.on("us"), incidents=INCIDENTS), "garden"),
            "as a feed, nothing to say": page_feed(WELL, "garden"),
            "as JSON": dict(page_facts(WELL)),
            "as JSON, ill": dict(page_facts(ILL.on("s3"))),
            "what is news": list(map(str, published_content(ILL))),
        },
    )


def test_headlines_and_bars_are_what_people_were_promised() -> None:
    up, part, down, unknown = (PageTarget("uk", "London", state) for state in STATES)

    def said(*servers: PageTarget, tally: StateTally | None = None, names: StateTally | None = None) -> str:
        some = replace(WELL, servers=servers, tally=tally or StateTally(), nameservers=names or StateTally())
        return "{}: {}".format(*headline(some))

    day = NOW.date()
    days = {
        "a whole day up": (Day(day, 86400.0, 86400.0),),
        "a minute down": (Day(day, 86400.0, 86340.0, 0.0, 60.0),),
        "a minute in part": (Day(day, 86400.0, 86340.0, 60.0, 0.0),),
        "half a day not observed": (Day(day, 86400.0, 43200.0),),
        "299 s not observed": (Day(day, 86400.0, 86101.0),),
        "300 s not observed": (Day(day, 86400.0, 86100.0),),
        "nothing observed": (Day(day, 86400.0),),
        "hardly anything observed": (Day(day, 299.0), Day(day, 299.0, 1.0, 1.0, 1.0)),
        "no day": (Day(day, 0.0),),
        "a bit of each": (Day(day, 86400.0, 1.0, 1.0, 84000.0),),
        "a third of each": (Day(day, 90.0, 30.0, 30.0, 30.0),),
        "two days down": (Day(day, 86400.0, 80000.0, 0.0, 6400.0), Day(day - timedelta(1), 86400.0, 0.0, 0.0, 60.0)),
    }
    names = StateTally(up=5, degraded=1)
    compare(
        HERE / "whole_bars.txt",
        {
            "headlines": [
                said(),
                said(up),
                said(up, up, tally=StateTally(up=1)),
                said(up, names=names),
                said(up, names=StateTally(up=5, down=1)),
                said(up, names=StateTally(up=5, unknown=1)),
                said(up, names=StateTally(down=1)),
                said(up, tally=StateTally(up=1, unknown=1), names=names),
                said(up, tally=StateTally(up=1, down=1)),
                said(up, tally=StateTally(down=1)),
                said(unknown),
                said(unknown, tally=StateTally(unknown=3)),
                said(unknown, up),
                said(up, part, down, unknown, tally=StateTally(up=5, down=7)),
                said(*[down] * 6, tally=StateTally(up=1200)),
            ],
            **{name: [bars(of), bars_words(of)] for name, of in days.items()},
        },
    )


def test_what_the_pages_say_of_events_is_what_people_were_promised(fleet: Fleet, plan: Plan) -> None:
    fire = (Annotation("cause", "A fire at 192.0.2.1", "slack:U1", NOW),)
    facts = {
        "": OutageFacts(why="no answer from 192.0.2.1", at_first=3, place="Oslo"),
        "one site": OutageFacts(affected=1),
        "flapping": OutageFacts(changes=6, place="Oslo"),
        "lame": OutageFacts(lame=True, place="Oslo"),
        "bare": OutageFacts(),
        "unseen": OutageFacts(why="silent", unseen_until_at=NOW),
        "unseen, nobody knows why": OutageFacts(unseen_until_at=NOW),
    }
    targets = ("server:north", "sites:north", "nameserver:ns1", "link:bot", "degraded:north", "server:gone")
    public = Redaction(frozenset({"blog"}))
    scopes = (FLEET, *(Target.parse(one) for one in ("server:north", "site:shop", "nameserver:ns1", "site:blog",
                                                     "site:gone", "server:gone", "nameserver:gone")))  # fmt: skip
    one = Maintenance(3, FLEET, "New disks at 192.0.2.1", "slack:U1", NOW - 2 * HOUR, NOW, NOW + HOUR)
    phases = {
        "planned": (one, NOW - HOUR),
        "under way": (replace(one, began_at=NOW + timedelta(minutes=1)), NOW),
        "late": (one, NOW + HOUR),
        "over": (replace(one, began_at=NOW, ended_at=NOW + HOUR), NOW),
        "cancelled": (replace(one, cancelled_at=NOW), NOW),
    }
    hidden = (Redaction(), public, Redaction(frozenset({"shop", "blog"})))
    compare(
        HERE / "whole_events.txt",
        {
            **{
                f"{target} {name}".rstrip(): [
                    str(
                        incident_of(
                            outage_of(target, seen, opened_at=NOW - HOUR, closed_at=closed_at, annotations=fire),
                            fleet,
                            public,
                        )
                    )
                    for closed_at in (None, NOW)
                ]
                for target in targets
                for name, seen in facts.items()
            },
            "moves": [str(work_of_plan(plan, NOW, fleet, one)) for one in hidden],
            "work": [str(work_of_maintenance(replace(one, scope=scope), fleet, public, NOW)) for scope in scopes],
            **{f"work, {name}": str(work_of_maintenance(it, fleet, public, at)) for name, (it, at) in phases.items()},
        },
    )


def test_a_cause_of_just_the_longest_length_is_said_whole() -> None:
    assert Redaction().written("x" * LONGEST_CAUSE) == "x" * 2000
    assert Redaction().written("x" * 2001) == "x" * 1999 + "…"


def test_of_two_hidden_names_the_longer_goes_first() -> None:
    public = Redaction(frozenset({"shop", "shop.example", "a-shop.example"}))
    assert public.written("a-shop.example, shop.example and shop") == "…, … and …"

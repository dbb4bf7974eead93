"""What `status`, `sites` and the Home tab show, whole, and what `store` does."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from unit.outages import outage_of
from unit.wholes import compare

from core.fleet.target import Target
from core.incident.maintenance import Maintenance
from core.monitor.detection import TargetState
from core.monitor.state import Condition, StateTally
from core.page.days import share_words
from core.plan.verdict import Level, Verdict
from core.reply import Button, Reply, Table, Text, Tone
from core.status.detail import nameserver_reply, server_reply, site_reply
from core.status.home_tab import Pending, as_of, home_of
from core.status.overview import CopyAges, InProgress, status_reply
from core.status.overview_json import status_facts
from core.status.plot import latency_plot, slot_of, uptime_plot
from core.status.sites import SiteCopy, SiteProtection, sites_reply
from core.store_doubt import accepted_card, beside_card, doubt_card, store_reply, why_in_doubt, with_doubt
from core.store_standing import StoreNote, judge_store
from core.store_trouble import gone, named, not_wal_hint, store_error, why_not_wal

if TYPE_CHECKING:
    from core.fleet import Fleet, Site
    from core.plan.plan import Plan
    from core.status.overview import FleetPicture

HERE = Path(__file__).parent
NOW = datetime(2026, 6, 14, 13, 2, 7, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(hours=26)
UP = Condition(TargetState.UP, NOW - 2 * HOUR, "", NOW)
DOWN = Condition(TargetState.DOWN, NOW - HOUR, "SSH: refused", NOW)
LAGS = Condition(TargetState.DEGRADED, NOW - HOUR, "behind in shop.test", NOW)
NEVER = Condition(why="never looked at")


def pictures(picture: FleetPicture) -> dict[str, FleetPicture]:
    """Return the fleet as it is in various kinds of trouble."""
    works = Maintenance(3, Target.server("north"), "new disks.", "slack:U1", NOW, NOW, NOW + HOUR)
    work = InProgress(
        plans=(("K7Q2", "planned", "Move 3 sites"), ("B2B2", "approved", "Move 2 sites")),
        syncs=("shop to south", "blog to east"),
        outages=(
            outage_of("server:north", opened_at=NOW - HOUR),
            outage_of("nameserver:ns1", id=8, opened_at=NOW - HOUR, acked_by="slack:U1"),
        ),
        quarantined={"north": 2, "south": 1},
        maintenance=(works, replace(works, id=4, ends_at=NOW)),
    )
    some = next(iter(picture.fleet.servers.values()))
    names = [f"s{number:02}" for number in range(23)]
    many = replace(
        picture,
        fleet=replace(picture.fleet, servers={name: replace(some, name=name) for name in names}),
        servers={**dict.fromkeys(names, UP), "s22": DOWN, "s21": LAGS, "s03": NEVER, "s07": DOWN},
        sites=StateTally(up=2000, down=30),
        worst=tuple((f"site{n}", "s22", DOWN) for n in range(23)),
        nameservers={"ns1": DOWN, "ns2": NEVER},
    )
    worse = replace(
        picture,
        servers={"north": DOWN, "south": UP, "east": LAGS},
        nameservers={"ns1": UP, "ns2": LAGS},
        sites=StateTally(up=1, degraded=1, down=1, unknown=1),
        worst=(("shop", "north", DOWN), ("blog", "east", LAGS)),
        ages=CopyAges(None, 2, 3, 0, NOW, ahead=4, nowhere=("attic", "shed"), unbacked=4),
    )
    backed_up = replace(picture.ages, unbacked=0, oldest_backup_at=NOW - 9 * HOUR, exceptions=2)
    return {
        "well": picture,
        "well, backed up": replace(picture, ages=backed_up),
        "some never backed up": replace(picture, ages=replace(backed_up, unbacked=1)),
        "in trouble": worse,
        "one server down": replace(picture, servers={**picture.servers, "south": DOWN}),
        "a server that is degraded": replace(picture, servers={**picture.servers, "south": LAGS}),
        "never looked at": replace(picture, servers={**picture.servers, "south": NEVER}),
        "a site that is down": replace(picture, sites=StateTally(up=3, down=1), worst=(("shop", "north", DOWN),)),
        "a site in trouble": replace(picture, sites=StateTally(up=3, degraded=1)),
        "copies that are overdue": replace(picture, ages=CopyAges(None, 1, 0, 0, NOW)),
        "no copy to make": replace(picture, ages=CopyAges(None, 0, 0, 0, NOW)),
        "busy": replace(picture, work=work),
        "large": many,
        "nobody watches": replace(picture, watched=False, unseen=3),
        "nobody watches, all looked at": replace(picture, watched=False),
    }


def test_what_status_says_is_what_people_were_promised(picture: FleetPicture) -> None:
    drawn: dict[str, object] = {name: status_reply(one) for name, one in pictures(picture).items()}
    known = pictures(picture)["in trouble"]
    sites = {"shop": DOWN, "blog": UP}
    newest = {("shop", "south"): NOW - HOUR, ("far", "north"): NOW - 2 * HOUR}
    asked = (None, Target.server("south"), Target.site("blog"), Target.nameserver("ns2"), Target.server("east"))
    for one in asked:
        drawn[f"facts of {one}"] = dict(status_facts(known, sites, {"blog": "east"}, newest, one))
    compare(HERE / "whole_status.txt", drawn)


def test_what_the_home_tab_shows_is_what_people_were_promised(picture: FleetPicture, plan: Plan) -> None:
    card = Reply("Move 2 sites?", (Table(("x",), ()),), (Button("Approve", "approve K7Q2"),))
    alert = Reply("north is down", (Text("From 2 places."), Table(("site",), ())), (Button("Ack", "ack 7"),), Tone.BAD)
    verdicts = (Verdict("ssh", Level.PASS, "fine"), *(Verdict("age", Level.WARN, f"old {n}") for n in range(6)))
    full = replace(plan, verdicts=verdicts, force="no other way")
    four = replace(plan, verdicts=verdicts[:5])
    drawn = {name: home_of(one) for name, one in pictures(picture).items()}
    drawn |= {
        "nobody looked": home_of(picture, watched=False),
        "a plan waits": home_of(picture, [Pending(full, card, ("slack:U2", "slack:U3"))], [alert]),
        "a plan waits, with four warnings": home_of(picture, [Pending(four, card)]),
        "a plan waits no longer": home_of(replace(picture, now=plan.expires_at), [Pending(plan, card)]),
        "eight alerts": home_of(picture, (), [replace(alert, title=f"alert {n}") for n in range(8)]),
        "ten alerts": home_of(picture, (), [replace(alert, title=f"alert {n}") for n in range(10)]),
        "at the minute's end": home_of(replace(picture, now=NOW.replace(second=59, microsecond=999))),
    }
    compare(HERE / "whole_home_tab.txt", {**drawn, "as of": as_of(NOW, "Europe/London")})


def copy(server: str, hours: float | None, **more: object) -> SiteCopy:
    age = timedelta(hours=hours) if hours is not None else None
    return SiteCopy(server, NOW - age if age is not None else None, age, DAY, **more)  # type: ignore[arg-type]


def kept(site: Site, active: str, *copies: SiteCopy, backed_up: float | None = None) -> SiteProtection:
    return SiteProtection(site, active, copies, NOW - timedelta(hours=backed_up) if backed_up is not None else None)


def test_what_is_said_of_sites_and_of_one_thing_is_what_people_were_promised(fleet: Fleet) -> None:
    shop, blog, far, alone = (fleet.sites[name] for name in ("shop", "blog", "far", "alone"))
    sites = [
        kept(shop, "north", copy("south", 3.00000015, compared_at=NOW - 48 * HOUR), copy("east", 26.01)),
        kept(blog, "east", copy("north", 1, quarantined=True), backed_up=6),
        kept(far, "south", copy("north", 30, last_trouble="the link broke", compared_at=NOW - HOUR, same=False)),
        kept(replace(far, name="farther"), "south", copy("north", 40), copy("east", None, quarantined=True)),
        kept(replace(far, name="ahead"), "south", copy("north", -2)),
        kept(replace(far, name="barely"), "north", copy("south", -1 / 60), copy("east", 26)),
        kept(alone, "north"),
        kept(replace(alone, name="saved"), "north", backed_up=5),
        kept(replace(shop, name="never"), "north", copy("south", None, last_trouble="no room")),
    ]
    many = [kept(replace(shop, name=f"s{n:02}"), "north", copy("south", n)) for n in range(23)]
    north, ns1 = fleet.servers["north"], fleet.dns.nameservers[0]
    compare(
        HERE / "whole_details.txt",
        {
            "sites": sites_reply(sites, NOW),
            "sites, backed up": replace(sites_reply(sites, NOW, "north", offsite=True), facts=None),
            "sites, very many": replace(sites_reply(many, NOW, "south"), facts=None),
            "sites, none": sites_reply([], NOW, "west"),
            "sites, none at all": sites_reply([], NOW),
            **{f"site {one.site.name}": site_reply(one, UP, "UTC", NOW, offsite=True) for one in sites},
            "site shop, down": site_reply(sites[0], DOWN, "UTC", NOW),
            "site shop, never seen": site_reply(sites[0], NEVER, "UTC", NOW),
            "server": server_reply(north, UP, {"shop": UP, "blog": replace(UP, why="so")}, 1, "UTC", NOW),
            "server, sites in trouble": server_reply(north, UP, {"blog": UP, "shop": DOWN, "far": LAGS}, 2, "UTC", NOW),
            "server, many sites": server_reply(north, UP, {f"s{n:02}": UP for n in range(23)}, 0, "UTC", NOW),
            "server, down": server_reply(north, DOWN, {}, 0, "UTC", NOW),
            "server, degraded": server_reply(north, LAGS, {"blog": UP}, 0, "UTC", NOW),
            "name server": nameserver_reply(ns1, UP, "UTC", NOW),
            "name server, never seen": nameserver_reply(ns1, NEVER, "UTC", NOW),
            "name server, down": nameserver_reply(ns1, DOWN, "UTC", NOW),
        },
    )


def test_the_last_day_in_columns_is_what_people_were_promised() -> None:
    minute, at, slot = timedelta(minutes=1), NOW - timedelta(minutes=2, seconds=7), slot_of(NOW)
    stretches = [
        ("down", at - 60 * HOUR, at - 50 * HOUR),
        ("up", at - 30 * HOUR, at - 20 * HOUR),
        ("degraded", at - 20 * HOUR, at - 19 * HOUR),
        ("down", at - 19 * HOUR, at - 18 * HOUR - 20 * minute),
        ("unknown", at - 10 * HOUR, at - 9 * HOUR),
        ("up", at - 5 * HOUR, at + HOUR),
        ("down", at + HOUR, at + 2 * HOUR),
    ]
    times = {slot - 72: 9.0, slot - 71: 0.01, slot - 3: 0.04, slot - 1: 1.25, slot: 0.0099, slot + 1: 9.0}
    compare(
        HERE / "whole_plots.txt",
        {
            "uptime": [uptime_plot(stretches, at)],
            "uptime, only degraded": [uptime_plot(stretches[2:3], at)],
            "uptime, only down": [uptime_plot([("down", at - 30 * HOUR, at)], at)],
            "uptime, not observed": [uptime_plot(stretches[:1], at)],
            "answer times": [latency_plot(times, NOW)],
            "answer times, none at all": [latency_plot({slot: 0.0}, NOW)],
            "shares": [share_words(share) for share in (1.0, 0.999999, 0.5, 0.05678, 0.0001, 0.00009, 0.0)],
        },
    )


OWN = StoreNote("aaaa", 2101, "a" * 64, NOW, earlier=("before",))
OTHER = StoreNote("bbbb", 1, "b" * 64, NOW - HOUR)


def test_what_is_said_of_a_store_is_what_people_were_promised() -> None:
    notes: dict[str, dict[str, StoreNote | str | None]] = {
        "known": {"uk": OWN, "old": replace(OWN, store="before", number=1)},
        "partly known": {"uk": OWN, "us": "no answer", "de": "it was silent", "far": None},
        "known to nobody": {"far": None},
        "another": {"uk": OTHER, "us": replace(OTHER, number=1200)},
        "went back": {"uk": replace(OWN, number=2102, at=NOW - HOUR)},
        "went back to before": {"uk": replace(OTHER, earlier=("aaaa",), at=NOW - 30 * HOUR)},
        "went apart": {"uk": replace(OWN, hash="c" * 64)},
    }
    verdicts = {name: judge_store(OWN, {2101: "a" * 64}, told) for name, told in notes.items()}
    why = {name: why_in_doubt(one, "Europe/London", NOW) or "" for name, one in verdicts.items()}
    first = judge_store(replace(OWN, number=1), {1: "a" * 64}, {})
    compare(
        HERE / "whole_store.txt",
        {
            **{name: store_reply(one, notes[name], why[name], "Europe/London", NOW) for name, one in verdicts.items()},
            "with one entry": store_reply(first, {}, "", "UTC", NOW),
            "beside another": beside_card("Another one is known", [("shop", "uk")]),
            "a card": doubt_card("It went back"),
            "accepted": accepted_card("It went back", "slack:U1", ("K7Q2", "ANXB"), [("shop", "uk")]),
            "accepted, nothing was open": accepted_card("It went back", "slack:U1", (), []),
            "an answer with doubt": with_doubt(Reply("all up", (Text("so"),), tone=Tone.GOOD), "It went back"),
            "an answer without": with_doubt(Reply("all up", tone=Tone.GOOD), ""),
            "what SQLite says": [
                f"{error.code}, exit {error.exit_code}: {error.message} {error.hint}"
                for code in (1, 3, 5, 6, 8, 10, 11, 13, 14, 26, 261, 779, None)
                for error in [store_error("/srv/our bot/s.db", code, "it says", waited_s=1.5)]
            ],
            "taken away": [
                f"{error.code}, exit {error.exit_code}: {error.message} {error.hint}"
                for replaced in (True, False)
                for error in [gone("/srv/s.db", replaced=replaced)]
            ],
            "which SQLite may": [
                f"{named(version)}: {why_not_wal(version) or 'it may'}"
                for version in (
                    (3, 6, 99), (3, 7, 0), (3, 44, 5), (3, 44, 6), (3, 45, 9), (3, 50, 6), (3, 50, 7), (3, 51, 2),
                    (3, 51, 3), (3, 52, 0), (4, 0, 0),
                )
            ],
            "which SQLite to install": not_wal_hint(),
        },
    )  # fmt: skip

"""What a status page says, and what it never does."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.outages import outage_of

from core.audit import Anchor
from core.fleet.target import FLEET, Target
from core.incident.facts import OutageEnd, OutageFacts
from core.incident.maintenance import Maintenance
from core.incident.notes import Annotation
from core.monitor.detection import TargetState
from core.monitor.state import StateTally
from core.page.days import Day, days_of, share_words, uptime
from core.page.events import incident_of, work_of_maintenance, work_of_plan
from core.page.feed import page_feed
from core.page.html import page_html
from core.page.json_feed import page_facts
from core.page.model import SITES, Page, PageIncident, PageTarget, PlannedWork, Stage, headline, published_content
from core.page.redaction import Redaction, plain
from core.page.style import policy

if TYPE_CHECKING:
    from core.fleet import Fleet
    from core.incident.outage import Outage
    from core.plan.plan import Plan

NOW = datetime(2026, 6, 14, 13, 2, 7, tzinfo=UTC)
NORTH = Target.server("north")
HOSTILE = '</title><script>alert("1")</script><img src=x onerror=alert(2)>&amp;\u202egnp.exe\x00\x1b[31m'
ATOM = "{http://www.w3.org/2005/Atom}"
HOUR = timedelta(hours=1)


def ago(**parts: float) -> datetime:
    return NOW - timedelta(**parts)


def some_days(*stretches: tuple[str, datetime, datetime], number: int = 90) -> tuple[Day, ...]:
    return days_of(stretches, "UTC", NOW, timedelta(seconds=65), number)


ALL_UP = some_days(("up", ago(days=100), NOW))


def page(**parts: object) -> Page:
    made = Page(
        title="Garden hosting",
        timezone="Europe/London",
        written_at=NOW,
        stale_after=timedelta(minutes=10),
        servers=(
            PageTarget("uk", "London", TargetState.UP, ago(days=2), days=ALL_UP),
            PageTarget("us", "Dallas", TargetState.UP, days=ALL_UP, url="https://us.example/"),
        ),
        sites=(PageTarget("garden", "uk", TargetState.UP, days=ALL_UP),),
        tally=StateTally(up=1),
        nameservers=StateTally(up=6),
        seen_at=NOW,
    )
    return replace(made, **parts)  # type: ignore[arg-type]


def outage(target: Target = NORTH, closed_at: datetime | None = None, **facts: Any) -> Outage:  # noqa: ANN401
    return outage_of(target, OutageFacts(**facts), opened_at=ago(minutes=20), closed_at=closed_at)


class Tags(HTMLParser):
    """What a browser would make of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words.append(data)


class TestHeadline:
    def test_all_is_well(self) -> None:
        assert headline(page()) == (TargetState.UP, "Everything is up: 1 site on 2 servers")

    def test_a_fleet_without_sites_is_well_too(self) -> None:
        assert headline(page(sites=(), tally=StateTally())) == (TargetState.UP, "Everything is up: 2 servers")

    @pytest.mark.parametrize("names", [StateTally(up=5, down=1), StateTally(up=5, degraded=1)])
    def test_name_servers_that_are_not_ok_are_told_where_all_else_is_up(self, names: StateTally) -> None:
        said = "All is up on 2 servers, but only 5 of 6 name servers are ok"
        assert headline(page(nameservers=names)) == (TargetState.DEGRADED, said)
        assert headline(page(nameservers=names, tally=StateTally(up=11, down=1)))[1] == "11 of 12 sites are up"

    def test_the_worst_server_is_named_first(self) -> None:
        servers = (PageTarget("us", "Dallas", TargetState.DEGRADED), PageTarget("uk", "London", TargetState.DOWN))
        said = headline(page(servers=servers, tally=StateTally(up=5, down=7)))
        assert said == (TargetState.DOWN, "uk (London) is down, us (Dallas) is up in part; 5 of 12 sites are up")

    def test_sites_that_fail_on_servers_that_are_up_are_told(self) -> None:
        assert headline(page(tally=StateTally(down=1))) == (TargetState.DOWN, "0 of 1 site is up")

    def test_servers_that_are_down_are_told_where_there_are_no_sites(self) -> None:
        servers = (PageTarget("uk", "London", TargetState.DOWN),)
        assert headline(page(servers=servers, sites=(), tally=StateTally())) == (
            TargetState.DOWN,
            "uk (London) is down",
        )

    def test_nothing_observed_is_not_up(self) -> None:
        servers = (PageTarget("uk", "London", TargetState.UNKNOWN),)
        worst, said = headline(page(servers=servers, tally=StateTally(unknown=12)))
        assert worst is TargetState.UNKNOWN
        assert "unknown" in said

    def test_an_empty_page_knows_nothing(self) -> None:
        assert headline(page(servers=(), sites=(), tally=StateTally()))[0] is TargetState.UNKNOWN


class TestDays:
    def test_what_was_not_observed_is_neither_up_nor_down(self) -> None:
        days = some_days(("up", ago(hours=12), ago(hours=6)), ("down", ago(hours=2), ago(hours=1)))
        assert uptime(days).up == pytest.approx(6 / 7)
        assert days[-1].unobserved_s == pytest.approx(days[-1].length_s - 7 * 3600)
        assert uptime(days).observed < 0.01

    def test_nothing_observed_has_no_percentage(self) -> None:
        share = uptime(some_days(("unknown", ago(days=3), NOW)))
        assert (share.up, share.observed) == (None, 0)
        assert uptime(()).observed == 0

    def test_between_two_looks_within_the_gap_nothing_is_missed(self) -> None:
        joined = some_days(("up", ago(hours=3), ago(hours=2)), ("down", ago(hours=2) + timedelta(seconds=60), NOW))
        assert joined[-1].observed_s == pytest.approx(3 * 3600)
        assert joined[-1].up_s == pytest.approx(3660)

    def test_a_clock_that_was_set_back_counts_no_time_twice(self) -> None:
        days = some_days(("up", ago(hours=3), NOW), ("down", ago(hours=2), ago(hours=1)))
        assert days[-1].observed_s == pytest.approx(3 * 3600)

    def test_what_lies_in_the_future_is_not_counted(self) -> None:
        days = some_days(("up", ago(hours=1), NOW + HOUR), ("up", NOW + 2 * HOUR, NOW + 3 * HOUR))
        assert days[-1].observed_s == pytest.approx(3600)

    def test_days_are_those_of_the_zone_also_when_clocks_change(self) -> None:
        now = datetime(2026, 10, 26, 12, tzinfo=UTC)
        days = days_of([("up", now - timedelta(days=9), now)], "Europe/London", now, HOUR, 3)
        assert [round(day.length_s / 3600) for day in days] == [24, 25, 12]
        assert [day.unobserved_s for day in days] == [0, 0, 0]

    @given(
        st.lists(
            st.tuples(st.sampled_from(["up", "down", "degraded", "unknown"]), st.floats(-200, 5), st.floats(0, 100)),
            max_size=12,
        )
    )
    def test_no_day_holds_more_than_itself(self, stretches: list[tuple[str, float, float]]) -> None:
        made = [
            (state, NOW + timedelta(days=begin), NOW + timedelta(days=begin + length))
            for state, begin, length in stretches
        ]
        days = some_days(*made)
        assert len(days) == 90
        for day in days:
            assert 0 <= day.observed_s <= day.length_s + 0.01
        assert 0 <= uptime(days).observed <= 1

    @pytest.mark.parametrize(
        ("share", "words"),
        [(1.0, "100 %"), (0.99999, "99.99 %"), (0.5, "50.00 %"), (0.00001, "under 0.01 %"), (0.0, "0.00 %")],
    )
    def test_a_percentage_is_never_rounded_up(self, share: float, words: str) -> None:
        assert share_words(share) == words


class TestBars:
    def test_each_day_is_as_high_as_the_others(self) -> None:
        days = some_days(
            ("up", ago(days=9), ago(days=7)), ("down", ago(days=6), ago(days=5, hours=23)),
            ("degraded", ago(days=4), ago(days=3, hours=20)), ("down", ago(days=1), ago(hours=23.99)),
            ("up", ago(hours=20), NOW), ("down", NOW, NOW),
        )  # fmt: skip
        drawn = page_html(page(servers=(PageTarget("uk", "London", TargetState.UP, days=days),), sites=()))
        heights: dict[str, int] = {}
        for x, height in re.findall(r"M(\d+) \d+v-(\d+)", drawn):
            heights[x] = heights.get(x, 0) + int(height)
        assert len(heights) == 90
        assert set(heights.values()) == {20}

    def test_a_day_with_a_minute_down_has_red_and_a_mark(self) -> None:
        days = some_days(("up", ago(days=95), ago(hours=2)), ("down", ago(hours=2), ago(minutes=119)),
                         ("up", ago(minutes=119), NOW))  # fmt: skip
        drawn = page_html(page(servers=(PageTarget("uk", "London", TargetState.UP, days=days),), sites=()))
        red = re.findall(r'class="d" d="([^"]+)"', drawn)
        assert red == ["M358 20v-3M358 22v4"]
        assert "down 1 min on 2026-06-14" in drawn

    def test_a_day_of_many_short_troubles_is_not_higher_than_others(self) -> None:
        many = [Day(NOW.date(), 86400.0, up_s=1.0, degraded_s=1.0, down_s=84000.0), Day(NOW.date(), 0.0)]
        drawn = page_html(page(servers=(PageTarget("uk", "London", TargetState.UP, days=tuple(many)),), sites=()))
        assert sum(int(height) for height in re.findall(r"M2 \d+v-(\d+)", drawn)) == 20
        assert "M6 20v-20" in drawn

    def test_days_that_nobody_observed_are_grey_and_said_to_be(self) -> None:
        drawn = page_html(page(servers=(PageTarget("uk", "London", TargetState.UNKNOWN, days=some_days()),), sites=()))
        assert "Not observed in these 90 days." in drawn
        assert set(re.findall(r'<path class="(.)"', drawn)) == {"n"}

    def test_several_bad_days_are_counted_and_the_worst_is_named(self) -> None:
        days = some_days(("down", ago(days=9), ago(days=9) + HOUR), ("down", ago(days=5), ago(days=5) + 2 * HOUR))
        said = page_html(page(sites=(PageTarget("garden", "uk", TargetState.UP, days=days),)))
        assert "down on 2 days, longest 2 h on 2026-06-09" in said
        assert "0.00 % uptime, observed for 3 h of 90 days" in said


class TestHtml:
    def test_it_says_when_it_was_written_in_the_fleets_zone_and_in_utc_and_when_that_is_old(self) -> None:
        said = page_html(page())
        assert "2026-06-14 14:02:07 BST</time> (13:02:07 UTC)" in said
        assert "If that is more than 10 min ago, this page is old" in said
        assert 'data-written="2026-06-14T13:02:07Z" data-stale="600"' in said

    def test_utc_is_not_said_twice_and_another_day_is_said(self) -> None:
        assert "2026-06-14 13:02:07 UTC</time>." in page_html(page(timezone="UTC"))
        winter = page(written_at=datetime(2026, 12, 1, 9, tzinfo=UTC))
        assert "2026-12-01 09:00:00 GMT</time>." in page_html(winter)
        late = page_html(page(timezone="Pacific/Auckland"))
        assert "2026-06-15 01:02:07 NZST</time> (2026-06-14 13:02:07 UTC)" in late

    def test_nothing_that_anybody_wrote_becomes_markup(self) -> None:
        hostile = page(
            title=HOSTILE,
            servers=(
                PageTarget(HOSTILE, HOSTILE, TargetState.DOWN, why=HOSTILE, note=HOSTILE, url=f"https://x/{HOSTILE}"),
            ),
            sites=(PageTarget(HOSTILE, HOSTILE, TargetState.DEGRADED, why=HOSTILE),),
            incidents=(PageIncident("outage:1", HOSTILE, NOW, None, HOSTILE, HOSTILE),),
            work=(PlannedWork("plan:X", HOSTILE, Stage.RUNNING, HOSTILE),),
        )
        found = Tags(page_html(hostile.on(HOSTILE))).found
        assert [tag for tag, _ in found].count("script") == 1
        assert "img" not in [tag for tag, _ in found]
        assert not [name for _, attributes in found for name in attributes if name.startswith("on")]

    def test_it_asks_for_nothing_and_may_do_no_more_than_it_does(self) -> None:
        found = Tags(page_html(page())).found
        assert not [tag for tag, attributes in found if "src" in attributes or tag in {"img", "iframe", "form"}]
        assert policy() in {attributes.get("content") for _, attributes in found}
        assert "unsafe" not in policy()

    def test_ten_thousand_sites_make_a_page_under_500_kb_that_says_what_is_left_out(self) -> None:
        days = days_of(
            [(("up", "down")[n % 2], ago(hours=5 * n + 4.9), ago(hours=5 * n)) for n in range(430)], "UTC", NOW, HOUR
        )
        sites = tuple(PageTarget(f"site-{n}.with-a-long-name.example", "uk", TargetState.DOWN, NOW, "x" * 90, days)
                      for n in range(SITES))  # fmt: skip
        incidents = tuple(PageIncident(f"outage:{n}", "w" * 80, NOW, NOW, "s" * 90, "c" * 500) for n in range(50))
        said = page_html(
            page(sites=sites, tally=StateTally(down=9_000, up=1_000), sites_left_out=9_850, incidents=incidents,
                 incidents_left_out=3)
        )  # fmt: skip
        assert len(said.encode()) < 500_000
        assert "9,850 sites more that are not named here" in said
        assert "9,000 down, 1,000 up, of 10,000 sites" in said
        assert "3 older incidents" in said

    def test_one_left_out_is_one(self) -> None:
        one_down = page(sites_left_out=1, tally=StateTally(up=1, down=1))
        assert "And 1 site more that is not named here." in page_html(one_down)

    def test_of_sites_that_are_left_out_it_is_said_that_they_are_up_where_they_all_are(self) -> None:
        assert "And 1 site more, which is up." in page_html(page(sites_left_out=1, tally=StateTally(up=2)))
        down = PageTarget("garden", "uk", TargetState.DOWN)
        said = page_html(page(sites=(down,), sites_left_out=880, tally=StateTally(up=880, down=1)))
        assert "And 880 sites more, which are up." in said

    def test_an_incident_says_its_cause_and_how_long_it_was(self) -> None:
        incident = PageIncident("outage:7", "uk (London) was down", ago(hours=2), ago(hours=1), "no answer", "A fire")
        said = page_html(page(incidents=(incident,)))
        assert "Cause: <bdi>A fire</bdi>" in said
        assert "Symptom: no answer." in said
        assert "BST</time> (12:02:07 UTC): 1 h." in said

    def test_an_incident_that_goes_on_stands_before_all_others(self) -> None:
        going_on = PageIncident("outage:8", "us (Dallas) is down", ago(hours=1))
        over = PageIncident("outage:7", "uk (London) was down", ago(hours=3), ago(hours=2))
        words = " ".join(Tags(page_html(page(incidents=(going_on, over)))).words)
        assert words.index("us (Dallas) is down") < words.index("Servers") < words.index("uk (London) was down")
        assert "Cause: not known yet." in words

    def test_work_is_said_to_be_planned_before_and_during(self) -> None:
        work = (
            PlannedWork("maintenance:1", "Work on uk", Stage.PLANNED, "Disks", NOW + HOUR, NOW + 2 * HOUR),
            PlannedWork("maintenance:2", "Work on us", Stage.RUNNING, "", ago(hours=1), None, ago(hours=1)),
            PlannedWork("maintenance:3", "Work on all", Stage.OVER, "", ago(hours=3), NOW, ago(hours=3), NOW),
            PlannedWork("plan:K7Q2", "Moving 3 sites", Stage.RUNNING),
            PlannedWork("maintenance:4", "Work on it", Stage.LATE, "", ago(hours=3), ago(hours=1), ago(hours=3)),
        )
        words = [word for word in Tags(page_html(page(work=work))).words if word.strip()]
        shown = {what: words[words.index(what) + 1] for what in ("Work on uk", "Work on us", "Work on all")}
        assert shown == {"Work on uk": "Planned", "Work on us": "Planned, under way", "Work on all": "Planned, over"}
        assert words[words.index("Moving 3 sites") + 1] == "Under way"
        assert words[words.index("Work on it") + 1] == "Under way longer than planned"

    def test_many_servers_have_a_way_past_them_to_the_sites(self) -> None:
        many = page(servers=tuple(PageTarget(f"s{n}", "Oslo", TargetState.UP) for n in range(6)))
        found = Tags(page_html(many)).found
        ways = [str(attributes["href"]) for tag, attributes in found if tag == "a" and "href" in attributes]
        anchors = {f"#{attributes['id']}" for _, attributes in found if "id" in attributes}
        led_to = [way for way in ways if way.startswith("#")]
        assert led_to == ["#servers", "#past-incidents", "#sites"]
        assert set(led_to) <= anchors
        assert "<nav" not in page_html(page())
        assert "<nav" not in page_html(replace(many, sites=(), tally=StateTally()))

    def test_a_copy_says_which_server_it_is_on_and_that_it_tells_of_the_others(self) -> None:
        there = page().on("us")
        assert there.url == "https://us.example/"
        assert "This copy is on us; it tells of uk too." in page_html(there)
        many = page(servers=tuple(PageTarget(f"s{n}", "Oslo", TargetState.UP) for n in range(7)))
        assert "This copy is on s0; it tells of 6 other servers too." in page_html(many.on("s0"))
        assert "This copy" not in page_html(page())
        assert "This copy" not in page_html(page(servers=page().servers[:1]).on("uk"))
        assert page().on("nowhere").url == ""

    def test_a_fleet_that_was_never_looked_at_says_so(self) -> None:
        said = page_html(page(seen_at=None, tally=StateTally(), sites=(), nameservers=StateTally()))
        assert "Never looked." in said
        assert "No incident was observed in the last 90 days." in said


class TestNews:
    def test_a_page_that_is_only_later_is_no_news(self) -> None:
        assert published_content(page()) == published_content(page(written_at=NOW + HOUR, seen_at=NOW + HOUR))

    @pytest.mark.parametrize(
        "other",
        [
            {"tally": StateTally(down=1)},
            {"incidents": (PageIncident("outage:1", "x", NOW),)},
            {"work": (PlannedWork("plan:X", "x", Stage.RUNNING),)},
            {"servers": (PageTarget("uk", "London", TargetState.DOWN),)},
        ],
    )
    def test_what_happened_is_news(self, other: dict[str, object]) -> None:
        assert published_content(page()) != published_content(page(**other))


class TestPublic:
    @pytest.mark.parametrize(
        ("observed", "said"),
        [
            ("SSH: connection refused at port 2222", "SSH: connection refused at port 2222"),
            ("status 500 instead of 200", "status 500 instead of 200"),
            ("no answer within 2.5 s at 14:02:07", "no answer within 2.5 s at 14:02:07"),
            ("192.0.2.7:8080 refuses", "… refuses"),
            ("[2001:db8::7]:22 is silent.", "….".replace("….", "… is silent.")),
            ("from ::1, fe80::1%eth0 and 10.0.0.0/8", "from …, … and …"),
            ("Location: https://10.1.2.3/admin?x=1", "Location: …"),
            ("db7.internal.example says no", "… says no"),
            ("root@garden: denied for user deploy", "… denied for user …"),
            ("disk /srv/www 94 % full", "disk … 94 % full"),
            ("up/down 3 of 4", "up/down 3 of 4"),
        ],
    )
    def test_what_was_observed_names_no_machine_user_or_folder(self, observed: str, said: str) -> None:
        assert Redaction().observed(observed) == said

    def test_addresses_are_said_where_they_may_be(self) -> None:
        assert Redaction(addresses=True).observed("192.0.2.7 refuses") == "192.0.2.7 refuses"

    def test_hidden_names_stand_in_no_text(self) -> None:
        public = Redaction(frozenset({"attic", "attic.example"}))
        assert public.written("Attic and the atticus: attic.example died") == "… and the atticus: … died"

    def test_what_a_person_wrote_keeps_its_links_but_no_addresses(self) -> None:
        said = Redaction().written("Provider: https://status.provider.example/7, switch 10.0.0.1 died")
        assert said == "Provider: https://status.provider.example/7, switch … died"

    def test_a_very_long_cause_is_cut(self) -> None:
        assert len(Redaction().written("ha " * 5000)) == 2000

    @given(st.text())
    def test_no_text_can_turn_round_or_break_what_stands_beside_it(self, text: str) -> None:
        said = plain(text)
        assert not re.search("[\x00-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", said)
        ET.fromstring(f"<x>{said.replace('&', '').replace('<', '').replace('>', '')}</x>")  # noqa: S314 - our own
        said.encode()

    @given(st.ip_addresses())
    def test_no_address_is_said(self, address: object) -> None:
        assert str(address) not in Redaction().observed(f"connecting to {address} failed")
        assert str(address) not in Redaction().written(f"It was [{address}]:443.")


class TestIncidents:
    def test_a_server_is_named_with_its_place_and_its_sites_are_counted(self, fleet: Fleet) -> None:
        down = outage(why="SSH: no answer from 192.0.2.1", at_first=3)
        burnt = replace(down, annotations=(Annotation("cause", "A fire", "slack:U1", NOW),))
        said = incident_of(burnt, fleet, Redaction())
        assert said is not None
        assert said.what == "north (Northville) is down, with 3 sites"
        assert (said.seen, said.cause, said.key) == ("SSH: no answer from …", "A fire", "outage:7")
        assert said.changed_at == said.opened_at

    @pytest.mark.parametrize(
        ("target", "now", "then"),
        [
            (Target.server("north"), "north (Northville) is down", "north (Northville) was down"),
            (Target("degraded", "north"), "north (Northville) is up in part", "north (Northville) was up in part"),
            (Target.nameserver("ns1"), "A name server in Oslo is down", "A name server in Oslo was down"),
            (Target("link", "bot"), "Nothing can be observed", "Nothing could be observed"),
        ],
    )
    def test_it_is_said_in_words_for_everybody(self, fleet: Fleet, target: Target, now: str, then: str) -> None:
        place = "Oslo" if target.kind == "nameserver" else ""
        going_on = incident_of(outage(target, place=place), fleet, Redaction())
        over = incident_of(outage(target, NOW, place=place), fleet, Redaction())
        assert going_on is not None
        assert over is not None
        assert (going_on.what, over.what) == (now, then)
        assert over.changed_at == NOW

    @pytest.mark.parametrize(
        ("sites", "over", "said"), [(1, False, "1 site on"), (3, False, "3 sites on"), (3, True, "3 sites on")]
    )
    def test_failing_sites_are_counted(self, fleet: Fleet, sites: int, over: bool, said: str) -> None:
        incident = incident_of(
            outage(Target("sites", "north"), NOW if over else None, affected=sites), fleet, Redaction()
        )
        assert incident is not None
        assert incident.what.startswith(f"{said} north (Northville) ")

    @pytest.mark.parametrize(
        ("target", "said"),
        [
            (Target.server("north"), "north (Northville): up and down by turns, 6 changes"),
            (Target("sites", "north"), "Sites on north (Northville): up and down by turns, 6 changes"),
            (Target.nameserver("ns1"), "A name server: up and down by turns, 6 changes"),
        ],
    )
    def test_what_flaps_is_not_said_to_be_down(self, fleet: Fleet, target: Target, said: str) -> None:
        incident = incident_of(outage(target, changes=6), fleet, Redaction())
        assert incident is not None
        assert incident.what == said

    def test_a_name_server_that_has_lost_a_zone_is_not_called_down(self, fleet: Fleet) -> None:
        incident = incident_of(outage(Target.nameserver("ns1"), place="Oslo", lame=True), fleet, Redaction())
        assert incident is not None
        assert incident.what == "A name server in Oslo is up in part"

    def test_what_is_no_part_of_the_fleet_any_more_is_left_out(self, fleet: Fleet) -> None:
        assert incident_of(outage(Target.server("gone")), fleet, Redaction()) is None

    def test_an_end_that_nobody_saw_is_said_to_be_one(self, fleet: Fleet) -> None:
        unseen = outage(
            closed_at=NOW, why="silent", ending=OutageEnd.UP, unseen_from_at=ago(hours=1), unseen_until_at=NOW
        )
        said = incident_of(unseen, fleet, Redaction())
        assert said is not None
        assert said.seen == "silent; nobody watched when it ended, so it may have been shorter"
        bare = incident_of(replace(unseen, facts=replace(unseen.facts, why="")), fleet, Redaction())
        assert bare is not None
        assert bare.seen.startswith("nobody watched")


class TestWork:
    def test_a_move_names_servers_and_counts_sites(self, plan: Plan, fleet: Fleet) -> None:
        said = work_of_plan(plan, NOW, fleet, Redaction())
        assert said is not None
        assert said.what == "Moving 2 sites from north (Northville) to south (Southville), east (Eastville)"

    def test_a_move_of_hidden_sites_alone_is_not_said(self, plan: Plan, fleet: Fleet) -> None:
        assert work_of_plan(plan, NOW, fleet, Redaction(frozenset({"shop", "blog"}))) is None

    @pytest.mark.parametrize(
        ("scope", "what"),
        [
            (FLEET, "Work on all servers and sites"),
            (Target.server("north"), "Work on north (Northville)"),
            (Target.site("shop"), "Work on shop"),
            (Target.nameserver("ns1"), "Work on a name server in Oslo"),
            (Target.site("blog"), None),
            (Target.site("gone"), None),
            (Target.server("gone"), None),
            (Target.nameserver("gone"), None),
        ],
    )
    def test_a_maintenance_is_said_by_what_it_is_about(self, fleet: Fleet, scope: str, what: str | None) -> None:
        planned = Maintenance(3, scope, "New disks", "slack:U1", NOW, NOW + HOUR, NOW + 2 * HOUR)
        said = work_of_maintenance(planned, fleet, Redaction(frozenset({"blog"})), NOW)
        assert (said.what if said is not None else None) == what
        assert said is None or said.stage is Stage.PLANNED

    def test_a_place_that_is_its_name_is_said_once(self, fleet: Fleet, plan: Plan) -> None:
        there = {name: replace(server, location=name) for name, server in fleet.servers.items()}
        said = work_of_plan(plan, NOW, replace(fleet, servers=there), Redaction())
        assert said is not None
        assert said.what == "Moving 2 sites from north to south, east"


class TestFeed:
    def some(self) -> Page:
        work = (
            PlannedWork("maintenance:3", "Work on us", Stage.PLANNED, "Disks", NOW + HOUR, NOW + 2 * HOUR,
                        updated_at=ago(hours=4)),
            PlannedWork("plan:K7Q2", "Moving 3 sites", Stage.RUNNING, begun_at=ago(hours=3), updated_at=ago(hours=3)),
            PlannedWork("plan:NEVER", "Not told", Stage.RUNNING),
        )  # fmt: skip
        incidents = (
            PageIncident("outage:8", "us is down", ago(hours=1)),
            PageIncident("outage:7", f"uk was down {HOSTILE}", ago(hours=9), ago(hours=2), "silent", "A <fire>"),
        )
        return page(work=work, incidents=incidents)

    def entries(self, feed: str) -> dict[str, dict[str, str]]:
        tree = ET.fromstring(feed.encode())  # noqa: S314 - our own
        return {
            str(entry.findtext(f"{ATOM}title")): {part.tag.removeprefix(ATOM): part.text or "" for part in entry}
            for entry in tree.findall(f"{ATOM}entry")
        }

    def test_it_has_what_an_atom_feed_must_have_newest_first(self) -> None:
        cleaned = replace(
            self.some(), incidents=tuple(replace(one, what=plain(one.what)) for one in self.some().incidents)
        )
        feed = page_feed(cleaned.on("us"), "garden")
        tree = ET.fromstring(feed.encode())  # noqa: S314 - our own
        assert tree.findtext(f"{ATOM}id")
        assert tree.findtext(f"{ATOM}updated") == "2026-06-14T12:02:07Z"
        assert tree.findtext(f"{ATOM}author/{ATOM}name") == "Garden hosting"
        links = {link.get("rel", "alternate"): link.get("href") for link in tree.findall(f"{ATOM}link")}
        assert links == {"self": "https://us.example/feed.atom", "alternate": "https://us.example/"}
        entries = self.entries(feed)
        assert [title.split()[0] for title in entries] == ["us", "Resolved:", "Planned,", "Planned:"]
        assert all({"id", "title", "updated", "content"} <= set(entry) for entry in entries.values())
        ids = [entry["id"] for entry in entries.values()]
        assert len(set(ids)) == 4
        assert all(one.startswith("urn:uuid:") for one in ids)

    def test_an_entry_keeps_its_id_on_every_server_and_when_it_ends(self) -> None:
        before = PageIncident("outage:7", "uk is down", ago(hours=9))
        after = replace(before, what="uk was down", closed_at=NOW, cause="A fire")
        first = self.entries(page_feed(page(incidents=(before,)).on("uk"), "garden"))
        then = self.entries(page_feed(page(incidents=(after,)).on("us"), "garden"))
        assert first["uk is down"]["id"] == then["Resolved: uk was down"]["id"]
        assert "A fire" in then["Resolved: uk was down"]["content"]

    def test_without_anything_to_say_it_is_still_a_feed(self) -> None:
        tree = ET.fromstring(page_feed(page(), "garden").encode())  # noqa: S314 - our own
        assert tree.findtext(f"{ATOM}updated") == "2026-06-14T13:02:07Z"
        assert tree.findall(f"{ATOM}link") == []

    def test_a_bare_work_says_what_it_is(self) -> None:
        bare = PlannedWork("plan:X", "Moving", Stage.PLANNED, updated_at=NOW)
        assert self.entries(page_feed(page(work=(bare,)), "x"))["Planned: Moving"]["content"] == "Moving"


def test_the_json_says_the_same_with_null_for_what_is_not_known() -> None:
    unseen = PageTarget("uk", "London", TargetState.UNKNOWN, days=some_days())
    shown = TestFeed().some()
    facts = json.loads(json.dumps(page_facts(replace(shown, servers=(unseen,), seen_at=None).on("uk"))))
    assert facts["servers"][0]["uptime_90d"] is None
    assert facts["servers"][0]["days"][0] == {
        "date": "2026-03-17", "up_s": 0, "degraded_s": 0, "down_s": 0, "not_observed_s": 86400,
    }  # fmt: skip
    assert (facts["seen_at"], facts["written_on"]) == (None, "uk")
    assert facts["incidents"][1]["cause"] == "A <fire>"
    assert [one["stage"] for one in facts["planned_work"]] == ["planned", "running", "running"]
    assert facts["sites"][0] == {
        "name": "garden", "state": "up", "since_at": None, "why": None, "note": None, "uptime_90d": 1.0,
        "observed_90d": 1.0, "served_from": "uk",
    }  # fmt: skip


def test_where_the_record_is_stands_on_it_whole_for_programs_and_half_for_people_and_is_no_news() -> None:
    digits = "0123456789abcdef"
    shown = page(record=Anchor(1234, digits * 4, "the store", NOW))
    assert page_facts(shown)["record"] == {"number": 1234, "hash": digits * 4}
    assert f"The bot's record is at entry 1,234: <code>1234:{digits * 2}</code>." in page_html(shown)
    assert published_content(shown) == published_content(page())
    assert page_facts(page())["record"] is None
    assert "record" not in page_html(page())

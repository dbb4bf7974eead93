"""What `status` says: the whole in its title, worst first, and unknown where nobody looked."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.outages import outage_of

from core.fleet import Watch
from core.fleet.target import FLEET, Target
from core.incident.maintenance import Maintenance
from core.monitor.detection import TargetState
from core.monitor.state import (
    Condition,
    StateTally,
    all_up,
    condition,
    fleet_title,
    stale_after,
    state_now,
    tally,
    tally_of,
)
from core.reply import Table, Text, Tone
from core.status.detail import nameserver_reply, server_reply, site_reply
from core.status.overview import CopyAges, FleetPicture, InProgress, count_by_server, status_reply
from core.status.overview_json import status_facts
from core.status.sites import SiteCopy, SiteProtection

if TYPE_CHECKING:
    from collections.abc import Mapping

    from core.fleet import Fleet, Site
    from core.reply import Reply

NOW = datetime(2026, 6, 14, 13, 2, 7, tzinfo=UTC)
WATCH = Watch(timedelta(seconds=30), timedelta(seconds=2), timedelta(seconds=5))
UP = Condition(TargetState.UP, NOW - timedelta(days=1), "", NOW)
BEGAN = NOW - timedelta(minutes=1)
DOWN = Condition(TargetState.DOWN, NOW - timedelta(minutes=1), "SSH: connection refused", NOW)


def texts(reply: Reply) -> list[str]:
    return [part.text for part in reply.parts if isinstance(part, Text)]


def tables(reply: Reply) -> dict[str, Table]:
    return {part.columns[0]: part for part in reply.parts if isinstance(part, Table)}


def kept(site: Site, active: str, last_good: Mapping[str, datetime | None], **more: dict[str, Any]) -> SiteProtection:
    """Return a site and its copies: by server, when the last good one began, and what more there is to say of it."""
    copies = [
        SiteCopy(server, at, NOW - at if at is not None else None, site.max_age, **more.get(server, {}))
        for server, at in last_good.items()
    ]
    return SiteProtection(site, active, tuple(copies))


class TestWhatIsKnown:
    def test_an_observation_counts_for_two_rounds_and_a_time_out(self) -> None:
        assert stale_after(WATCH) == timedelta(seconds=65)
        assert state_now("up", NOW - timedelta(seconds=65), NOW, WATCH) is TargetState.UP
        assert state_now("up", NOW - timedelta(seconds=66), NOW, WATCH) is TargetState.UNKNOWN

    def test_an_observation_from_a_clock_that_ran_ahead_says_nothing(self) -> None:
        assert state_now("up", NOW + timedelta(hours=1), NOW, WATCH) is TargetState.UNKNOWN

    def test_of_an_old_observation_only_its_age_is_left(self) -> None:
        seen_at = NOW - timedelta(hours=1)
        assert condition("down", NOW, seen_at, "refused", NOW, WATCH) == Condition(
            TargetState.UNKNOWN, None, "not looked at lately", seen_at
        )

    def test_a_fresh_one_keeps_its_reason(self) -> None:
        assert condition("unknown", NOW, NOW, "link", NOW, WATCH) == Condition(TargetState.UNKNOWN, NOW, "link", NOW)
        assert condition("down", NOW, NOW, "refused", NOW, WATCH) == Condition(TargetState.DOWN, NOW, "refused", NOW)

    @given(st.integers(0, 5), st.integers(0, 5), st.integers(0, 20))
    def test_what_was_not_counted_is_unknown_and_nothing_is_lost(self, up: int, down: int, total: int) -> None:
        found = tally_of({"up": up, "down": down}, max(total, up + down))
        assert found.all == max(total, up + down)
        assert found.up == up

    def test_a_tally_says_the_worst_first(self) -> None:
        states = [TargetState.UP, TargetState.UP, TargetState.DOWN, TargetState.UNKNOWN, TargetState.DEGRADED]
        assert tally(states).in_words() == "1 down, 1 degraded, 1 unknown, 2 up"
        assert tally([]).in_words() == "none"

    def test_unknown_is_not_all_up(self) -> None:
        assert all_up({"a": TargetState.UP}, StateTally(up=1), StateTally())
        assert not all_up({"a": TargetState.UNKNOWN}, StateTally(up=1), StateTally())
        assert not all_up({"a": TargetState.UP}, StateTally(up=1, unknown=1), StateTally())


class TestTheTitle:
    def test_it_says_the_whole(self) -> None:
        servers = {"uk": TargetState.DOWN, "us": TargetState.UP}
        assert fleet_title("sharpnet", servers, StateTally(up=11, down=1), StateTally(up=6)) == (
            "sharpnet: uk down, us up; 11 of 12 sites served, 6 of 6 name servers in step"
        )

    def test_of_many_servers_only_those_in_trouble_are_named(self) -> None:
        servers = {f"s{number}": TargetState.UP for number in range(20)}
        title = fleet_title("big", servers, StateTally(), StateTally(up=1))
        assert title == "big: 20 of 20 servers up; no sites, 1 of 1 name server in step"
        servers |= {
            "s1": TargetState.UNKNOWN,
            "s2": TargetState.DOWN,
            "s3": TargetState.DEGRADED,
            "s4": TargetState.UNKNOWN,
        }
        assert "16 of 20 servers up (s2 down, s3 degraded, s1 unknown and 1 more)" in fleet_title(
            "big", servers, StateTally(), StateTally()
        )


class TestTheFleet:
    def test_all_up_is_exit_code_0(self, picture: FleetPicture) -> None:
        reply = status_reply(picture)
        assert (reply.exit_code, reply.tone) == (0, Tone.GOOD)
        assert reply.title == "test: north up, south up, east up; 4 of 4 sites served, 2 of 2 name servers in step"

    def test_a_server_down_is_exit_code_1_and_says_why(self, picture: FleetPicture) -> None:
        reply = status_reply(replace(picture, servers={**picture.servers, "north": DOWN}))
        assert (reply.exit_code, reply.tone) == (1, Tone.BAD)
        assert tables(reply)["server"].rows[0].cells == (
            "north", "down", "since 13:01:07 UTC: SSH: connection refused", "3 sites", "Northville",
        )  # fmt: skip

    def test_a_site_that_is_not_up_is_exit_code_1_and_listed(self, picture: FleetPicture) -> None:
        reply = status_reply(
            replace(picture, sites=StateTally(up=1, degraded=1, down=2), worst=(("shop", "north", DOWN),))
        )
        assert (reply.exit_code, reply.tone) == (1, Tone.WARN)
        sites = tables(reply)["site"]
        assert sites.rows[0].cells[0] == "shop"
        assert sites.left_out == 2
        assert "Sites: 2 down, 1 degraded, 1 up." in texts(reply)
        assert "2 of 4 sites served" in reply.title

    def test_what_nobody_saw_is_exit_code_1(self, picture: FleetPicture) -> None:
        reply = status_reply(replace(picture, sites=StateTally(up=3, unknown=1)))
        assert reply.exit_code == 1
        assert "Sites: 1 unknown, 3 up." in texts(reply)

    def test_of_many_servers_the_worst_come_first_and_the_rest_is_counted(self, picture: FleetPicture) -> None:
        some = next(iter(picture.fleet.servers.values()))
        names = [f"s{number:02}" for number in range(30)]
        fleet = replace(picture.fleet, servers={name: replace(some, name=name) for name in names})
        conditions = {**dict.fromkeys(names, UP), "s29": DOWN}
        table = tables(status_reply(replace(picture, fleet=fleet, servers=conditions)))["server"]
        assert (table.rows[0].cells[0], len(table.rows), table.left_out) == ("s29", 20, 10)

    def test_a_lagging_name_server_comes_first_and_is_not_in_step(self, picture: FleetPicture) -> None:
        lags = Condition(TargetState.DEGRADED, NOW, "behind in shop.test", NOW)
        reply = status_reply(replace(picture, nameservers={"ns1": UP, "ns2": lags}))
        assert reply.title.endswith("1 of 2 name servers in step")
        assert tables(reply)["name server"].rows[0].cells == (
            "ns2", "degraded", "since 13:02:07 UTC: behind in shop.test", "Rome",
        )  # fmt: skip

    def test_without_name_servers_there_is_no_table_of_them(self, picture: FleetPicture) -> None:
        fleet = replace(picture.fleet, dns=replace(picture.fleet.dns, nameservers=()))
        assert "name server" not in tables(status_reply(replace(picture, fleet=fleet, nameservers={})))

    def test_it_says_how_old_the_copies_are(self, picture: FleetPicture) -> None:
        assert "Copies: the oldest was made 3 h ago (shop on south); 1 site without a mirror." in texts(
            status_reply(picture)
        )
        ages = CopyAges(None, 2, 3, 0, NOW, ahead=4)
        assert "Copies: 2 older than allowed; 4 of unknown age, made in the future; 3 never made." in texts(
            status_reply(replace(picture, ages=ages))
        )
        assert "Copies: none to make." in texts(status_reply(replace(picture, ages=CopyAges(None, 0, 0, 0, NOW))))

    def test_it_says_how_old_the_backups_are_and_what_has_no_copy_anywhere(self, picture: FleetPicture) -> None:
        backed_up = replace(picture.ages, unbacked=0, oldest_backup_at=NOW - timedelta(hours=9))
        assert "Off-site: the oldest was started 9 h ago." in texts(status_reply(replace(picture, ages=backed_up)))
        never = replace(picture.ages, unbacked=4, nowhere=("attic", "shed"))
        said = texts(status_reply(replace(picture, ages=never)))
        assert "Off-site: 4 sites never backed up." in said
        assert "No copy anywhere: attic, shed." in said
        assert not [text for text in texts(status_reply(picture)) if text.startswith(("Off-site", "No copy"))]

    def test_it_says_what_is_going_on(self, picture: FleetPicture) -> None:
        work = InProgress(
            plans=(("K7Q2", "planned", "Move 3 sites"), ("B2B2", "approved", "Move 2 sites")),
            syncs=("shop to south",),
            outages=(
                outage_of("server:north", opened_at=BEGAN),
                outage_of("nameserver:ns1", id=8, opened_at=BEGAN, acked_by="slack:U1"),
            ),
            quarantined=count_by_server([("shop", "north"), ("blog", "north")]),
        )
        assert texts(status_reply(replace(picture, work=work)))[-6:] == [
            "Outage 7: north, since 13:01:07 UTC; acknowledge: `ack 7`.",
            "Outage 8: name server ns1, since 13:01:07 UTC, acknowledged by slack:U1.",
            "Plan K7Q2 waits: Move 3 sites; `approve K7Q2` carries it out.",
            "Plan B2B2 (approved): Move 2 sites",
            "1 sync runs: shop to south.",
            "2 copies on north in quarantine until someone has chosen: `failback north` shows what differs.",
        ]

    def test_it_says_which_maintenance_goes_on_and_which_was_to_have_ended(self, picture: FleetPicture) -> None:
        goes_on = Maintenance(3, Target.server("north"), "new disks.", "slack:U1", NOW, NOW, NOW + timedelta(hours=1))
        late = replace(goes_on, id=4, scope=FLEET, ends_at=NOW)
        reply = status_reply(replace(picture, work=InProgress(maintenance=(goes_on, late))))
        assert [(part.text, part.tone) for part in reply.parts[-2:] if isinstance(part, Text)] == [
            ("Maintenance M3 of north until 14:02:07 UTC: new disks.", Tone.BUSY),
            (
                (
                    "Maintenance M4 of the whole fleet was to end at 13:02:07 UTC and has not been ended: "
                    "alerts are on again."
                ),
                Tone.WARN,
            ),
        ]

    def test_without_a_bot_it_says_that_it_looked_itself(self, picture: FleetPicture) -> None:
        reply = status_reply(replace(picture, watched=False, unseen=3))
        assert texts(reply)[-1].endswith("looked at just now, once, from this machine. 3 sites were not looked at.")
        assert texts(status_reply(replace(picture, watched=False)))[-1].endswith("from this machine.")


class TestOne:
    def test_a_server_lists_its_sites_worst_first(self, fleet: Fleet) -> None:
        reply = server_reply(fleet.servers["north"], UP, {"blog": UP, "shop": DOWN}, 1, "UTC", NOW)
        assert reply.title == (
            "north (Northville) is up since 2026-06-13 13:02:07 UTC; 2 sites served from it: 1 down, 1 up"
        )
        assert [row.cells[0] for row in tables(reply)["site"].rows] == ["shop", "blog"]
        assert (reply.exit_code, reply.tone) == (1, Tone.WARN)
        assert texts(reply) == ["Address 192.0.2.1. It keeps the copies of 1 site."]

    def test_a_server_that_serves_nothing_says_so(self, fleet: Fleet) -> None:
        reply = server_reply(fleet.servers["east"], UP, {}, 0, "UTC", NOW)
        assert reply.title.endswith("; it serves no site")
        assert (reply.exit_code, tables(reply)) == (0, {})

    def test_a_server_down_is_bad(self, fleet: Fleet) -> None:
        assert server_reply(fleet.servers["east"], DOWN, {}, 0, "UTC", NOW).tone is Tone.BAD

    def test_a_site_says_where_it_is_and_how_old_each_copy_is(self, fleet: Fleet) -> None:
        at = {"south": NOW - timedelta(hours=1), "east": NOW - timedelta(days=3)}
        reply = site_reply(kept(fleet.sites["shop"], "north", at), UP, "UTC", NOW)
        assert reply.title == "shop is up since 2026-06-13 13:02:07 UTC; served from north"
        assert [row.cells for row in tables(reply)["copy on"].rows] == [
            ("south", "1 h ago", ""),
            ("east", "3 d ago", "older than 1 d 2 h"),
        ]

    def test_a_copy_from_the_future_is_no_good_one(self, fleet: Fleet) -> None:
        ahead = kept(fleet.sites["shop"], "north", {"south": NOW + timedelta(hours=2)})
        row = tables(site_reply(ahead, UP, "UTC", NOW))["copy on"].rows[0]
        assert (row.cells[2], row.tone) == ("its age is unknown", Tone.WARN)

    def test_a_site_away_from_home_names_its_home_and_what_may_not_be_used(self, fleet: Fleet) -> None:
        away = kept(fleet.sites["shop"], "south", {"north": NOW, "east": None}, north={"quarantined": True})
        reply = site_reply(away, DOWN, "UTC", NOW)
        assert reply.title == (
            "shop is down since 13:01:07 UTC: SSH: connection refused; served from south, its home is north"
        )
        assert [row.cells[2] for row in tables(reply)["copy on"].rows] == [
            "in quarantine: `failback` shows what differs",
            "no good copy yet",
        ]
        assert reply.exit_code == 1

    def test_an_exception_has_no_copy_anywhere_unless_it_is_backed_up(self, fleet: Fleet) -> None:
        alone = kept(fleet.sites["alone"], "north", {})
        said = texts(site_reply(alone, UP, "UTC", NOW))
        assert said[-2:] == ["It has no mirror.", "There is no copy of it anywhere."]
        never = texts(site_reply(alone, UP, "UTC", NOW, offsite=True))
        assert never[-2:] == ["Last backed up off-site: never.", "There is no copy of it anywhere."]
        backed_up = replace(alone, backed_up_at=NOW - timedelta(hours=5))
        assert texts(site_reply(backed_up, UP, "UTC", NOW, offsite=True))[-1] == "Last backed up off-site: 5 h ago."

    def test_a_site_says_when_each_copy_was_compared_with_its_source(self, fleet: Fleet) -> None:
        at = dict.fromkeys(("south", "east"), NOW - timedelta(hours=1))
        south = {"compared_at": NOW - timedelta(days=2)}
        east = {"compared_at": NOW - timedelta(hours=2), "same": False}
        reply = site_reply(kept(fleet.sites["shop"], "north", at, south=south, east=east), UP, "UTC", NOW)
        rows = tables(reply)["copy on"].rows
        assert [(row.cells[2], row.tone) for row in rows] == [
            ("verified 2 d ago", Tone.GOOD),
            ("differed 2 h ago", Tone.BAD),
        ]

    def test_a_name_server_says_how_it_is(self, fleet: Fleet) -> None:
        reply = nameserver_reply(fleet.dns.nameservers[0], Condition(why="never looked at"), "UTC", NOW)
        assert reply.title == "Name server ns1 (Oslo) is unknown: never looked at"
        assert reply.exit_code == 1
        assert nameserver_reply(fleet.dns.nameservers[0], UP, "UTC", NOW).exit_code == 0


class TestFacts:
    def test_each_list_has_names_and_states(self, picture: FleetPicture) -> None:
        sites = dict.fromkeys(picture.fleet.sites, UP)
        newest = {("shop", "south"): NOW - timedelta(hours=1)}
        facts: Any = status_facts(picture, sites, {"blog": "east"}, newest, None)
        assert [(one["name"], one["state"], one["sites"]) for one in facts["servers"]] == [
            ("north", "up", 3),
            ("south", "up", 1),
            ("east", "up", 0),
        ]
        shop, blog = facts["sites"][:2]
        assert (shop["state"], shop["active"]) == ("up", "north")
        assert shop["copies"] == [{"server": "south", "age_s": 3600.0}, {"server": "east", "age_s": None}]
        assert (blog["home"], blog["active"]) == ("north", "east")
        assert [one["in_step"] for one in facts["nameservers"]] == [True, True]

    def test_a_name_server_that_does_not_answer_is_neither_in_step_nor_out(self, picture: FleetPicture) -> None:
        seen = {"ns1": DOWN, "ns2": replace(UP, state=TargetState.DEGRADED)}
        facts: Any = status_facts(replace(picture, nameservers=seen), {}, {}, {}, None)
        assert [one["in_step"] for one in facts["nameservers"]] == [None, False]

    @pytest.mark.parametrize(
        ("asked", "expected"),
        [
            (Target.server("south"), (["south"], ["far"], [])),
            (Target.site("blog"), ([], ["blog"], [])),
            (Target.nameserver("ns2"), ([], [], ["ns2"])),
        ],
    )
    def test_only_what_was_asked_for_is_listed(
        self, picture: FleetPicture, asked: Target, expected: tuple[list[str], list[str], list[str]]
    ) -> None:
        work = InProgress(
            (("K", "planned", "x"),), ("a to b",), (outage_of("server:north", opened_at=BEGAN),), {"north": 1}
        )
        facts: Any = status_facts(replace(picture, work=work), {}, {}, {}, asked)
        names = tuple([one["name"] for one in facts[kind]] for kind in ("servers", "sites", "nameservers"))
        assert names == expected
        assert facts["outages"] == [{"id": 7, "target": "server:north", "acked_by": None}]
        assert facts["plans"] == [{"id": "K", "state": "planned", "title": "x"}]

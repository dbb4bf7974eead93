"""Just at a limit, one beside it, and what lacks something: looks, clocks, servers' own words, other monitoring."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from core.fleet import DnsSettings, Fleet, HostLimits, SecretRef, Server, Site, SiteCheck, SshLogin, Watch
from core.monitor.clock_watch import ClockChange, ClockReading, card_of, change_between
from core.monitor.detection import (
    Judgement,
    LookVerdict,
    TargetState,
    Track,
    after_look,
    after_verdict,
    awaits_verdict,
)
from core.monitor.external_alerts import alerts_in, target_of
from core.monitor.flapping import FlappingPhase, is_flapping, recent, what_became_of
from core.monitor.host_checks import HostMeasurement, paths_of, remarks_of
from core.monitor.site_limits import ends_soon, site_lacks
from core.monitor.state import StateTally, fleet_title, tally, tally_of
from core.reply import Text

NOW = datetime(2026, 6, 14, 13, 2, 7, tzinfo=UTC)
SECOND = timedelta(seconds=1)
WATCH = Watch(timedelta(seconds=30), timedelta(seconds=2), timedelta(seconds=5), down_after=3, up_after=2)
UP, DOWN, UNKNOWN = TargetState.UP, TargetState.DOWN, TargetState.UNKNOWN


def test_what_is_down_and_answered_once_asks_for_no_verdict_meanwhile() -> None:
    down = Track(held=DOWN, judged=DOWN, row=(DOWN, DOWN, DOWN))
    assert awaits_verdict(down)
    assert not awaits_verdict(after_look(down, LookVerdict(UP, NOW, 1_000_000.0), WATCH))


def test_of_what_was_never_looked_at_nothing_is_known() -> None:
    assert Track() == Track(UNKNOWN, UNKNOWN, None, "", (), None, 0.0, None, 0, None, 0.0)


def test_a_verdict_on_what_was_never_looked_at_is_as_old_as_the_clock() -> None:
    assert after_verdict(Track(), Judgement(DOWN), "", NOW, WATCH).verdict_s == 0.0


def test_what_was_never_seen_and_stays_unknown_has_been_so_since_it_was_first_said() -> None:
    assert after_verdict(Track(), Judgement(UNKNOWN), "", NOW, WATCH).since_at == NOW


@pytest.mark.parametrize(
    ("changes_s", "at_s", "every_s", "flaps"),
    [
        # More than four within five minutes, or more than two within four rounds of looks, a minute at least.
        ((0, 1, 2), 59.9, 5, True),
        ((0, 1, 2), 60, 5, False),
        ((0, 1, 2), 79.9, 20, True),
        ((0, 1, 2), 80, 20, False),
        ((0, 70, 140, 210, 299), 299.9, 5, True),
        ((0, 70, 140, 210, 299), 300, 5, False),
        ((0, 70, 140, 210), 210, 5, False),
        ((0, 100, 299), 299.9, 1000, True),
        ((0, 100, 299), 300, 1000, False),
    ],
)
def test_what_flaps_is_told_by_how_often_it_changed_within_how_long(
    changes_s: tuple[float, ...], at_s: float, every_s: float, *, flaps: bool
) -> None:
    later = [1_000_000 + change_s for change_s in changes_s]
    assert is_flapping(later, 1_000_000 + at_s, timedelta(seconds=every_s)) is flaps
    assert recent(later, 1_000_000 + 299.9) == tuple(later)
    assert recent(later, 1_000_300) == tuple(later[1:])


@pytest.mark.parametrize(
    ("after_s", "down", "became"),
    [
        (299.9, False, FlappingPhase.ON),
        (300, False, FlappingPhase.QUIET),
        (59.9, True, FlappingPhase.ON),
        (60, True, FlappingPhase.STAYS_DOWN),
    ],
)
def test_what_flaps_is_held_for_five_minutes_of_quiet_or_one_of_staying_down(
    after_s: float, became: FlappingPhase, *, down: bool
) -> None:
    assert what_became_of(1_000_000, 1_000_000 + after_s, down=down) is became


def read(at_s: float, since_boot_s: float, awake_s: float) -> ClockReading:
    return ClockReading(NOW + timedelta(seconds=at_s), 1000 + since_boot_s, 900 + awake_s)


@pytest.mark.parametrize(
    ("after", "change"),
    [
        (read(10, 10, 10), None),
        (read(14.9, 10, 10), None),
        (read(15, 10, 10), ClockChange(5 * SECOND)),
        (read(5, 10, 10), ClockChange(-5 * SECOND)),
        (read(5.1, 10, 10), None),
        (read(10, 10, 5), ClockChange(slept=5 * SECOND)),
        (read(10, 10, 5.1), None),
        (read(20, 10, 3), ClockChange(10 * SECOND, 7 * SECOND)),
    ],
)
def test_a_clock_was_set_or_slept_through_from_five_seconds_on(after: ClockReading, change: ClockChange | None) -> None:
    assert change_between(read(0, 0, 0), after) == change


@pytest.mark.parametrize(
    ("change", "title"),
    [
        (ClockChange(5 * SECOND), "The bot's machine m had its clock set forward by 5 s"),
        (ClockChange(-5 * SECOND), "The bot's machine m had its clock set back by 5 s"),
        (ClockChange(slept=90 * SECOND), "The bot's machine m slept for 1 min 30 s"),
        (
            ClockChange(-7 * SECOND, 90 * SECOND),
            "The bot's machine m slept for 1 min 30 s and had its clock set back by 7 s",
        ),
    ],
)
def test_what_happened_to_the_clock_is_said_with_how_much(change: ClockChange, title: str) -> None:
    card = card_of(change, "m", "Europe/London", NOW)
    assert card.title == title
    assert len(card.parts) == bool(change.slept) + bool(change.stepped)
    if change.stepped:
        assert card.parts[-1] == Text(
            "It shows 14:02:07 BST now. Times on record before and after do not fit together, and a plan may expire "
            "earlier or later than it says. Keep the clock by NTP."
        )


def remarks(text: str, **limits: object) -> tuple[str, ...] | None:
    return remarks_of(text, HostMeasurement(HostLimits(**limits), 1000.0, 1001.0))  # type: ignore[arg-type]


DISK = "== disk\nFilesystem 1024-blocks Used Available Capacity Mounted on\n/dev/vda1 100 75 25 75% /\n"


def test_a_figure_just_at_its_limit_is_no_remark() -> None:
    assert remarks(DISK, disk=0.75) == ()
    assert remarks(DISK, disk=0.74) == ("disk / 75 % full",)
    inodes = DISK.replace("== disk", "== inodes")
    assert remarks(inodes, inodes=0.75) == ()
    assert remarks(inodes, inodes=0.74) == ("inodes of / 75 % used",)
    memory = "== memory\nMemTotal: 100 kB\nMemAvailable: 25 kB\n"
    assert remarks(memory, memory=0.75) == ()
    assert remarks(memory, memory=0.74) == ("memory 75 % used",)
    load = "== load\n0.1 3.0 0.2 2/512 12345\n2\n"
    assert remarks(load, load=1.5) == ()
    assert remarks(load, load=1.4) == ("load 1.5 a processor",)
    assert remarks(load, load=None) == ()
    clock = timedelta(seconds=2)
    assert remarks("== clock\n998\n", clock=clock) == remarks("== clock\n1003\n", clock=clock) == ()
    assert remarks("== clock\n997.5\n", clock=clock) == ("its clock is 2.5 s behind",)
    assert remarks("== clock\n1003.5\n", clock=clock) == ("its clock is 2.5 s ahead",)


def test_what_a_server_says_beside_its_figures_is_passed_over() -> None:
    assert remarks("== memory\nhello\nMemTotal: 100 kB\nMemAvailable: 25 kB\n", memory=0.5) == ("memory 75 % used",)
    for name in ("disk", "inodes"):
        assert remarks(f"== {name}\nFilesystem x\nbtrfs 0 0 - - /\n") == ()


def test_a_clock_that_is_off_by_less_than_a_second_is_ahead_or_behind_all_the_same() -> None:
    assert remarks("== clock\n999.5\n", clock=SECOND / 10) == ("its clock is 0.5 s behind",)


def test_where_the_roots_of_many_sites_lie_right_below_the_root_it_is_looked_at_once() -> None:
    login = SshLogin("ops", 22, SecretRef("file", "/k"), "/kh")
    for number, paths in ((64, ("/",)), (63, ("/", *(f"/{n}" for n in range(63))))):
        sites = {str(n): Site(str(n), "uk", (), (f"{n}.test",), f"/{n}") for n in range(number)}
        servers = {"uk": Server("uk", "Oslo", login, ipv4="192.0.2.1")}
        fleet = Fleet("test", "UTC", servers, sites, DnsSettings((), (), ("test",)))
        assert paths_of(fleet, "uk") == paths


def test_a_site_is_slow_above_its_limit_and_its_certificate_ends_soon_below_it() -> None:
    check = SiteCheck(within=SECOND, certificate=timedelta(days=7))
    assert site_lacks(check, 1.0, NOW + timedelta(days=7), NOW) == ""
    assert site_lacks(check, 1.01, None, NOW) == "it takes 2 s to answer, more than 1 s"
    assert site_lacks(SiteCheck(within=SECOND / 2), 0.51, None, NOW) == "it takes 0.6 s to answer, more than 0.5 s"
    assert site_lacks(SiteCheck(within=SECOND / 2), 1.0, None, NOW) == "it takes 1 s to answer, more than 0.5 s"
    assert site_lacks(SiteCheck(within=None), 99.0, None, NOW) == ""
    week = timedelta(days=7)
    assert ends_soon(NOW + week - SECOND, week, NOW) == "its certificate ends in 6 days"
    assert ends_soon(NOW + timedelta(days=1), week, NOW) == "its certificate ends in 1 day"
    assert ends_soon(NOW + timedelta(days=1) - SECOND, week, NOW) == "its certificate ends today"
    assert ends_soon(NOW - timedelta(days=1), week, NOW) == "its certificate ends today"


@pytest.mark.parametrize(
    ("instance", "found"),
    [
        ("192.0.2.1", "server:north"),
        ("192.0.2.1:9100", "server:north"),
        ("2001:db8::1", "server:north"),
        ("[2001:db8::1]:9100", "server:north"),
        ("http://[2001:db8::1]:9100/metrics", "server:north"),
        ("https://NORTH/metrics", "server:north"),
        ("ns1:53", "nameserver:ns1"),
        ("a:b", None),
        ("", None),
    ],
)
def test_a_machine_is_found_by_however_its_instance_is_written(fleet: Fleet, instance: str, found: str | None) -> None:
    target = target_of({"instance": instance}, fleet)
    assert (str(target) if target is not None else None) == found


@pytest.mark.parametrize(
    ("text", "begun_at"),
    [
        ("2026-06-14T11:00:00Z", datetime(2026, 6, 14, 11, tzinfo=UTC)),
        ("2026-06-14T11:00:00+02:00", datetime(2026, 6, 14, 9, tzinfo=UTC)),
        ("2026-06-14T11:00:00", NOW),
        ("soon", NOW),
        (None, NOW),
    ],
)
def test_an_alert_began_when_it_says_and_now_where_it_does_not_say(
    fleet: Fleet, text: str | None, begun_at: datetime
) -> None:
    alert = {"labels": {"server": "north", "sharpnet": "down"}, "status": "firing", "startsAt": text}
    (found,) = alerts_in({"alerts": [alert]}, fleet, NOW)
    assert (found.begun_at, found.begun_at.tzinfo, found.firing) == (begun_at, UTC, True)


def test_each_state_is_counted_under_its_own_name() -> None:
    counted = tally_of({"up": 4, "degraded": 3, "down": 2}, 10)
    assert counted == StateTally(up=4, degraded=3, down=2, unknown=1)
    assert tally_of({}, 5) == StateTally(unknown=5)
    for total in (1, 2, 3):
        assert tally_of({"up": 2}, total) == StateTally(up=2, unknown=max(0, total - 2))
    assert tally([UP, UP, TargetState.DEGRADED, DOWN, DOWN, DOWN, UNKNOWN]) == StateTally(2, 1, 3, 1)


def test_four_servers_are_named_and_of_five_only_those_in_trouble() -> None:
    four = dict.fromkeys("abcd", UP)
    nothing = StateTally()
    assert fleet_title("f", four, nothing, nothing).startswith("f: a up, b up, c up, d up; ")
    assert fleet_title("f", {**four, "e": DOWN}, nothing, nothing).startswith("f: 4 of 5 servers up (e down); ")

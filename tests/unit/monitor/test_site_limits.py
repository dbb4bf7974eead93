"""What a good answer of a site still lacks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from core.fleet import SiteCheck
from core.monitor.site_limits import degraded_words, ends_soon, points_wrong, site_lacks, slow

NOW = datetime(2026, 6, 14, 12, 0, tzinfo=UTC)


def test_a_certificate_ends_soon_only_within_what_is_asked_for() -> None:
    assert ends_soon(NOW + timedelta(days=7), timedelta(days=7), NOW) == ""
    assert ends_soon(NOW + timedelta(days=6, hours=23), timedelta(days=7), NOW) == "its certificate ends in 6 days"


def test_a_quick_answer_with_a_long_certificate_lacks_nothing() -> None:
    check = SiteCheck(within=timedelta(seconds=1))
    assert site_lacks(check, 0.9, NOW + timedelta(days=15), NOW) == ""
    assert site_lacks(SiteCheck(), 99.0, None, NOW) == ""


@pytest.mark.parametrize(
    ("left", "said"),
    [
        (timedelta(days=6, hours=5), "its certificate ends in 6 days"),
        (timedelta(days=1, hours=5), "its certificate ends in 1 day"),
        (timedelta(hours=5), "its certificate ends today"),
    ],
)
def test_a_certificate_that_ends_soon_is_said_with_the_days_left(left: timedelta, said: str) -> None:
    assert site_lacks(SiteCheck(), 0.1, NOW + left, NOW) == said


def test_an_answer_that_takes_too_long_is_said_with_both_times() -> None:
    check = SiteCheck(within=timedelta(milliseconds=500))
    assert site_lacks(check, 2.3, NOW, NOW) == (
        "it takes 3 s to answer, more than 0.5 s; its certificate ends today"
    )  # fmt: skip
    assert slow(0.61, timedelta(milliseconds=500)) == "it takes 0.7 s to answer, more than 0.5 s"


def test_a_servers_own_remarks_come_before_those_of_its_sites() -> None:
    sites = {"b.test": "slow", "a.test": "its certificate ends today", "c.test": "slow"}
    assert degraded_words(["disk / 96 % full"], sites) == (
        "disk / 96 % full; a.test: its certificate ends today, and 2 more sites"
    )
    assert degraded_words([], {"a.test": "slow"}) == "a.test: slow"
    assert degraded_words(["disk / 96 % full"], {}) == "disk / 96 % full"


@pytest.mark.parametrize(
    ("addresses", "elsewhere", "said"),
    [
        ({"192.0.2.1"}, False, ""),
        ({"192.0.2.1", "192.0.2.2"}, False, ""),
        ({"192.0.2.1", "198.51.100.7"}, False, "DNS points to 198.51.100.7, no server that holds it"),
        (
            {"198.51.100.7", "198.51.100.8", "198.51.100.9"},
            False,
            "DNS points to 198.51.100.7, 198.51.100.8 and 1 more, no server that holds it",
        ),
        (set(), False, "DNS has no address for it"),
        (set(), True, ""),
    ],
)
def test_records_must_point_to_servers_that_hold_the_site(addresses: set[str], elsewhere: bool, said: str) -> None:
    assert points_wrong(addresses, {"192.0.2.1", "192.0.2.2"}, elsewhere=elsewhere) == said

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from apscheduler.triggers.cron import CronTrigger
from hypothesis import given
from hypothesis import strategies as st

from ops.fleetfile.cron import cron
from ops.fleetfile.wrong import Wrong

MONDAY = datetime(2026, 6, 15, tzinfo=UTC)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("0 3 * * *", "0 3 * * *"),
        ("  0   3 * *  * ", "0 3 * * *"),
        ("*/5 0-6 1,15 JAN-MAR *", "*/5 0-6 1,15 jan-mar *"),
        ("0 3 * * 0", "0 3 * * sun"),
        ("0 3 * * 7", "0 3 * * sun"),
        ("0 3 * * 1-5", "0 3 * * mon,tue,wed,thu,fri"),
        ("0 3 * * Fri-Mon", "0 3 * * sun,mon,fri,sat"),
        ("0 3 * * 5-7", "0 3 * * sun,fri,sat"),
        ("0 3 * * */2", "0 3 * * sun,tue,thu,sat"),
        ("0 3 * * 1-5/2", "0 3 * * mon,wed,fri"),
        ("0 3 * * 0-6", "0 3 * * *"),
        ("0 3 * * */1", "0 3 * * *"),
    ],
)
def test_an_expression_is_read_as_cron_reads_it_with_its_weekdays_by_name(written: str, read: str) -> None:
    assert cron(written) == read


@pytest.mark.parametrize("day", range(8))
def test_the_scheduler_fires_on_the_day_that_cron_means(day: int) -> None:
    fires = CronTrigger.from_crontab(cron(f"0 3 * * {day}"), timezone=UTC).get_next_fire_time(None, MONDAY)
    assert fires.isoweekday() % 7 == day % 7


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("", "has 0 of 5 fields"),
        ("@daily", "has 1 of 5 fields"),
        ("0 0 3 * * *", "has 6 of 5 fields"),
        ("60 3 * * *", "higher than the maximum"),
        ("0 24 * * *", "higher than the maximum"),
        ("0 3 32 * *", "higher than the maximum"),
        ("0 3 * 13 *", "higher than the maximum"),
        ("0 3 * foo *", "invalid month name"),
        ("0 3 * * 8", "'8' is no weekday"),
        ("0 3 * * day", "'day' is no weekday"),
        ("0 3 * * ?", "'' is no weekday"),
        ("0 3 * * *-2", "'\\*' is no weekday"),
        ("0 3 * * 1/2", "weekdays cannot be read"),
        ("0 3 * * */0", "weekdays cannot be read"),
        ("0 3 30 2 *", "never comes"),
    ],
)
def test_what_the_scheduler_could_not_run_is_refused_with_the_reason(written: str, said: str) -> None:
    with pytest.raises(Wrong, match=said):
        cron(written)


@given(st.from_regex(r"[0-9*/,\-a-z ]{0,20}", fullmatch=True))
def test_what_is_read_is_what_the_scheduler_takes(written: str) -> None:
    try:
        read = cron(written)
    except Wrong:
        return
    fires = CronTrigger.from_crontab(read, timezone=UTC).get_next_fire_time(None, MONDAY)
    assert fires - MONDAY < timedelta(days=366 * 9)
    assert cron(read) == read

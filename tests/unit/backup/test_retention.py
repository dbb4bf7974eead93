"""Which backups are let go, by the record's own times; nobody's snapshots take the place of one on record."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.backup.origin import Backup, Origin, SavedPaths
from core.backup.retention import let_go
from core.backup.snapshots import Snapshot

AT = datetime(2026, 11, 22, 3, 30, tzinfo=UTC)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)


def made(saved_at: datetime, origin: Origin = Origin.RECORDED) -> Backup:
    full_id = f"{int(saved_at.timestamp()):064x}"
    return Backup(Snapshot(full_id, "shop", "uk", AT, ("/srv/shop",)), origin, saved_at, SavedPaths("/srv/shop"))


def kept(backups: list[Backup], keep: dict[str, int]) -> list[datetime]:
    gone = let_go(backups, keep)
    return [one.saved_at for one in backups if one not in gone]


def test_where_nothing_is_said_everything_stays() -> None:
    assert let_go([made(AT), made(AT - 900 * DAY)], {}) == ()


@pytest.mark.parametrize(
    ("keep", "back"),
    [
        ({"hourly": 2}, [timedelta(0), HOUR]),
        ({"daily": 2}, [timedelta(0), 4 * HOUR]),
        ({"weekly": 2}, [timedelta(0), 7 * DAY]),
        ({"monthly": 2}, [timedelta(0), 22 * DAY]),
        ({"yearly": 2}, [timedelta(0), 326 * DAY]),
        ({"daily": 1, "yearly": 2}, [timedelta(0), 326 * DAY]),
        ({"hourly": 1}, [timedelta(0)]),
    ],
)
def test_the_newest_of_each_of_the_last_periods_stays(keep: dict[str, int], back: list[timedelta]) -> None:
    ages = [*(hours * HOUR for hours in range(72)), *(days * DAY for days in range(3, 400))]
    assert kept([made(AT - age) for age in ages], keep) == [AT - age for age in back]


def test_a_period_without_a_backup_counts_for_nothing() -> None:
    backups = [made(AT), made(AT - 30 * DAY), made(AT - 60 * DAY)]
    assert kept(backups, {"daily": 2}) == [AT, AT - 30 * DAY]


def test_of_two_within_one_period_the_newer_stays_whatever_their_order() -> None:
    backups = [made(AT - HOUR), made(AT), made(AT - DAY)]
    assert kept(backups, {"daily": 1}) == [AT]
    assert kept(backups[::-1], {"daily": 2}) == [AT - DAY, AT]


@pytest.mark.parametrize("origin", [Origin.UNCONFIRMED, Origin.FOREIGN])
def test_what_no_record_knows_is_never_let_go_and_pushes_nothing_out(origin: Origin) -> None:
    strange = [made(AT + days * DAY, origin) for days in range(-20, 20)]
    ours = [made(AT), made(AT - DAY), made(AT - 2 * DAY)]
    assert let_go([*strange, *ours], {"daily": 2}) == (ours[2],)


@given(
    st.lists(st.integers(0, 24 * 800), unique=True, max_size=40),
    st.dictionaries(st.sampled_from(["hourly", "daily", "weekly", "monthly", "yearly"]), st.integers(1, 9), max_size=5),
)
def test_the_newest_always_stays_and_no_more_than_was_asked_for(hours: list[int], keep: dict[str, int]) -> None:
    backups = [made(AT - hour * HOUR) for hour in hours]
    gone = let_go(backups, keep)
    left = [one for one in backups if one not in gone]
    if backups:
        assert max(backups, key=lambda one: one.saved_at) in left
    if keep:
        assert len(left) <= max(1, sum(keep.values()))
    assert let_go(left, keep) == ()


def test_a_moment_is_of_its_period_in_utc() -> None:
    night, midnight = datetime(2026, 11, 22, 23, 59, 59, tzinfo=UTC), datetime(2026, 11, 23, tzinfo=UTC)
    assert kept([made(midnight), made(night), made(AT)], {"daily": 3}) == [midnight, night]

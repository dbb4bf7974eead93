"""Whose Home tab is kept up to date by which bot."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from store.conftest import LeaseClock

    from ops.store import Store

AT = datetime(2026, 6, 14, 13, 0, tzinfo=UTC)
LEASE = timedelta(seconds=30)
HOURS = timedelta(hours=4)


def later(seconds: float) -> datetime:
    return AT + timedelta(seconds=seconds)


async def test_the_tabs_of_a_bot_that_is_gone_are_gone_on_with_and_since_when_they_are_open_is_known(
    store: Store, second: Store, lease_clock: LeaseClock
) -> None:
    await store.home_tabs.opened(["U1", "U2"], "first", AT, LEASE, most=9)
    lease_clock.passes(LEASE)
    assert await second.home_tabs.keep("next", LEASE, AT - HOURS) == {}
    lease_clock.passes(timedelta(seconds=1))
    assert await second.home_tabs.keep("next", LEASE, AT - HOURS) == {"U1": AT, "U2": AT}


async def test_tabs_come_in_the_order_in_which_they_were_opened(store: Store) -> None:
    for number, user in enumerate(["U2", "U3", "U1"]):
        await store.home_tabs.opened([user], "first", later(number), LEASE, most=9)
    assert list(await store.home_tabs.keep("first", LEASE, AT - HOURS)) == ["U2", "U3", "U1"]
    await store.home_tabs.opened(["U2"], "first", later(3), LEASE, most=9)
    assert list(await store.home_tabs.keep("first", LEASE, AT - HOURS)) == ["U3", "U1", "U2"]


async def test_the_tabs_of_a_bot_whose_machine_was_started_anew_are_gone_on_with(
    empty_store: Store, lease_clock: LeaseClock
) -> None:
    await empty_store.home_tabs.opened(["U1"], "first", AT, timedelta(days=1), most=9)
    lease_clock.is_another_boot()
    assert await empty_store.home_tabs.keep("next", LEASE, AT - HOURS) == {"U1": AT}


async def test_a_bot_that_lives_keeps_its_tabs(store: Store, lease_clock: LeaseClock) -> None:
    await store.home_tabs.opened(["U1"], "first", AT, LEASE, most=9)
    lease_clock.passes(timedelta(seconds=20))
    assert await store.home_tabs.keep("first", LEASE, AT - HOURS) == {"U1": AT}
    lease_clock.passes(timedelta(seconds=20))
    assert await store.home_tabs.keep("next", LEASE, AT - HOURS) == {}


async def test_a_bot_that_is_stopped_leaves_its_tabs_at_once(store: Store) -> None:
    await store.home_tabs.opened(["U1"], "first", AT, LEASE, most=9)
    await store.home_tabs.let_go("first")
    assert set(await store.home_tabs.keep("next", LEASE, AT - HOURS)) == {"U1"}


async def test_whoever_opens_it_again_is_kept_by_the_bot_that_heard_of_it(store: Store) -> None:
    await store.home_tabs.opened(["U1"], "first", AT, LEASE, most=9)
    await store.home_tabs.opened(["U1"], "next", later(5), LEASE, most=9)
    assert await store.home_tabs.keep("first", LEASE, AT - HOURS) == {}
    assert await store.home_tabs.keep("next", LEASE, AT - HOURS) == {"U1": later(5)}


async def test_a_tab_that_is_opened_again_is_kept_for_as_long_as_a_new_one(
    store: Store, second: Store, lease_clock: LeaseClock
) -> None:
    for _ in range(2):
        await store.home_tabs.opened(["U1"], "first", AT, LEASE, most=9)
        lease_clock.passes(timedelta(seconds=20))
    assert await second.home_tabs.keep("next", LEASE, AT - HOURS) == {}
    lease_clock.passes(timedelta(seconds=11))
    assert await second.home_tabs.keep("next", LEASE, AT - HOURS) == {"U1": AT}


async def test_a_tab_that_is_opened_or_kept_since_the_machine_was_started_anew_has_a_bot(
    empty_store: Store, second: Store, lease_clock: LeaseClock
) -> None:
    await empty_store.home_tabs.opened(["U1", "U2"], "first", AT, LEASE, most=9)
    lease_clock.is_another_boot()
    await empty_store.home_tabs.opened(["U1"], "first", AT, LEASE, most=9)
    assert await second.home_tabs.keep("next", LEASE, AT - HOURS) == {"U2": AT}
    assert await empty_store.home_tabs.keep("first", LEASE, AT - HOURS) == {"U1": AT}
    assert await second.home_tabs.keep("third", LEASE, AT - HOURS) == {}


async def test_old_ones_and_those_past_the_limit_are_forgotten(store: Store) -> None:
    # One of them is another bot's, opened last.
    for number, user in enumerate(["U1", "U2", "U3"]):
        await store.home_tabs.opened([user], "first", later(number), LEASE, most=3)
    assert set(await store.home_tabs.keep("first", LEASE, AT - HOURS)) == {"U2", "U3"}
    assert set(await store.home_tabs.keep("first", LEASE, later(2))) == {"U3"}

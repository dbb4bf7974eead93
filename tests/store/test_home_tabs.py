"""Whose Home tab is kept up to date by which bot."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ops.store import Store

AT = datetime(2026, 6, 14, 13, 0, tzinfo=UTC)
LEASE = timedelta(seconds=30)
HOURS = timedelta(hours=4)


def later(seconds: float) -> datetime:
    return AT + timedelta(seconds=seconds)


async def test_the_tabs_of_a_bot_that_is_gone_are_gone_on_with_and_since_when_they_are_open_is_known(
    store: Store, second: Store
) -> None:
    await store.home_tabs.opened(["U1", "U2"], "first", AT, LEASE, most=9)
    assert await second.home_tabs.keep("next", later(29), LEASE, AT - HOURS) == {}
    assert await second.home_tabs.keep("next", later(31), LEASE, AT - HOURS) == {"U1": AT, "U2": AT}


async def test_tabs_come_in_the_order_in_which_they_were_opened(store: Store) -> None:
    for number, user in enumerate(["U2", "U3", "U1"]):
        await store.home_tabs.opened([user], "first", later(number), LEASE, most=9)
    assert list(await store.home_tabs.keep("first", later(5), LEASE, AT - HOURS)) == ["U2", "U3", "U1"]


async def test_a_bot_that_lives_keeps_its_tabs(store: Store) -> None:
    await store.home_tabs.opened(["U1"], "first", AT, LEASE, most=9)
    assert await store.home_tabs.keep("first", later(20), LEASE, AT - HOURS) == {"U1": AT}
    assert await store.home_tabs.keep("next", later(40), LEASE, AT - HOURS) == {}


async def test_a_bot_that_is_stopped_leaves_its_tabs_at_once(store: Store) -> None:
    await store.home_tabs.opened(["U1"], "first", AT, LEASE, most=9)
    await store.home_tabs.let_go("first", later(1))
    assert set(await store.home_tabs.keep("next", later(2), LEASE, AT - HOURS)) == {"U1"}


async def test_whoever_opens_it_again_is_kept_by_the_bot_that_heard_of_it(store: Store) -> None:
    await store.home_tabs.opened(["U1"], "first", AT, LEASE, most=9)
    await store.home_tabs.opened(["U1"], "next", later(5), LEASE, most=9)
    assert await store.home_tabs.keep("first", later(6), LEASE, AT - HOURS) == {}
    assert await store.home_tabs.keep("next", later(6), LEASE, AT - HOURS) == {"U1": later(5)}


async def test_old_ones_and_those_past_the_limit_are_forgotten(store: Store) -> None:
    # One of them is another bot's, opened last.
    for number, user in enumerate(["U1", "U2", "U3"]):
        await store.home_tabs.opened([user], "first", later(number), LEASE, most=3)
    assert set(await store.home_tabs.keep("first", later(3), LEASE, AT - HOURS)) == {"U2", "U3"}
    assert set(await store.home_tabs.keep("first", later(4), LEASE, later(2))) == {"U3"}

"""What no page and no picture shows any more is forgotten; everything else stays."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from notify.harness import ports_of

from core.fleet.target import Target
from core.status.plot import SLOT, SLOTS, slot_of
from jobs.retention import JOB
from ops.store.monitor.states import ObservedState

if TYPE_CHECKING:
    from ops.store import Store

GAP = timedelta(minutes=1)
DAY = timedelta(days=1)


async def test_what_was_observed_is_kept_for_as_long_as_pages_show_it(store: Store) -> None:
    ports = ports_of(store)
    now = ports.clock.now()
    ends = [now - 92 * DAY, now - 90 * DAY, now]
    await store.states.saw([ObservedState(Target.site("gone"), "up", end, end) for end in ends], gap=GAP)
    await JOB.run(ports, "daily", now)
    kept = await store.history.stretches([Target.site("gone")], now - 400 * DAY)
    assert [until_at for _, _, until_at in kept[Target.site("gone")]] == ends[1:]


async def test_answer_times_are_kept_for_as_long_as_pictures_show_them(store: Store) -> None:
    ports = ports_of(store)
    now = ports.clock.now()
    last = slot_of(now)
    await store.latencies.keep(
        [(Target.site("gone"), slot_of(now - SLOT * back), 0.1) for back in (SLOTS, SLOTS - 2, 0)]
    )
    await store.latencies.keep([(Target.site("quiet"), last - SLOTS, 0.1)])
    await JOB.run(ports, "daily", now)
    assert sorted(await store.latencies.of(Target.site("gone"), 0)) == [last - SLOTS + 2, last]
    assert await store.latencies.of(Target.site("quiet"), 0) == {}

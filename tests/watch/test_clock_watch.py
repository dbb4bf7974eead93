"""A clock that is set, and a machine that slept, are told once, on record and on a card."""

from __future__ import annotations

import asyncio
import contextlib
from datetime import timedelta
from typing import TYPE_CHECKING

from jobs.watch.clock_watch import watch_clock

if TYPE_CHECKING:
    from tests.watch.conftest import SetStage


async def test_a_clock_that_is_set_and_a_machine_that_slept_are_each_told_once(set_stage: SetStage) -> None:
    stage = await set_stage()
    watching = asyncio.create_task(watch_clock(stage.ports))
    await stage.clock.play(60, stage.store)
    assert await stage.store.cards.waiting() == ()
    stage.clock.shift += timedelta(minutes=4)
    await stage.clock.play(60, stage.store)
    stage.clock.shift += timedelta(hours=2)
    stage.clock.slept_s += 7200
    await stage.clock.play(60, stage.store)
    watching.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await watching
    said = [card.reply.title.partition(" had ")[2] or card.reply.title for card in await stage.store.cards.waiting()]
    assert said[0] == "its clock set forward by 4 min"
    assert said[1].endswith("slept for 2 h")
    assert len(said) == 2
    changes = [entry.body for entry in await stage.store.record.entries() if entry.kind == "clock.changed"]
    assert changes == [{"stepped_s": 240.0, "slept_s": 0.0}, {"stepped_s": 0.0, "slept_s": 7200.0}]

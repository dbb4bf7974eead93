"""How often the watch wakes: many looks share a turn, and none that ends wakes it before its time."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from core.fleet import Watch
from jobs.watch.probe_schedule import ProbeSchedule
from jobs.watch.watcher import TOGETHER_S

if TYPE_CHECKING:
    import pytest
    from watch.conftest import SetStage

SITES, PLAYED_S = 300, 3.0


async def test_looks_that_end_do_not_wake_the_watch(set_stage: SetStage, monkeypatch: pytest.MonkeyPatch) -> None:
    stage = await set_stage(sites=SITES, watch=Watch(every=timedelta(seconds=1), timeout=timedelta(seconds=1)))
    stage.start()
    await stage.play(5)
    turns, take = [], ProbeSchedule.take

    def counted(schedule: ProbeSchedule, now_s: float, most: int) -> list[str]:
        turns.append(now_s)
        return take(schedule, now_s, most)

    monkeypatch.setattr(ProbeSchedule, "take", counted)
    looked = len(stage.world.looks)
    await stage.play(PLAYED_S)
    assert len(stage.world.looks) - looked >= SITES * (PLAYED_S - 1)
    assert len(turns) <= PLAYED_S / TOGETHER_S + 1

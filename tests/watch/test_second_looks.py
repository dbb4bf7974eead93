"""How often other servers are asked about one that is dead: soon at first, and then not with every look."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from core.fleet import Watch
from core.fleet.target import Target
from core.monitor.detection import FRESH_S

if TYPE_CHECKING:
    from watch.conftest import SetStage

VANTAGE_POINTS = 2
PLAYED_S = 60.0


async def test_many_dead_servers_do_not_keep_the_others_busy(set_stage: SetStage) -> None:
    stage = await set_stage(servers=3, watch=Watch(timedelta(seconds=1), timedelta(seconds=1), timedelta(seconds=1)))
    stage.start()
    await stage.play(15)
    stage.world.dead.add("one")
    await stage.play(15)
    assert len(await stage.titles()) == 1
    stage.world.looks.clear()
    await stage.play(PLAYED_S)
    here, there = (
        [at for at, where, name in stage.world.looks if (where, name) == (side, "one")] for side in ("here", "there")
    )
    assert len(here) >= PLAYED_S - 1
    assert VANTAGE_POINTS <= len(there) <= VANTAGE_POINTS * (PLAYED_S / FRESH_S + 1)
    stage.world.dead.clear()
    await stage.play(5)
    assert await stage.state(Target.server("one")) == "up"

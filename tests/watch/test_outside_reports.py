"""Other monitoring as one more place that looks (with the made-up world of this folder)."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from core.fleet import SecretRef, Web
from core.fleet.target import Target
from ops.store.monitor.external_alerts import Report

if TYPE_CHECKING:
    from conftest import SetStage, Stage


async def reported(stage: Stage, target: Target, *sources: str) -> None:
    now = stage.clock.now()
    await stage.store.external_alerts.take_in([Report(source, target, now, now) for source in sources], [])


async def watched_by_others_too(set_stage: SetStage) -> Stage:
    """Two servers, of which the bot can log in to none: nobody else of the fleet can look for it."""
    stage = await set_stage(servers=2, sites=2, nameservers=1)
    stage.change(web=Web(9000, alertmanager=SecretRef("env", "ALERTS")))
    stage.world.no_login = {"one", "two"}
    stage.start()
    await stage.play(15)
    return stage


async def test_what_another_monitoring_calls_down_too_is_seen_from_two_places(set_stage: SetStage) -> None:
    stage = await watched_by_others_too(set_stage)
    await reported(stage, Target.server("one"), "Alertmanager/a", "Alertmanager/b")
    stage.world.dead.add("one")
    await stage.play(30)
    assert "seen from 2 places" in (await stage.titles())[0]


async def test_without_a_report_it_is_seen_from_one(set_stage: SetStage) -> None:
    stage = await watched_by_others_too(set_stage)
    await reported(stage, Target.server("two"), "Alertmanager/a")
    stage.world.dead.add("one")
    await stage.play(30)
    assert "seen from one place only" in (await stage.titles())[0]


async def test_a_report_alone_calls_nothing_down(set_stage: SetStage) -> None:
    stage = await watched_by_others_too(set_stage)
    await reported(stage, Target.server("one"), "Alertmanager/a")
    await stage.play(60)
    assert await stage.titles() == []
    assert await stage.state(Target.server("one")) == "up"


async def test_a_report_that_nobody_repeats_is_not_believed_for_ever(set_stage: SetStage) -> None:
    stage = await watched_by_others_too(set_stage)
    await reported(stage, Target.server("one"), "Alertmanager/a")
    stage.clock.shift = timedelta(hours=1)
    stage.world.dead.add("one")
    await stage.play(30)
    assert "seen from one place only" in (await stage.titles())[0]

"""Planned work keeps alerts quiet, and nothing else: neither the record, nor what is still down at its end."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from incidents.conftest import ALICE, BOB, EVE, card_title, on_record, play, run_jobs, thread, type_in

from core.errors import NotAllowedError, RefusedError, UsageError
from core.fleet import Watch
from core.fleet.target import Target
from core.incident.maintenance import Phase

if TYPE_CHECKING:
    from watch.conftest import SetStage, Stage

    from core.incident.maintenance import Maintenance

M1 = "maintenance:1"


async def phase(stage: Stage, number: int = 1) -> Phase:
    return (await get(stage, number)).phase(stage.clock.now())


async def get(stage: Stage, number: int = 1) -> Maintenance:
    one = await stage.store.maintenance.get(number)
    assert one is not None
    return one


async def test_work_that_is_asked_for_goes_on_at_once_and_says_so_on_its_own_card(quiet_stage: Stage) -> None:
    reply = await type_in(quiet_stage, 'maintenance one 30m "new disks"')
    assert reply.title == await card_title(quiet_stage, M1) == "Maintenance M1 of one until 14:30:00 BST: new disks"
    assert await on_record(quiet_stage, "maintenance.begun") == ["M1 by slack:UALICE"]


async def test_a_server_that_drops_during_its_maintenance_is_in_the_thread_and_on_record_but_no_alert(
    stage: Stage,
) -> None:
    await type_in(stage, 'maintenance one 30m "new disks"')
    stage.world.dead.add("one")
    await play(stage, 60)
    assert await stage.cards() == []
    assert await stage.state(Target.server("one")) == "down"
    (line,) = await thread(stage, M1)
    assert line.startswith("In trouble since 14:00:15 BST")
    assert line.endswith(": one (SSH: connection refused). Alerts are muted until 14:30:15 BST")
    assert await on_record(stage, "maintenance.silenced") == ["server:one by bot:maintenance"]


@pytest.mark.parametrize("moment_s", [0.0, 0.2, 0.4, 0.6, 0.8])
async def test_work_that_is_announced_a_moment_before_the_drop_keeps_it_quiet(
    set_stage: SetStage, moment_s: float
) -> None:
    often = Watch(timedelta(seconds=0.1), timedelta(seconds=0.1), timedelta(seconds=1), down_after=2, up_after=2)
    stage = await set_stage(watch=often)
    stage.start()
    await stage.play(5 + moment_s)
    await type_in(stage, 'maintenance one 30m "new disks"')
    stage.world.dead.add("one")
    await stage.play(5)
    assert await stage.state(Target.server("one")) == "down"
    assert await stage.cards() == []
    assert len(await thread(stage, M1)) == 1


async def test_what_comes_back_during_the_maintenance_never_was_an_alert(stage: Stage) -> None:
    await type_in(stage, 'maintenance one 30m "reboot"')
    stage.world.dead.add("one")
    await play(stage, 60)
    stage.world.dead.clear()
    await play(stage, 60)
    await type_in(stage, "maintenance end M1")
    await play(stage, 60)
    assert await stage.cards() == []
    lines = await thread(stage, M1)
    assert [line.split(" ")[0] for line in lines] == ["In", "Recovered", "Maintenance"]
    assert await stage.store.maintenance.suppressed() == ()


async def test_an_outage_that_outlives_the_maintenance_alerts_at_its_planned_end_as_of_when_it_began(
    stage: Stage,
) -> None:
    await type_in(stage, 'maintenance one 2m "reboot"')
    stage.world.dead.add("one")
    await play(stage, 110)
    assert await stage.cards() == []
    await play(stage, 20)
    (title,) = await stage.titles()
    assert title.startswith("one is down since 14:00:15 BST")
    assert await on_record(stage, "maintenance.alerting") == ["server:one by bot:maintenance"]


async def test_an_outage_that_outlives_the_maintenance_alerts_when_somebody_ends_it(stage: Stage) -> None:
    await type_in(stage, 'maintenance one 30m "reboot"')
    stage.world.dead.add("one")
    await play(stage, 60)
    await type_in(stage, "maintenance end M1")
    await play(stage, 10)
    assert len(await stage.cards()) == 1


async def test_a_bot_restarted_in_the_middle_goes_on_keeping_quiet_and_says_nothing_twice(stage: Stage) -> None:
    await type_in(stage, 'maintenance one 5m "reboot"')
    stage.world.dead.add("one")
    await play(stage, 60)
    began = (await stage.store.maintenance.suppressed())[0].from_at
    for _ in range(3):
        await stage.stop()
        await stage.play(30)
        stage.start()
        await play(stage, 30)
    assert await stage.cards() == []
    assert len(await thread(stage, M1)) == 1
    await play(stage, 90)
    assert [outage.opened_at for outage in await stage.store.outages.all_open()] == [began]


async def test_a_bot_restarted_after_the_planned_end_alerts(stage: Stage) -> None:
    await type_in(stage, 'maintenance one 5m "reboot"')
    stage.world.dead.add("one")
    await play(stage, 60)
    await stage.stop()
    await stage.play(3600)
    stage.start()
    await play(stage, 60)
    (title,) = await stage.titles()
    assert title.startswith("one is down since 14:00:15 BST")
    assert await phase(stage) is Phase.OVERRUN


async def test_what_is_not_under_maintenance_alerts_as_ever(stage: Stage) -> None:
    await type_in(stage, 'maintenance one 30m "new disks"')
    stage.world.dead |= {"one", "two", "ns1"}
    await play(stage, 60)
    assert sorted(title.split(" is ")[0] for title in await stage.titles()) == ["Name server ns1 (Oslo)", "two"]


async def test_work_on_the_fleet_keeps_everything_quiet(stage: Stage) -> None:
    await type_in(stage, 'maintenance fleet 30m "the network"')
    stage.world.dead |= {"one", "two", "ns1"}
    await play(stage, 60)
    assert await stage.cards() == []


async def test_many_things_that_die_during_it_make_few_lines_in_its_thread(set_stage: SetStage) -> None:
    stage = await set_stage(servers=10, sites=10, nameservers=40)
    stage.start()
    await stage.play(15)
    await type_in(stage, 'maintenance fleet 30m "the network"')
    stage.world.dead |= {f"ns{number}" for number in range(1, 41)}
    await play(stage, 60)
    assert await stage.cards() == []
    assert len(await on_record(stage, "maintenance.silenced")) == 40
    assert len(await thread(stage, M1)) <= 3
    stage.world.dead.clear()
    await play(stage, 60)
    assert len(await on_record(stage, "maintenance.back")) == 40
    assert len(await thread(stage, M1)) <= 6


async def test_work_on_a_server_keeps_quiet_what_its_sites_do_while_it_answers(stage: Stage) -> None:
    await type_in(stage, 'maintenance one 30m "a new nginx"')
    stage.world.broken_sites |= {"site0", "site2"}
    await play(stage, 60)
    assert await stage.cards() == []
    assert len(await thread(stage, M1)) == 1


async def test_work_on_a_site_keeps_that_site_quiet_and_no_other(stage: Stage) -> None:
    await type_in(stage, 'maintenance site0 30m "an upgrade"')
    stage.world.broken_sites.add("site0")
    await play(stage, 60)
    assert await stage.cards() == []
    stage.world.broken_sites.add("site2")
    await play(stage, 60)
    (title,) = await stage.titles()
    assert title.startswith("1 site on one is failing since ")
    assert ": site2" in title
    stage.world.broken_sites.remove("site2")
    await play(stage, 60)
    (title,) = await stage.titles()
    assert title.startswith("site2 on one answers again after")


async def test_a_site_that_still_fails_at_the_end_of_its_maintenance_alerts(stage: Stage) -> None:
    await type_in(stage, 'maintenance site0 2m "an upgrade"')
    stage.world.broken_sites.add("site0")
    await play(stage, 180)
    (title,) = await stage.titles()
    assert title.startswith("1 site on one is failing since 14:00:")
    assert await stage.store.maintenance.suppressed() == ()


async def test_an_alert_that_is_there_already_goes_on_when_work_begins(stage: Stage) -> None:
    stage.world.broken_sites.add("site0")
    await play(stage, 60)
    await type_in(stage, 'maintenance site0 30m "mending it"')
    await play(stage, 60)
    (title,) = await stage.titles()
    assert title.startswith("1 site on one is failing")
    stage.world.broken_sites.clear()
    await play(stage, 60)
    (title,) = await stage.titles()
    assert title.startswith("site0 on one answers again after")


async def test_planned_work_begins_by_the_clock_and_keeps_nothing_quiet_before(stage: Stage) -> None:
    reply = await type_in(stage, 'maintenance one 1h "new disks" --at 14:03')
    assert reply.title == "Maintenance M1 of one is planned from 14:03:00 BST for 1 h: new disks"
    stage.world.dead.add("one")
    await play(stage, 60)
    assert len(await stage.cards()) == 1
    await play(stage, 150)
    assert await phase(stage) is Phase.RUNNING
    one = await get(stage)
    assert one.began_at == one.starts_at
    assert await thread(stage, M1) == ["Maintenance M1 of one until 15:03:00 BST: new disks"]


async def test_planned_work_that_begins_while_no_bot_runs_has_begun_in_time(stage: Stage) -> None:
    await type_in(stage, 'maintenance one 1h "new disks" --at 14:10')
    await stage.stop()
    await stage.play(1200)
    stage.world.dead.add("one")
    stage.start()
    await play(stage, 60)
    one = await get(stage)
    assert one.began_at == one.starts_at
    assert await stage.cards() == []


async def test_work_begun_early_keeps_its_planned_start_and_tells_the_actual_one(quiet_stage: Stage) -> None:
    await type_in(quiet_stage, 'maintenance one 1h "new disks" --at 14:10')
    await type_in(quiet_stage, "maintenance start M1")
    one = await get(quiet_stage)
    assert (one.phase(quiet_stage.clock.now()), one.began_at) == (Phase.RUNNING, quiet_stage.clock.now())
    assert one.starts_at > quiet_stage.clock.now()
    with pytest.raises(RefusedError, match="not planned any more"):
        await type_in(quiet_stage, "maintenance start M1")


async def test_an_overrun_is_told_once_however_often_the_bot_is_restarted(stage: Stage) -> None:
    await type_in(stage, 'maintenance one 1m "new disks"')
    for _ in range(4):
        await play(stage, 60)
        await stage.stop()
        stage.start()
    title = "Maintenance M1 of one was to end at 14:01:15 BST and has not been ended: alerts are on again"
    assert await thread(stage, M1) == [title]
    assert await card_title(stage, M1) == title
    assert await on_record(stage, "maintenance.overrun") == ["M1 by bot:maintenance"]


async def test_more_time_keeps_it_quiet_for_longer_and_a_second_overrun_is_told_again(stage: Stage) -> None:
    await type_in(stage, 'maintenance one 2m "new disks"')
    await play(stage, 125)
    await type_in(stage, "maintenance extend M1 5m")
    stage.world.dead.add("one")
    await play(stage, 120)
    assert await stage.cards() == []
    await play(stage, 300)
    assert await on_record(stage, "maintenance.overrun") == ["M1 by bot:maintenance"] * 2
    assert len(await stage.cards()) == 1


async def test_what_was_planned_and_what_was_are_told_apart_at_the_end(quiet_stage: Stage) -> None:
    await type_in(quiet_stage, 'maintenance one 30m "new disks"')
    await play(quiet_stage, 300)
    reply = await type_in(quiet_stage, "maintenance end m1", BOB)
    assert reply.title == "Maintenance M1 of one has ended after 5 min (planned: 30 min): new disks"
    assert await on_record(quiet_stage, "maintenance.ended") == ["M1 by slack:UBOB"]
    with pytest.raises(RefusedError, match="has ended already"):
        await type_in(quiet_stage, "maintenance end M1")
    with pytest.raises(RefusedError, match="has ended already"):
        await type_in(quiet_stage, "maintenance extend M1 5m")


async def test_planned_work_can_be_taken_back_and_work_that_goes_on_cannot(quiet_stage: Stage) -> None:
    await type_in(quiet_stage, 'maintenance one 1h "new disks" --at 15:00')
    with pytest.raises(RefusedError, match="has not started"):
        await type_in(quiet_stage, "maintenance end M1")
    await type_in(quiet_stage, "maintenance cancel M1", BOB)
    assert await quiet_stage.store.maintenance.now_and_planned() == ()
    await type_in(quiet_stage, 'maintenance one 1h "new disks"')
    with pytest.raises(RefusedError, match="has started already"):
        await type_in(quiet_stage, "maintenance cancel M2")
    with pytest.raises(RefusedError, match="was cancelled"):
        await type_in(quiet_stage, "maintenance extend M1 5m")


async def test_two_works_on_the_same_thing_at_the_same_time_are_refused(quiet_stage: Stage) -> None:
    await type_in(quiet_stage, 'maintenance one 1h "new disks"')
    with pytest.raises(RefusedError, match="M1 is planned for one at that time already"):
        await type_in(quiet_stage, 'maintenance one 1h "more disks"', BOB)
    await type_in(quiet_stage, 'maintenance one 1h "more disks" --at 16:00', BOB)
    await type_in(quiet_stage, 'maintenance two 1h "disks" ', BOB)
    listed = await type_in(quiet_stage, "maintenance")
    assert listed.title == "3 maintenances: 2 under way, 1 planned"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("maintenance one", "Say what, for how long, and why"),
        ("maintenance one 2h", "Say what, for how long, and why"),
        ('maintenance nobody 2h "x"', "There is no server, site or name server 'nobody'"),
        ('maintenance one 2 "x"', "is no duration"),
        ('maintenance one 40d "x"', "at most 30 days"),
        ('maintenance one 2h "x" --at yesterday', "is no time"),
        ('maintenance one 2h "x" --at 2026-06-14T13:00', "is past"),
        ("maintenance end", "Say which one"),
        ("maintenance extend M1", "Say which one, and by how much"),
        ("maintenance end M9", "There is no maintenance 'M9'"),
        ("maintenance end soon", "'soon' is no maintenance"),
    ],
)
async def test_what_was_typed_wrongly_changes_nothing_and_says_what(
    quiet_stage: Stage, line: str, message: str
) -> None:
    with pytest.raises((UsageError, RefusedError), match=message):
        await type_in(quiet_stage, line)
    assert await quiet_stage.store.maintenance.now_and_planned() == ()


async def test_nobody_else_may_keep_alerts_quiet(quiet_stage: Stage) -> None:
    with pytest.raises(NotAllowedError):
        await type_in(quiet_stage, 'maintenance one 1h "x"', EVE)
    assert await quiet_stage.store.maintenance.now_and_planned() == ()


async def test_the_whole_of_one_is_told_by_its_number(set_stage: SetStage) -> None:
    stage = await set_stage()
    stage.start()
    await stage.play(15)
    await type_in(stage, 'maintenance one 30m "new disks"', ALICE)
    stage.world.dead.add("one")
    await play(stage, 60)
    stage.world.dead.clear()
    await play(stage, 60)
    await type_in(stage, 'note M1 "the old ones were full"', BOB)
    await type_in(stage, "maintenance end M1")
    await run_jobs(stage)
    reply = await type_in(stage, "incidents M1", EVE)
    table = reply.parts[-1]
    assert [row.cells[1] for row in table.rows] == [  # type: ignore[union-attr]
        "asked for",
        "it began",
        "one in trouble, alert muted",
        "one no longer muted",
        "note: the old ones were full",
        "over, after 2 min",
    ]

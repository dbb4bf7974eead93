"""While nobody has acknowledged an outage, people are reminded in its thread; and of nothing else."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from incidents.conftest import on_record, play, run_jobs, sent, thread, type_in

from core.fleet import Alerts

if TYPE_CHECKING:
    from watch.conftest import SetStage, Stage

CARD = "outage:1"
REMIND_S = 60


@pytest.fixture
async def down(set_stage: SetStage) -> Stage:
    """One server is down, and while nobody has acknowledged it people are reminded every minute."""
    stage = await set_stage()
    stage.change(alerts=Alerts(remind=timedelta(seconds=REMIND_S)))
    stage.start()
    await stage.play(15)
    stage.world.dead.add("one")
    await play(stage, 30)
    await sent(stage)
    return stage


async def reminders(stage: Stage) -> list[str]:
    return [line for line in await thread(stage, CARD) if "not acknowledged" in line]


async def test_it_is_said_in_the_thread_and_makes_no_new_message(down: Stage) -> None:
    await play(down, REMIND_S)
    (line,) = await reminders(down)
    assert line.startswith("one: still open after 1 min ")
    assert line.endswith(", not acknowledged. Acknowledge: `ack 1`")
    assert len(await down.cards()) == 1


async def test_it_is_said_again_and_again_but_not_sooner(down: Stage) -> None:
    for times in (1, 2, 3):
        await play(down, REMIND_S + 10)
        assert len(await on_record(down, "outage.reminded")) == times
        await sent(down)


async def test_it_stops_when_somebody_looks_after_it(down: Stage) -> None:
    await type_in(down, "ack 1")
    await play(down, 3 * REMIND_S)
    assert await reminders(down) == []


async def test_it_stops_when_it_is_over(down: Stage) -> None:
    down.world.dead.clear()
    await play(down, 3 * REMIND_S)
    assert await reminders(down) == []


async def test_while_slack_is_away_one_reminder_waits_and_says_how_long_it_is_by_now(down: Stage) -> None:
    await play(down, 5 * REMIND_S + 10)
    (line,) = await reminders(down)
    assert line.startswith("one: still open after 5 min ")
    await sent(down)
    await play(down, 20)
    assert await reminders(down) == []
    assert len(await on_record(down, "outage.reminded")) == 1


async def test_other_lines_that_wait_hold_no_reminder_back(down: Stage) -> None:
    await type_in(down, 'note "called them"')
    await play(down, REMIND_S + 10)
    assert [line.partition(" after ")[0] for line in await thread(down, CARD)] == [
        "slack:UALICE: called them",
        "one: still open",
    ]


async def test_by_other_ways_they_come_also_while_slack_is_away(down: Stage) -> None:
    await down.store.notifications.take_up(["env:SMS_URL"])
    await play(down, 3 * (REMIND_S + 10))
    sent_by_sms = [alert.reply for alert in await down.store.notifications.after("env:SMS_URL")]
    assert len(sent_by_sms) == 3
    assert {reply.title.partition(" after ")[0] for reply in sent_by_sms} == {"one: still open"}
    assert {reply.buttons[0].line for reply in sent_by_sms} == {"ack 1"}
    assert len(await reminders(down)) == 1


async def test_a_restarted_bot_does_not_remind_sooner_and_one_that_was_away_reminds_once(down: Stage) -> None:
    await play(down, REMIND_S)
    await sent(down)
    await down.stop()
    down.start()
    await play(down, 30)
    assert await reminders(down) == []
    await down.stop()
    await down.play(10 * REMIND_S)
    down.start()
    await play(down, 10)
    assert len(await reminders(down)) == 1


async def test_two_bots_remind_once(down: Stage) -> None:
    await down.play(REMIND_S)
    await run_jobs(down)
    await run_jobs(down)
    assert len(await reminders(down)) == 1


async def test_nobody_is_reminded_of_what_a_maintenance_is_on(down: Stage) -> None:
    await type_in(down, 'maintenance one 1h "mending it"')
    await play(down, 3 * REMIND_S)
    assert await reminders(down) == []


async def test_a_clock_that_was_set_back_does_not_end_reminders(down: Stage) -> None:
    down.clock.shift = -timedelta(hours=5)
    await run_jobs(down)
    assert len(await reminders(down)) == 1


async def test_what_shares_a_message_is_one_reminder(down: Stage) -> None:
    down.world.dead |= {"two", "ns1", "ns2", "ns3"}
    await play(down, 60)
    await sent(down)
    await play(down, REMIND_S)
    by_card = [entry for entry in await on_record(down, "outage.reminded") if entry.startswith("outage:4")]
    assert len(by_card) <= 1
    (shared,) = [card for card in await down.cards() if "things are down" in card.reply.title]
    lines = [line for line in await thread(down, shared.key) if "not acknowledged" in line]
    assert len(lines) == 1
    assert replace(shared.reply, title="").buttons[-1].line in lines[0]

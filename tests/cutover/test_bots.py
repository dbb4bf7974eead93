"""Real bot processes on a lab and a local Slack: killed, started again, and two at once."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from lab.slack import LocalSlack, buttons_of, shown_in
from ops.store.sqlite.driver import sqlite3

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cutover.harness import Stage

SHARPNET = Path(sys.executable).parent / "sharpnet"
END_S = 20
WAIT_S = 60.0
APPROVER = "U02BOB"


@pytest.fixture
def slack(tmp_path: Path) -> Iterator[LocalSlack]:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = int(one.getsockname()[1])
    with LocalSlack.for_fleet(tmp_path / "app.yaml", tmp_path / "slack", port=port) as slack:
        yield slack


class Bots:
    """Bot processes of one fleet; each is ended at the end."""

    def __init__(self, stage: Stage, slack: LocalSlack) -> None:
        self._stage = stage
        self._slack = slack
        self._started = 0
        self.running: list[subprocess.Popen[bytes]] = []

    def start(self) -> subprocess.Popen[bytes]:
        """Start a bot and wait until it is connected."""
        self._started += 1
        bot = self._begin(self._slack.env)
        self._slack.wait_for_bot(connections=self._started, timeout_s=WAIT_S)
        return bot

    def start_without_slack(self) -> subprocess.Popen[bytes]:
        """Start a bot that knows no token."""
        return self._begin({})

    def _begin(self, settings: dict[str, str]) -> subprocess.Popen[bytes]:
        with (self._stage.config.parent / "bots.log").open("ab") as log:
            bot = subprocess.Popen(
                [SHARPNET, "--config", self._stage.config, "run"],
                env=os.environ | self._stage.lab.env | settings,
                stdout=log,
                stderr=log,
            )
        self.running.append(bot)
        return bot

    def kill(self, bot: subprocess.Popen[bytes]) -> None:
        """Kill a bot as a power cut would."""
        bot.kill()
        bot.wait()
        self.running.remove(bot)

    def end(self) -> None:
        for bot in self.running:
            bot.send_signal(signal.SIGTERM)
        for bot in self.running:
            with contextlib.suppress(subprocess.TimeoutExpired):
                bot.wait(END_S)
            bot.kill()


@pytest.fixture
def bots(stage: Stage, slack: LocalSlack) -> Iterator[Bots]:
    bots = Bots(stage, slack)
    yield bots
    bots.end()


def message(slack: LocalSlack, text: str, button: str | None = None) -> dict[str, Any]:
    """Wait for the newest message that says `text` and has `button`."""

    def fits(one: dict[str, Any]) -> bool:
        labels = [element["text"]["text"] for element in buttons_of(one)]
        return text in shown_in(one) and (button is None or button in labels)

    return slack.wait_for_message(fits, WAIT_S)


def alerts(slack: LocalSlack) -> list[str]:
    return [str(one["text"]) for one in slack.messages() if "oslo is down" in str(one.get("text"))]


async def test_a_pending_approval_survives_the_bot_that_made_it(stage: Stage, slack: LocalSlack, bots: Bots) -> None:
    first = bots.start()
    stage.lab.drop("oslo")
    slack.press(message(slack, "oslo is down", "Prepare failover"), "Prepare failover", "U01ALICE")
    plan = message(slack, "What changes", "Approve")
    bots.kill(first)
    bots.start()
    slack.press(plan, "Approve", APPROVER)
    message(slack, "Done: 2 sites moved from oslo (Oslo) to lima (Lima)", "Roll back")
    assert stage.all_answer("fjord.example", "lima")
    assert len(alerts(slack)) == 1


async def test_two_bots_on_one_store_tell_once_and_move_once(stage: Stage, slack: LocalSlack, bots: Bots) -> None:
    bots.start()
    bots.start()
    stage.lab.drop("oslo")
    slack.press(message(slack, "oslo is down", "Prepare failover"), "Prepare failover", "U01ALICE")
    slack.press(message(slack, "What changes", "Approve"), "Approve", APPROVER)
    message(slack, "Done: 2 sites moved from oslo (Oslo) to lima (Lima)", "Roll back")
    assert len(alerts(slack)) == 1
    kinds = [entry.kind for entry in await stage.ports.store.record.entries()]
    assert (kinds.count("plan.made"), kinds.count("plan.confirmed"), kinds.count("outage.opened")) == (1, 1, 1)
    assert stage.lab.query("primary", "fjord.example", "SOA")[0].split()[2] == "2"


async def test_a_bot_whose_store_was_put_back_asks_before_it_does_anything_and_watches_meanwhile(
    stage: Stage, slack: LocalSlack, bots: Bots, tmp_path: Path
) -> None:
    first = bots.start()
    stage.lab.drop("oslo")
    plan_id = await stage.plan()
    await stage.approve_and_die(plan_id)
    with closing(sqlite3.connect(tmp_path / "sharpnet.db")) as store, closing(sqlite3.connect(tmp_path / "copy")) as to:
        store.backup(to)
    message(slack, "Done: 2 sites moved from oslo (Oslo) to lima (Lima)", "Roll back")
    back = await stage.plan(f"rollback {plan_id} --force rehearsal")
    await stage.say(f"approve {back}")
    assert stage.all_answer("fjord.example", "oslo")
    bots.kill(first)
    for file in ("sharpnet.db-wal", "sharpnet.db-shm"):
        (tmp_path / file).unlink(missing_ok=True)
    (tmp_path / "copy").rename(tmp_path / "sharpnet.db")
    serial = stage.lab.query("primary", "fjord.example", "SOA")[0].split()[2]
    bots.start()
    said = message(slack, "This store went back in time", "Accept this store")
    assert "nothing is approved, moved, copied or backed up with it" in shown_in(said)
    stage.lab.drop("lima")
    message(slack, "lima is down")
    stage.lab.back("lima")
    assert stage.lab.query("primary", "fjord.example", "SOA")[0].split()[2] == serial
    slack.press(said, "Accept this store", APPROVER)
    message(slack, "The store is accepted by")
    assert stage.lab.query("primary", "fjord.example", "SOA")[0].split()[2] == serial
    assert stage.all_answer("fjord.example", "oslo")


async def test_what_a_killed_bot_had_approved_another_carries_out(stage: Stage, slack: LocalSlack, bots: Bots) -> None:
    first = bots.start()
    stage.lab.drop("oslo")
    plan_id = await stage.plan()
    bots.kill(first)
    await stage.approve_and_die(plan_id)
    bots.start()
    message(slack, "Done: 2 sites moved from oslo (Oslo) to lima (Lima)", "Roll back")
    assert stage.all_answer("ski.example", "lima")


async def test_a_bot_without_slack_still_watches_and_its_alerts_wait(
    stage: Stage, slack: LocalSlack, bots: Bots
) -> None:
    slack.stop()
    lonely = bots.start_without_slack()
    stage.lab.drop("oslo")
    for _ in range(int(WAIT_S * 10)):
        waiting = await stage.ports.store.cards.waiting()
        if waiting:
            break
        await stage.ports.clock.sleep(0.1)
    assert [card.reply.title.split(" since")[0] for card in waiting] == ["oslo is down"]
    slack.start()
    bots.kill(lonely)
    bots.start()
    assert "oslo is down since" in str(message(slack, "oslo is down", "Prepare failover")["text"])

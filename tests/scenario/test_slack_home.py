"""The Home tab: shown to whoever opens it, shown again when something changes, pressed like any other message."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from given_ports import ports_with

from bot.slack import home
from bot.slack.people import People
from bot.slack.settings import new_session, web_client
from core.fleet import Endpoint
from core.fleet.target import Target
from core.incident.card_maintenance import card_of
from core.incident.facts import OutageFacts
from core.plan.plan import Failover, Move, Plan, ZoneChange
from core.reply import Button, Reply, Tone
from lab.slack_stand_in import LOSE
from ops.store import Store
from ops.store.incident.maintenance import NewMaintenance
from ops.store.incident.outages import OutageOpening
from ops.store.sqlite.database import SqliteDb

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Commands, Shelf, StartBot

    from bot.slack.settings import SlackSettings
    from core.fleet import Fleet
    from lab.slack import LocalSlack
    from lab.slack_stand_in import WebApi

ALICE, BOB, EVE = "U01ALICE", "U02BOB", "U03EVE"
WAIT_S = 20.0


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(home, "LOOK_EVERY_S", 0.1)
    monkeypatch.setattr(home, "PUBLISH_EVERY_S", 0.05)
    monkeypatch.setattr(home, "EACH_EVERY_S", 0.1)
    monkeypatch.setattr(home, "AGAIN_S", 0.2)


def published(slack: LocalSlack, user: str) -> list[dict[str, Any]]:
    calls = [entry["detail"] for entry in slack.log() if entry["summary"] == "views.publish"]
    return [call["view"] for call in calls if call["user_id"] == user]


def words(view: dict[str, Any]) -> str:
    return "\n".join(block["text"]["text"] for block in view["blocks"] if "text" in block)


def wait_for(slack: LocalSlack, user: str, text: str) -> dict[str, Any]:
    deadline = time.monotonic() + WAIT_S
    while True:
        views = published(slack, user)
        if views and text in words(views[-1]):
            return views[-1]
        assert time.monotonic() < deadline, words(views[-1]) if views else "nothing was shown"
        time.sleep(0.05)


def outage(shelf: Shelf, target: Target, title: str) -> None:
    at = datetime.now(UTC)
    reply = Reply(title, buttons=(Button("Acknowledge", "ack 1"),), tone=Tone.BAD)
    shelf._do(
        lambda store: store.outages.open_many(
            [OutageOpening(target, at, OutageFacts())],
            "bot",
            choose=lambda _made: None,
            draw=lambda _outages: reply,
            at=at,
        )
    )


def plan_that_waits(shelf: Shelf) -> None:
    at = datetime.now(UTC)
    zones = (ZoneChange(Endpoint("192.0.2.53"), "shop.test", 1, ()),)
    plan = Plan("K7Q2", Failover(), (Move("shop", "uk", "us"),), zones, f"slack:{BOB}", at, at + timedelta(minutes=10))
    card = Reply("Move shop from uk to us?", buttons=(Button("Approve", "approve K7Q2 --digest abc", "danger"),))
    shelf._do(lambda store: store.plans.add(plan, card))


@pytest.mark.usefixtures("bot")
def test_it_shows_the_fleet_to_anyone_who_opens_it(slack: LocalSlack) -> None:
    slack.open_home(EVE)
    view = wait_for(slack, EVE, "no sites")
    assert view["type"] == "home"
    assert view["blocks"][-1]["elements"][0]["text"].startswith("As of ")


@pytest.mark.usefixtures("bot")
def test_it_is_shown_again_when_something_changes_and_only_then(slack: LocalSlack, shelf: Shelf) -> None:
    slack.open_home(ALICE)
    wait_for(slack, ALICE, "no sites")
    outage(shelf, Target.server("uk"), "uk is down since 14:02:07 BST")
    wait_for(slack, ALICE, "uk is down since 14:02:07 BST")
    views = published(slack, ALICE)
    assert len({words(view) for view in views}) == len(views)
    assert published(slack, BOB) == []


@pytest.mark.usefixtures("bot")
def test_a_pending_approval_is_there_with_its_button_which_types_its_line_for_who_presses(
    slack: LocalSlack, shelf: Shelf, commands_stub: Commands
) -> None:
    plan_that_waits(shelf)
    slack.open_home(ALICE)
    view = wait_for(slack, ALICE, "Move shop from uk to us?")
    assert "Asked by @bob" in words(view)
    button = next(
        element for block in view["blocks"] for element in block.get("elements", ()) if "approve" in str(element)
    )
    slack._call("interact", {"channel": slack.channel, "messageTs": "0", "user": EVE, "action": button})
    deadline = time.monotonic() + WAIT_S
    while not commands_stub.asked:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert commands_stub.asked == [(EVE, ["approve", "K7Q2", "--digest", "abc"])]


@pytest.mark.usefixtures("bot")
def test_planned_work_is_there(slack: LocalSlack, shelf: Shelf) -> None:
    at = datetime.now(UTC)
    wanted = NewMaintenance(Target.server("uk"), "new disks", f"slack:{BOB}", at, at + timedelta(hours=1), at)
    shelf._do(lambda store: store.maintenance.plan(wanted, at, lambda one: card_of(one, "UTC", at), lambda _open: None))
    slack.open_home(ALICE)
    wait_for(slack, ALICE, "Maintenance M1 of uk until")


def test_a_bot_that_starts_goes_on_with_the_tabs_that_were_open(
    slack: LocalSlack, shelf: Shelf, start_bot: StartBot, settings_for: Callable[..., SlackSettings]
) -> None:
    first = start_bot(settings_for(slack))
    slack.wait_for_bot()
    slack.open_home(ALICE)
    wait_for(slack, ALICE, "no sites")
    first.stop()
    outage(shelf, Target.server("uk"), "uk is down since 14:02:07 BST")
    start_bot(settings_for(slack))
    wait_for(slack, ALICE, "uk is down since 14:02:07 BST")


async def test_it_is_shown_again_after_slack_lost_it_or_was_asked_too_often(
    web_api: WebApi, shelf: Shelf, fleet: Fleet, settings_for: Callable[..., SlackSettings]
) -> None:
    too_often = {"ok": False, "error": "ratelimited", "status": 429, "headers": {"Retry-After": "0"}}
    web_api.script["views.publish"] = [LOSE, too_often]
    store = Store(SqliteDb(shelf.path))
    await store.open()
    ports = ports_with(fleet, store=store)
    async with new_session() as session:
        client = web_client(settings_for(web_api), session, retry=False)
        homes = home.HomeTabKeeper(ports, client, People(fleet, client, ports.clock))
        homes.opened_by(ALICE)
        running = asyncio.create_task(homes.run())
        await asyncio.to_thread(web_api.wait_for, "views.publish", 3)
        await asyncio.sleep(0.5)
        running.cancel()
    await store.close()
    assert {sent["user_id"] for sent in web_api.sent("views.publish")} == {ALICE}
    assert len(web_api.sent("views.publish")) == 3

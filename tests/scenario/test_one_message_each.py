"""Whatever befalls real servers, the channel gets one message: it says what it is, and by and by that it is over."""

from __future__ import annotations

import asyncio
import os
import time
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING
from unittest.mock import patch

import pytest
from scenario.faults import FAULTS, befallen
from scenario.harness import ALICE, ALL_WELL, OpsRoom, much_looked_at

from bot.settings import Settings
from bot.wiring import open_ports
from commands import answer
from core.people import Person
from core.status.home_tab import home_of
from lab import Lab
from lab.slack import shown_in
from lab.small_fleet import address_blocks, write_small_fleet
from ops.gather.fleet_picture import is_watched, stored_picture
from ops.gather.pages import stored_page, with_days

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from lab.slack import LocalSlack

# All that the fleet has is looked at several times in so long.
A_WHILE_S = 3.0
AN_HOUR = timedelta(hours=1)
NOTHING_KNOWN = "small: oslo unknown, lima unknown; 0 of 4 sites served, 0 of 3 name servers in step"


@pytest.fixture(scope="module")
def lab_and_file(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Lab, Path]]:
    """Bring up one lab for all of this file's tests: each undoes what it did."""
    folder = tmp_path_factory.mktemp("lab")
    fleet_file = write_small_fleet(folder, next(address_blocks()), much_looked_at)
    with Lab(fleet_file, folder / ".lab") as lab:
        yield lab, fleet_file


@pytest.fixture
def room(lab_and_file: tuple[Lab, Path], slack: LocalSlack, tmp_path: Path) -> OpsRoom:
    """Give a channel in which nothing was said yet, and no bot: a test starts it."""
    return OpsRoom(*lab_and_file, slack, tmp_path)


@pytest.mark.parametrize("name", FAULTS)
def test_each_fault_is_one_message_that_is_edited_until_it_is_over(room: OpsRoom, name: str) -> None:
    fault = FAULTS[name]
    with room.bot():
        with fault.befalls(room.lab):
            first = room.told(fault.says)
            time.sleep(A_WHILE_S)
            told = room.only_message()
            assert [words for words in (fault.says, *fault.also) if words not in shown_in(told)] == [], shown_in(told)
        room.told(fault.ends)
        room.until_status_says(ALL_WELL)
        assert room.only_message()["ts"] == first["ts"]


def test_a_server_that_drops_again_and_again_is_one_message(room: OpsRoom) -> None:
    with room.bot():
        with befallen(room.lab, room.lab.drop, "oslo"):
            first = room.told("oslo is down since")
        room.told("oslo is back after")
        with befallen(room.lab, room.lab.drop, "oslo"):
            room.told("oslo is flapping: 3 changes")
        told = room.told("oslo is flapping: 4 changes")
        assert "up now" in shown_in(told)
        assert told["ts"] == first["ts"]


def test_of_the_hour_in_which_the_bot_was_stopped_nothing_is_known_and_nothing_is_told(room: OpsRoom) -> None:
    with room.bot():
        pass
    room.let_an_hour_pass()
    meanwhile = asyncio.run(shown_now(room))
    assert (meanwhile.titles, meanwhile.states_on_page) == ({NOTHING_KNOWN}, {"unknown"})
    with room.bot():
        after = asyncio.run(shown_now(room))
    assert (after.titles, after.states_on_page) == ({ALL_WELL}, {"up"})
    assert meanwhile.observed < after.observed < AN_HOUR
    assert room.in_channel() == []


def test_a_server_that_came_back_while_the_bot_was_stopped_is_told_so_in_the_same_message(room: OpsRoom) -> None:
    try:
        with room.bot():
            room.lab.drop("oslo")
            first = room.told("oslo is down since")
            room.slack.command(ALICE, "ack 1")
            # The local Slack gives no metadata back: before an edit was seen, the next bot could not find the message.
            room.told("Acknowledged by")
    finally:
        room.lab.back("oslo")
    room.let_an_hour_pass()
    with room.bot():
        told = room.told("oslo is back: that happened between")
    assert "while this bot did not watch" in shown_in(told)
    assert told["ts"] == first["ts"]


@dataclass(frozen=True)
class Shown:
    """What people see: the titles of `status` and of the Home tab, the servers' states on the page, how long seen."""

    titles: set[str]
    states_on_page: set[str]
    observed: timedelta


async def shown_now(room: OpsRoom) -> Shown:
    """Give what people see of what the bots have kept."""
    with patch.dict(os.environ, room.lab.env):
        async with open_ports(Settings(room.fleet_file, room.store)) as ports:
            status = await answer(("status",), Person(ALICE, "slack", frozenset()), "slack", ports)
            home, *_ = home_of(await stored_picture(ports), watched=await is_watched(ports))
            page = await with_days(ports, await stored_page(ports))
    observed_s = sum(day.observed_s for day in page.servers[0].days)
    states = {server.state.value for server in page.servers}
    return Shown({status.title, home.title}, states, timedelta(seconds=observed_s))

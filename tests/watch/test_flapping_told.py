"""What drops again and again: one message, held until it is quiet, and a new one when it stays down."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from core.errors import StoreError

if TYPE_CHECKING:
    from tests.watch.conftest import SetStage, Stage


@pytest.fixture
async def stage(set_stage: SetStage) -> Stage:
    """Give a small fleet, since much time passes here."""
    stage = await set_stage(servers=2, sites=1, nameservers=1)
    stage.start()
    await stage.play(15)
    return stage


async def flap(stage: Stage, times: int, down_s: float = 10, up_s: float = 10) -> None:
    for _ in range(times):
        stage.world.dead.add("one")
        await stage.play(down_s)
        stage.world.dead.clear()
        await stage.play(up_s)


async def test_a_server_that_flaps_every_twenty_seconds_is_one_message(stage: Stage) -> None:
    await flap(stage, 6)
    (title,) = await stage.titles()
    assert title.startswith("one is flapping: ")
    assert title.endswith("; up now")
    assert len(await stage.store.outages.all_open()) == 1


async def test_it_is_held_until_it_has_been_quiet_for_as_long(stage: Stage) -> None:
    await flap(stage, 4)
    await stage.play(240)
    (title,) = await stage.titles()
    assert title.startswith("one is flapping: ")
    await stage.play(120)
    (title,) = await stage.titles()
    assert title.startswith("one flapped (")
    assert "nothing has changed since" in title
    assert await stage.store.outages.all_open() == ()


async def test_one_that_stays_down_is_told_anew(stage: Stage) -> None:
    await flap(stage, 3)
    stage.world.dead.add("one")
    await stage.play(90)
    titles = await stage.titles()
    assert len(titles) == 2
    assert titles[0].startswith("one flapped (")
    assert titles[0].endswith("see the next message")
    assert titles[1].startswith("one is down since")
    stage.world.dead.clear()
    await stage.play(30)
    assert (await stage.titles())[1].startswith("one is back after")


async def test_a_bot_that_is_killed_goes_on_with_the_same_message(stage: Stage) -> None:
    await flap(stage, 3)
    await stage.stop()
    stage.start()
    await stage.play(30)
    (title,) = await stage.titles()
    assert title.startswith("one is flapping: ")
    await stage.play(400)
    (title,) = await stage.titles()
    assert title.startswith("one flapped (")


async def test_drops_that_are_far_apart_are_each_told(stage: Stage) -> None:
    await flap(stage, 3, down_s=30, up_s=130)
    titles = await stage.titles()
    assert len(titles) == 3
    assert all(title.startswith("one is back after") for title in titles)


async def test_a_name_server_that_flaps_is_one_message_too(stage: Stage) -> None:
    for _ in range(5):
        stage.world.dead.add("ns1")
        await stage.play(10)
        stage.world.dead.clear()
        await stage.play(10)
    (title,) = await stage.titles()
    assert title.startswith("Name server ns1 is flapping: ")


async def test_a_drop_that_a_full_disk_keeps_from_the_record_is_one_drop(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(*_: object) -> None:
        raise StoreError("disk full")

    with monkeypatch.context() as full:
        full.setattr(stage.store.outages, "open_many", fails)
        stage.world.dead.add("one")
        await stage.play(30)
        assert await stage.titles() == []
    await stage.play(5)
    (title,) = await stage.titles()
    assert title.startswith("one is down since")

"""A store that cannot be written swallows no alert: people are told past it, once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import pytest

from core.errors import StoreError
from core.fleet.target import Target
from jobs.notify.store_down import StoreWatch

if TYPE_CHECKING:
    from core.reply import Reply
    from ops.ports import Ports
    from tests.watch.conftest import SetStage


class Bot:
    """A made-up bot: its store, its clock, what it sees down, and what was told of it."""

    def __init__(self) -> None:
        self.at = datetime(2026, 6, 14, 1, 0, tzinfo=UTC)
        self.full = self.mute = False
        self.down: frozenset[str] = frozenset()
        self.told: list[tuple[str, bool]] = []
        notifications = SimpleNamespace(beat=self._beat)
        fleet = SimpleNamespace(timezone="UTC")
        ports = SimpleNamespace(clock=self, store=SimpleNamespace(notifications=notifications), fleet=fleet)
        self.unstored = StoreWatch(cast("Ports", ports), lambda: self.down, self._tell)

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return self.at.timestamp()

    async def _beat(self, _at: datetime) -> None:
        if self.full:
            raise StoreError("the disk is full")

    async def _tell(self, reply: Reply, *, news: bool) -> bool:
        if not self.mute:
            self.told.append((reply.title, news))
        return not self.mute

    async def goes_on(self, seconds: int) -> None:
        for _ in range(seconds // 5):
            self.at += timedelta(seconds=5)
            await self.unstored._look()


@pytest.fixture
def bot() -> Bot:
    return Bot()


async def test_a_store_that_is_busy_for_some_seconds_is_not_told(bot: Bot) -> None:
    bot.full = True
    await bot.goes_on(15)
    bot.full = False
    await bot.goes_on(15)
    assert bot.told == []


async def test_a_store_that_stays_full_is_told_once_and_its_end_in_the_same_message(bot: Bot) -> None:
    bot.full = True
    await bot.goes_on(300)
    bot.full = False
    await bot.goes_on(60)
    assert bot.told == [
        ("Nothing is seen down. This bot can store nothing since 01:00:05 UTC", True),
        ("This bot stores what it sees again, after 5 min", False),
    ]


async def test_what_drops_meanwhile_is_told_anew_and_what_comes_back_is_an_edit(bot: Bot) -> None:
    bot.full = True
    await bot.goes_on(60)
    bot.down = frozenset({Target.server("oslo")})
    await bot.goes_on(60)
    bot.down = frozenset()
    await bot.goes_on(60)
    assert [news for _, news in bot.told] == [True, True, False]
    assert bot.told[1][0].startswith("Down as seen from here: oslo.")


async def test_what_was_not_taken_is_told_again(bot: Bot) -> None:
    bot.full = bot.mute = True
    await bot.goes_on(60)
    bot.mute = False
    await bot.goes_on(5)
    assert [news for _, news in bot.told] == [True]
    bot.full, bot.mute = False, True
    await bot.goes_on(30)
    bot.mute = False
    await bot.goes_on(5)
    assert bot.told[-1][0].startswith("This bot stores what it sees again")


async def test_the_watch_says_what_is_down_although_nothing_can_be_stored(
    set_stage: SetStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = await set_stage()
    watcher = stage.start()
    await stage.play(30)

    async def full(*_args: object, **_more: object) -> None:
        raise StoreError("the disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(stage.store.states, "saw", full)
        patched.setattr(stage.store.outages, "open_many", full)
        stage.world.dead.add("one")
        await stage.play(60)
        assert watcher.down() == {Target.server("one")}
        assert await stage.cards() == []
    await stage.play(20)
    assert len(await stage.cards()) == 1

"""The engine on a real store: runs outlive their process, and one owner at a time carries them out."""

from __future__ import annotations

import asyncio
import contextlib
import re
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from core.errors import StoreError
from ops.contracts import LeaseTime
from ops.durable import engine as engine_module
from ops.durable.engine import LEASE, StoreEngine

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from ops.contracts import Db
    from ops.store import Store


class HandClock:
    """A clock that a test turns; waiting gives way to others, and is over when the hand is past it."""

    def __init__(self) -> None:
        self.at = datetime(2026, 6, 14, tzinfo=UTC)
        self.sleeping = 0

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return self.at.timestamp()

    def since_boot(self) -> float:
        return self.at.timestamp()

    def lease_time(self) -> LeaseTime:
        return LeaseTime("this boot", self.at.timestamp())

    async def sleep(self, seconds: float) -> None:
        until = self.at + timedelta(seconds=seconds)
        self.sleeping += 1
        try:
            while self.at < until:  # noqa: ASYNC110 - the hand is turned without telling
                await asyncio.sleep(0.001)
        finally:
            self.sleeping -= 1


class Work:
    """Work that a test lets go on; it remembers who began and ended it."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.begun_at: list[datetime] = []
        self.ended: list[str] = []
        self.go_on = asyncio.Event()
        self.fails = False
        self.is_defective = False

    def by(self, owner: str) -> Callable[[str, datetime], Awaitable[None]]:
        async def carry_out(_subject: str, at: datetime) -> None:
            self.begun.append(owner)
            self.begun_at.append(at)
            await self.go_on.wait()
            if self.is_defective:
                raise ZeroDivisionError
            if self.fails:
                raise StoreError("the disk is full")
            self.ended.append(owner)

        return carry_out


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def lease_clock(clock: HandClock) -> Callable[[], LeaseTime]:
    return clock.lease_time


@pytest.fixture
def work() -> Work:
    return Work()


@pytest.fixture
async def one(store: Store, clock: HandClock, work: Work) -> AsyncIterator[StoreEngine]:
    engine = StoreEngine(store, clock, "one")
    engine.carries({"cutover": work.by("one")})
    yield engine
    await engine.close()


@pytest.fixture
async def two(second: Store, clock: HandClock, work: Work) -> AsyncIterator[StoreEngine]:
    engine = StoreEngine(second, clock, "two")
    engine.carries({"cutover": work.by("two")})
    yield engine
    await engine.close()


@contextlib.asynccontextmanager
async def sweeping(engine: StoreEngine) -> AsyncIterator[None]:
    task = asyncio.create_task(engine.sweep())
    yield
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - a condition tells nobody
            await asyncio.sleep(0.002)


async def test_a_run_is_carried_out_once_however_often_it_is_submitted(
    one: StoreEngine, two: StoreEngine, work: Work, clock: HandClock
) -> None:
    for engine in (one, two, one):
        await engine.submit("cutover", "K7Q2")
    await until(lambda: bool(work.begun))
    elsewhere = asyncio.create_task(two.wait("cutover", "K7Q2"))
    work.go_on.set()
    await one.wait("cutover", "K7Q2")
    while not elsewhere.done():
        clock.at += timedelta(seconds=engine_module.LOOK_S)
        await asyncio.sleep(0.01)
    assert (work.begun, work.ended) == (["one"], ["one"])


async def test_waiting_for_a_run_that_never_was_returns_at_once(one: StoreEngine, work: Work) -> None:
    await one.wait("cutover", "none")
    assert work.begun == []


async def test_a_dead_owners_run_is_taken_up_when_its_lease_has_passed(
    store: Store, two: StoreEngine, work: Work, clock: HandClock
) -> None:
    await store.runs.submit("cutover", "K7Q2", clock.now())
    await store.runs.take("cutover", "K7Q2", "dead", LEASE)
    async with sweeping(two):
        await until(lambda: clock.sleeping == 1)
        assert work.begun == []
        clock.at += LEASE + timedelta(seconds=1)
        await until(lambda: work.begun == ["two"])
    work.go_on.set()
    await two.wait("cutover", "K7Q2")
    assert work.ended == ["two"]


async def test_an_engine_that_closes_gives_its_run_back_at_once(one: StoreEngine, two: StoreEngine, work: Work) -> None:
    await one.submit("cutover", "K7Q2")
    await until(lambda: work.begun == ["one"])
    await one.close()
    async with sweeping(two):
        await until(lambda: work.begun == ["one", "two"])
    assert work.ended == []


async def test_an_owner_that_lost_its_lease_stops(
    one: StoreEngine, second: Store, work: Work, clock: HandClock, caplog: pytest.LogCaptureFixture
) -> None:
    await one.submit("cutover", "K7Q2")
    await until(lambda: work.begun == ["one"])
    clock.at += LEASE + timedelta(seconds=1)
    assert await second.runs.take("cutover", "K7Q2", "two", LEASE)
    await until(lambda: "lost its lease" in caplog.text)
    work.go_on.set()
    await asyncio.sleep(0.05)
    assert work.ended == []
    assert not await second.runs.ended("cutover", "K7Q2")


async def test_a_renewed_lease_keeps_others_away(
    one: StoreEngine, second: Store, db: Db, work: Work, clock: HandClock
) -> None:
    await one.submit("cutover", "K7Q2")
    await until(lambda: work.begun == ["one"])
    for _ in range(5):
        # Who goes to sleep only after the hand was turned would not wake by it.
        await until(lambda: clock.sleeping == 1)
        clock.at += timedelta(seconds=engine_module.RENEW_S + 0.1)
        async with asyncio.timeout(10):
            # Nearly at its end it would be free, if it had not been renewed at this hand of the clock.
            while not await holds_for(db, clock, LEASE - timedelta(seconds=1)):  # noqa: ASYNC110 - see `until`
                await asyncio.sleep(0.002)
    assert not await second.runs.take("cutover", "K7Q2", "two", LEASE)


async def holds_for(db: Db, clock: HandClock, time: timedelta) -> bool:
    (run,) = await db.read(lambda transaction: transaction.query("SELECT until_s FROM runs WHERE owner = 'one'"))
    return bool(run["until_s"] >= clock.lease_time().after(time).at_s)


async def test_work_that_fails_for_now_stays_open_for_the_next_sweep(
    one: StoreEngine, store: Store, work: Work, clock: HandClock, caplog: pytest.LogCaptureFixture
) -> None:
    work.fails = True
    work.go_on.set()
    await one.submit("cutover", "K7Q2")
    await until(lambda: "interrupted: the disk is full" in caplog.text)
    work.fails = False
    async with sweeping(one):
        while not work.ended:
            clock.at += timedelta(seconds=engine_module.SWEEP_S + 0.1)
            await asyncio.sleep(0.01)
    await one.wait("cutover", "K7Q2")
    assert await store.runs.ended("cutover", "K7Q2")


async def test_a_kind_that_nobody_carries_out_here_is_left_to_others(one: StoreEngine, store: Store) -> None:
    await one.submit("other", "X")
    assert await store.runs.free() == (("other", "X"),)


async def test_a_run_that_fails_by_a_defect_is_told_to_who_waits_and_tried_less_and_less_often(
    one: StoreEngine, work: Work, clock: HandClock, caplog: pytest.LogCaptureFixture
) -> None:
    work.is_defective = True
    work.go_on.set()
    await one.submit("cutover", "K7Q2")
    with pytest.raises(ZeroDivisionError):
        await one.wait("cutover", "K7Q2")
    async with sweeping(one):
        while caplog.text.count("failed=inside") < 4:
            clock.at += timedelta(seconds=0.5)
            await asyncio.sleep(0.02)
        assert re.findall(r"failed=inside next_try_s=(\d+)", caplog.text) == ["2", "4", "8", "16"]
        pauses_s = [(later - earlier).total_seconds() for earlier, later in pairwise(work.begun_at)]
        assert all(pause_s >= said_s for pause_s, said_s in zip(pauses_s, (2, 4, 8), strict=True)), pauses_s
        # While the time does not pass, it is not tried.
        tries = len(work.begun)
        await asyncio.sleep(0.1)
        assert len(work.begun) == tries == 4
        work.is_defective = False
        while not work.ended:
            clock.at += timedelta(seconds=0.5)
            await asyncio.sleep(0.02)
    assert work.ended == ["one"]

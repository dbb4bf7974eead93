"""How fast targets answered: noted while they are looked at anyway, and kept for a day."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from core.errors import StoreError
from core.fleet.target import Target
from core.status.plot import SLOT, SLOTS, slot_of
from jobs.watch.latency import MOST_SAMPLES, TimedProbe
from ops.contracts import Look

if TYPE_CHECKING:
    from core.fleet import Site
    from ops.store import Store

NOW = datetime(2026, 6, 14, 13, 10, tzinfo=UTC)


@dataclass
class Clock:
    at: datetime = NOW

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return self.at.timestamp()

    def since_boot(self) -> float:
        return self.at.timestamp()

    async def sleep(self, seconds: float) -> None:
        raise NotImplementedError


@dataclass
class Answers:
    """A probe that gives what it is told to."""

    looks: list[Look] = field(default_factory=list)

    async def ssh_banner(self, server: str, *, timeout_s: float) -> Look:
        del server, timeout_s
        return self.looks.pop(0)

    async def site(self, site: Site, server: str, *, timeout_s: float) -> Look:
        del site, server, timeout_s
        return self.looks.pop(0)

    async def nameserver(self, nameserver: str, zone: str, *, timeout_s: float) -> Look:
        del nameserver, zone, timeout_s
        return self.looks.pop(0)

    async def second_look(self, vantage: str, target: Target, *, timeout_s: float) -> Look | None:
        del vantage, target, timeout_s
        return self.looks.pop(0)


def took(*seconds: float) -> list[Look]:
    return [Look(ok=True, took_s=one) for one in seconds]


async def test_the_median_of_a_slot_is_kept_and_grows_more_exact(store: Store) -> None:
    probe, clock = Answers(took(0.1, 0.3, 0.2)), Clock()
    timed = TimedProbe(probe, store.latencies, clock)
    await timed.ssh_banner("uk", timeout_s=1)
    await timed.write()
    assert await store.latencies.of(Target.server("uk"), 0) == {slot_of(NOW): 0.1}
    await timed.ssh_banner("uk", timeout_s=1)
    await timed.ssh_banner("uk", timeout_s=1)
    await timed.write()
    await timed.write()
    assert await store.latencies.of(Target.server("uk"), 0) == {slot_of(NOW): 0.2}


async def test_what_failed_and_what_was_asked_from_elsewhere_is_not_timed(store: Store) -> None:
    probe = Answers([Look(ok=False, why="refused", took_s=0.1), Look(ok=True, took_s=0.1)])
    timed = TimedProbe(probe, store.latencies, Clock())
    await timed.nameserver("ns1", "shop.test", timeout_s=1)
    await timed.second_look("us", Target.server("uk"), timeout_s=1)
    await timed.write()
    assert (
        await store.latencies.of(Target.nameserver("ns1"), 0) == await store.latencies.of(Target.server("uk"), 0) == {}
    )


async def test_of_very_many_looks_the_newest_give_the_median(store: Store) -> None:
    timed = TimedProbe(Answers(took(*[9.0] * 200, *[0.1] * (MOST_SAMPLES // 2 + 1))), store.latencies, Clock())
    for _ in range(200 + MOST_SAMPLES // 2 + 1):
        await timed.ssh_banner("uk", timeout_s=1)
    await timed.write()
    assert await store.latencies.of(Target.server("uk"), 0) == {slot_of(NOW): 0.1}


async def test_a_day_is_kept_and_no_more(store: Store) -> None:
    clock = Clock()
    timed = TimedProbe(Answers(took(*[0.1] * (SLOTS + 3))), store.latencies, clock)
    for number in range(SLOTS + 3):
        clock.at = NOW + number * SLOT
        await timed.nameserver("ns1", "shop.test", timeout_s=1)
        await timed.write()
    assert len(await store.latencies.of(Target.nameserver("ns1"), 0)) == SLOTS
    assert min(await store.latencies.of(Target.nameserver("ns1"), 0)) == slot_of(NOW) + 3
    assert len(timed._samples) == 1


async def test_what_could_not_be_written_is_written_the_next_time(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    timed = TimedProbe(Answers(took(0.1)), store.latencies, Clock())
    await timed.ssh_banner("uk", timeout_s=1)

    async def full(_medians: object) -> None:
        raise StoreError("The disk is full.")

    with monkeypatch.context() as disk:
        disk.setattr(store.latencies, "keep", full)
        with pytest.raises(StoreError):
            await timed.write()
    await timed.write()
    assert await store.latencies.of(Target.server("uk"), 0) == {slot_of(NOW): 0.1}

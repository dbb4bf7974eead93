"""Notes how fast targets answer while they are looked at anyway, and keeps a median for each stretch of time."""

from __future__ import annotations

from array import array
from statistics import median
from typing import TYPE_CHECKING

from core.fleet.target import Target
from core.status.plot import slot_of

if TYPE_CHECKING:
    from core.fleet import Site
    from ops.contracts import Clock, Look, Probe
    from ops.store.monitor.latencies import Latencies

# Of very many looks in one stretch of time, the last ones give its median.
MOST_SAMPLES = 120


class RecentLatencies:
    """The newest MOST_SAMPLES of many lengths in seconds, in eight bytes each: there may be 10,000 targets."""

    __slots__ = ("_added", "_seconds")

    def __init__(self) -> None:
        self._seconds = array("d")
        self._added = 0

    def add(self, seconds: float) -> None:
        """Take in one more, in place of the oldest where there are enough."""
        if self._added < MOST_SAMPLES:
            self._seconds.append(seconds)
        else:
            self._seconds[self._added % MOST_SAMPLES] = seconds
        self._added += 1

    def median(self) -> float:
        """Return the median of them; at least one was added."""
        return median(self._seconds)


class TimedProbe:
    """A probe that looks as `probe` does. What it has noted is kept by `write`, and lost if nobody calls that."""

    def __init__(self, probe: Probe, latencies: Latencies, clock: Clock) -> None:
        self._probe = probe
        self._latencies = latencies
        self._clock = clock
        self._samples: dict[tuple[Target, int], RecentLatencies] = {}
        self._changed: set[tuple[Target, int]] = set()

    async def ssh_banner(self, server: str, *, timeout_s: float) -> Look:
        """Look at a server's SSH port."""
        return self._noted(Target.server(server), await self._probe.ssh_banner(server, timeout_s=timeout_s))

    async def site(self, site: Site, server: str, *, timeout_s: float) -> Look:
        """Look at a site by its name."""
        return self._noted(Target.site(site.name), await self._probe.site(site, server, timeout_s=timeout_s))

    async def nameserver(self, nameserver: str, zone: str, *, timeout_s: float) -> Look:
        """Look at a name server."""
        look = await self._probe.nameserver(nameserver, zone, timeout_s=timeout_s)
        return self._noted(Target.nameserver(nameserver), look)

    async def second_look(self, vantage: str, target: Target, *, timeout_s: float) -> Look | None:
        """Look from another server; how long that takes says nothing of the target."""
        return await self._probe.second_look(vantage, target, timeout_s=timeout_s)

    async def write(self) -> None:
        """Keep the medians of what was noted since the last time. Where the store fails, the next time does it."""
        changed = sorted(self._changed)
        if not changed:
            return
        await self._latencies.keep([(target, slot, self._samples[target, slot].median()) for target, slot in changed])
        self._changed.difference_update(changed)
        slot_now = slot_of(self._clock.now())
        for key in [key for key in self._samples if key[1] != slot_now and key not in self._changed]:
            del self._samples[key]

    def _noted(self, target: Target, look: Look) -> Look:
        if look.ok:
            key = target, slot_of(self._clock.now())
            if key not in self._samples:
                self._samples[key] = RecentLatencies()
            self._samples[key].add(look.took_s)
            self._changed.add(key)
        return look

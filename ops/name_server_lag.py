"""Which name servers lag behind: they answer, but with an older serial than the zone has."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from core.errors import SharpnetError
from core.records import serial_at_or_past

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from core.fleet import Endpoint, Fleet
    from ops.ports import Clock, Dns

ZONES_A_ROUND = 20
AGAIN_AFTER_S = 3.0


class Lag:
    """Compares serials, of some zones each time it is asked, so that all have their turn."""

    def __init__(self, fleet: Fleet, dns: Dns, clock: Clock) -> None:
        self._update = fleet.dns.update
        self._nameservers = fleet.dns.nameservers
        self._zones = fleet.dns.zones
        self._dns = dns
        self._clock = clock
        self._next = 0
        self._lagged: set[str] = set()

    async def behind(self) -> Mapping[str, str]:
        """Return by name server what it lags in, in words; one that lags still, a few seconds later, is in it."""
        zones = self._turn()
        first = {zone: lagging for zone in zones if (lagging := await self._lagging(zone))}
        if first:
            await self._clock.sleep(AGAIN_AFTER_S)
        found: dict[str, str] = {}
        self._lagged = set()
        for zone, lagging in first.items():
            again = await self._lagging(zone)
            still = {name: why for name, why in again.items() if name in lagging}
            found |= still
            self._lagged |= {zone} if still else set()
        return found

    def _turn(self) -> Sequence[str]:
        """Return the zones whose turn it is, and those in which some lagged the last time."""
        number = min(ZONES_A_ROUND, len(self._zones))
        zones = [self._zones[(self._next + offset) % len(self._zones)] for offset in range(number)]
        self._next = (self._next + number) % max(1, len(self._zones))
        return list(dict.fromkeys([*self._lagged, *zones]))

    async def _lagging(self, zone: str) -> Mapping[str, str]:
        true = await asyncio.gather(*(self._serial(endpoint, zone) for endpoint in self._update))
        public = await asyncio.gather(*(self._serial(server.endpoint, zone) for server in self._nameservers))
        held = [serial for serial in true if serial is not None]
        # Behind all update servers: they may differ, and each is followed by some. Without any, behind the newest.
        enough = len(held) or 1
        held = held or [serial for serial in public if serial is not None]
        lagging = {}
        for server, serial in zip(self._nameservers, public, strict=True):
            ahead = [one for one in held if serial is not None and not serial_at_or_past(serial, one)]
            if len(ahead) >= enough:
                lagging[server.name] = f"behind in {zone}: it answers serial {serial}, the zone is at {ahead[0]}"
        return lagging

    async def _serial(self, endpoint: Endpoint, zone: str) -> int | None:
        try:
            return await self._dns.serial(endpoint, zone)
        except SharpnetError:
            return None

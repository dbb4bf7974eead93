"""Which name servers answer, but not as they should: with an older serial than the zone has, or not for the zone."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from typing import TYPE_CHECKING, Literal

from core.dns.records import serial_at_or_past
from core.errors import DnsError, SharpnetError
from core.wording import listing

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from core.fleet import Endpoint, Fleet
    from ops.contracts import Clock, Dns

ZONES_A_ROUND = 20
AGAIN_AFTER_S = 3.0
NAMED_ZONES = 3


class LagSurvey:
    """Compares serials, of some zones each time it is asked, so that all have their turn.

    lame: the name servers that, as last compared, answer without authority for a zone that others have.
    """

    def __init__(self, fleet: Fleet, dns: Dns, clock: Clock) -> None:
        self._update = fleet.dns.update
        self._nameservers = fleet.dns.nameservers
        self._zones = fleet.dns.zones
        self._dns = dns
        self._clock = clock
        self._next = 0
        self._lagged: set[str] = set()
        self.lame: frozenset[str] = frozenset()

    async def behind(self) -> Mapping[str, str]:
        """Return by name server what it lags in, in words; one that lags still, a few seconds later, is in it."""
        zones = self._turn()
        first = {zone: found for zone in zones if (found := await self._compared(zone))}
        if first:
            await self._clock.sleep(AGAIN_AFTER_S)
        lagging: dict[str, str] = {}
        lame: dict[str, list[str]] = defaultdict(list)
        self._lagged = set()
        for zone, before in first.items():
            again = await self._compared(zone)
            for name in [name for name in again if name in before]:
                self._lagged.add(zone)
                if again[name]:
                    lagging[name] = again[name]
                else:
                    lame[name].append(zone)
        self.lame = frozenset(lame)
        return lagging | {name: f"it does not answer for {listing(lost, NAMED_ZONES)}" for name, lost in lame.items()}

    def _turn(self) -> Sequence[str]:
        """Return the zones whose turn it is, and those in which some lagged the last time."""
        number = min(ZONES_A_ROUND, len(self._zones))
        zones = [self._zones[(self._next + offset) % len(self._zones)] for offset in range(number)]
        self._next = (self._next + number) % max(1, len(self._zones))
        return list(dict.fromkeys([*self._lagged, *zones]))

    async def _compared(self, zone: str) -> Mapping[str, str]:
        """Return by name server what it lags in; empty: it does not know the zone."""
        true = await asyncio.gather(*(self._serial(endpoint, zone) for endpoint in self._update))
        public = await asyncio.gather(*(self._serial(server.endpoint, zone) for server in self._nameservers))
        held = [serial for serial in true if isinstance(serial, int)]
        # Behind all update servers: they may differ, and each is followed by some. Without any, behind the newest.
        enough = len(held) or 1
        held = held or [serial for serial in public if isinstance(serial, int)]
        found = {}
        for server, serial in zip(self._nameservers, public, strict=True):
            if serial == "lame" and held:
                found[server.name] = ""
            elif isinstance(serial, int):
                ahead = [one for one in held if not serial_at_or_past(serial, one)]
                if len(ahead) >= enough:
                    found[server.name] = f"behind in {zone}: it answers serial {serial}, the zone is at {ahead[0]}"
        return found

    async def _serial(self, endpoint: Endpoint, zone: str) -> int | Literal["lame"] | None:
        """Return the serial that it answers; lame: it answers, but without authority (RFC 1912, 2.8); None: nothing."""
        try:
            return await self._dns.serial(endpoint, zone)
        except DnsError:
            return "lame"
        except SharpnetError:
            return None

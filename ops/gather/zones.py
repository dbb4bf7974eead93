"""Reading the fleet's zones from their update servers, all at once."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.errors import DnsError, TooMuchError, UnreachableError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from core.dns.records import ZoneReading
    from core.fleet import Endpoint, Fleet
    from ops.contracts import Dns

AT_ONCE = 32


@dataclass(frozen=True, slots=True)
class ZonesRead:
    """What the update servers hold, by (update server, zone).

    silent: per update server and zone why nothing came, where the server could not be reached. not_served: update
    servers and zones where the server says that it does not serve the zone, while another one does.
    """

    readings: dict[tuple[Endpoint, str], ZoneReading]
    silent: dict[str, str]
    not_served: tuple[str, ...]


async def read_zones(dns: Dns, fleet: Fleet, names: Iterable[str]) -> ZonesRead:
    """Read every zone that holds one of `names`, from every update server."""
    by_zone: dict[str, list[str]] = {}
    for name in names:
        by_zone.setdefault(fleet.zone_of(name), []).append(name)
    gate = asyncio.Semaphore(AT_ONCE)

    async def read(server: Endpoint, zone: str) -> ZoneReading | DnsError | TooMuchError | UnreachableError:
        async with gate:
            try:
                return await dns.read_zone(server, zone, tuple(by_zone[zone]))
            except (DnsError, TooMuchError, UnreachableError) as error:
                return error

    async def read_all(
        server: Endpoint,
    ) -> dict[tuple[Endpoint, str], ZoneReading | DnsError | TooMuchError | UnreachableError]:
        first, *rest = by_zone
        # One zone alone first: a dead server then costs one time-out, not one for every few zones.
        answer = await read(server, first)
        if isinstance(answer, UnreachableError):
            return {(server, zone): answer for zone in by_zone}
        answers = await asyncio.gather(*(read(server, zone) for zone in rest))
        return {(server, first): answer, **{(server, z): one for z, one in zip(rest, answers, strict=True)}}

    results: dict[tuple[Endpoint, str], ZoneReading | DnsError | TooMuchError | UnreachableError] = {}
    for of_server in await asyncio.gather(*(read_all(server) for server in fleet.dns.update if by_zone)):
        results |= of_server
    readings: dict[tuple[Endpoint, str], ZoneReading] = {}
    silent: dict[str, str] = {}
    refusing: dict[tuple[Endpoint, str], str] = {}
    for (server, zone), result in results.items():
        match result:
            case UnreachableError():
                silent[f"{zone} at {server}"] = result.message
            case DnsError() | TooMuchError():
                refusing[server, zone] = result.message
            case _:
                readings[server, zone] = result
    served = {zone for _, zone in readings}
    silent |= {f"{zone} at {server}": why for (server, zone), why in refusing.items() if zone not in served}
    not_served = tuple(f"{zone} at {server}: {why}" for (server, zone), why in refusing.items() if zone in served)
    return ZonesRead(readings, silent, not_served)

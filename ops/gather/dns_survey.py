"""Asking every update server and every name server about many zones at once, and judging what they say.

All servers are asked side by side. A server's first question goes alone, and one that then stops answering is given
up after a few, so that a dead server costs one time-out however many zones there are.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

from core.dns.consistency import NameServerAnswer, ZoneConsistency, ZoneSurvey, judge_zone
from core.dns.records import ZoneReading
from core.errors import DnsError, TooMuchError, UnreachableError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

    from core.fleet import Endpoint, Fleet, NameServer
    from ops.contracts import Dns

ZONES_AT_ONCE = 16
GIVEN_UP_AFTER = 3
TIMEOUT_S = 3.0
AGAIN_AFTER_S = 1.0
LASTING = frozenset({ZoneConsistency.IN_STEP, ZoneConsistency.SILENT})

T = TypeVar("T")


async def survey(
    dns: Dns,
    fleet: Fleet,
    zones: Iterable[str],
    *,
    by_name: bool = True,
    timeout_s: float = TIMEOUT_S,
    again_after_s: float = AGAIN_AFTER_S,
) -> tuple[ZoneSurvey, ...]:
    """Return how each of `zones` stands, in their order. Never raises for a server: its trouble is in the verdict.

    by_name: read the zones and compare every site name's records; otherwise only serials are compared, which is what
    thousands of zones can bear. A change that is on its way looks like a name server that lags or differs: such zones
    are looked at once more after `again_after_s`.
    """
    looking = _Survey(dns, fleet, by_name=by_name, timeout_s=timeout_s)
    wanted = tuple(dict.fromkeys(zones))
    found = await looking.all(wanted)
    odd = [zone for zone in wanted if not {one.step for one in found[zone].verdict.judged} <= LASTING]
    if odd:
        await asyncio.sleep(again_after_s)
        found |= await looking.all(odd)
    return tuple(found[zone] for zone in wanted)


class _Patience:
    """How much more is asked of one server: a bounded number at once, and nothing when it has stopped answering."""

    def __init__(self) -> None:
        self._gate = asyncio.Semaphore(ZONES_AT_ONCE)
        self._failures = 0
        self._answered = False
        self._trouble: UnreachableError | None = None

    async def each(self, zones: Sequence[str], ask: Callable[[str], Awaitable[T]]) -> dict[str, T | str]:
        """Return for each zone what `ask` returned, or why it did not."""
        answers: dict[str, T | str] = {}
        for zone in zones[:1]:
            answers[zone] = await self._one(zone, ask)
        rest = zones[1:]
        later = await asyncio.gather(*(self._one(zone, ask) for zone in rest))
        return answers | dict(zip(rest, later, strict=True))

    async def _one(self, zone: str, ask: Callable[[str], Awaitable[T]]) -> T | str:
        async with self._gate:
            if self._trouble is not None:
                return self._trouble.message
            try:
                answer = await ask(zone)
            except UnreachableError as error:
                self._failures += 1
                if not self._answered or self._failures >= GIVEN_UP_AFTER:
                    self._trouble = error
                return error.message
            except (DnsError, TooMuchError) as error:
                self._answered, self._failures = True, 0
                return error.message
            self._answered, self._failures = True, 0
            return answer


class _Survey:
    """One survey: what is asked of whom."""

    def __init__(self, dns: Dns, fleet: Fleet, *, by_name: bool, timeout_s: float) -> None:
        self._dns = dns
        self._fleet = fleet
        self._by_name = by_name
        self._timeout_s = timeout_s
        self._patience: dict[Endpoint, _Patience] = {}
        self._names: dict[str, list[str]] = {}
        for site in fleet.sites.values() if by_name else ():
            for name in site.names:
                self._names.setdefault(fleet.zone_of(name), []).append(name)

    async def all(self, zones: Sequence[str]) -> dict[str, ZoneSurvey]:
        """Return how each zone stands. The update servers are read first, so that name servers can only be newer."""
        readings: dict[str, list[ZoneReading]] = {zone: [] for zone in zones}
        troubles: dict[str, list[str]] = {zone: [] for zone in zones}
        held = await asyncio.gather(*(self._held(server, zones) for server in self._fleet.dns.update))
        for by_zone in held:
            for zone, reading in by_zone.items():
                if isinstance(reading, str):
                    troubles[zone].append(reading)
                else:
                    readings[zone].append(reading)
        questions = {zone: self._questions(zone, readings[zone]) for zone in zones}
        said = await asyncio.gather(*(self._said(server, zones, questions) for server in self._fleet.dns.nameservers))
        return {
            zone: ZoneSurvey(
                judge_zone(zone, [by_zone[zone] for by_zone in said], readings[zone], " ".join(troubles[zone])),
                tuple(readings[zone]),
            )
            for zone in zones
        }

    async def _held(self, server: Endpoint, zones: Sequence[str]) -> dict[str, ZoneReading | str]:
        async def read(zone: str) -> ZoneReading:
            if self._by_name:
                return await self._dns.read_zone(server, zone, tuple(self._names.get(zone, ())))
            return ZoneReading(zone, await self._serial(server, zone), (), complete=False)

        return await self._patience_with(server).each(zones, read)

    async def _said(
        self, server: NameServer, zones: Sequence[str], questions: Mapping[str, Sequence[tuple[str, str]]]
    ) -> dict[str, NameServerAnswer]:
        async def hear(zone: str) -> NameServerAnswer:
            began = asyncio.get_running_loop().time()
            serial = await self._serial(server.endpoint, zone)
            took_s = asyncio.get_running_loop().time() - began
            asked = questions[zone]
            answers = await asyncio.gather(
                *(self._dns.ask(server.endpoint, name, rdtype, timeout_s=self._timeout_s) for name, rdtype in asked)
            )
            values = {key: answer.values for key, answer in zip(asked, answers, strict=True)}
            return NameServerAnswer(server.name, zone, serial, values, took_s=took_s)

        heard = await self._patience_with(server.endpoint).each(zones, hear)
        return {
            zone: NameServerAnswer(server.name, zone, None, why=said) if isinstance(said, str) else said
            for zone, said in heard.items()
        }

    def _questions(self, zone: str, readings: Sequence[ZoneReading]) -> tuple[tuple[str, str], ...]:
        """Return what to ask about each site name: the alias where it is one, else both kinds of address."""
        aliases = {record.owner for reading in readings[:1] for record in reading.records if record.type == "CNAME"}
        return tuple(
            (name, rdtype)
            for name in self._names.get(zone, ())
            for rdtype in (("CNAME",) if name in aliases else ("A", "AAAA"))
        )

    async def _serial(self, server: Endpoint, zone: str) -> int:
        return await self._dns.serial(server, zone, timeout_s=self._timeout_s)

    def _patience_with(self, server: Endpoint) -> _Patience:
        return self._patience.setdefault(server, _Patience())

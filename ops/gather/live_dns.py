"""Trying what the bot needs of DNS: every zone, the key that changes it, and every name server."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from typing import TYPE_CHECKING

from core.dns.consistency import ZoneConsistency
from core.errors import SettingsError, SharpnetError, UnreachableError
from core.status.findings import Finding
from core.wording import count, listing
from ops.gather.dns_survey import survey

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from core.dns.consistency import ZoneSurvey
    from core.fleet import Endpoint, Fleet
    from ops.contracts import Dns

ZONE = "\0"
UPDATES_AT_ONCE = 16
MOST_ZONES_BY_NAME = 200


async def dns_findings(dns: Dns, fleet: Fleet) -> tuple[Finding, ...]:
    """Read every zone, offer each update server an update that changes nothing, and compare all name servers."""
    records = _records(fleet)
    updates = asyncio.gather(*(_updates(dns, server, records) for server in fleet.dns.update))
    read = await _read(dns, fleet)
    return (*(finding for some in await updates for finding in some), *read)


async def _read(dns: Dns, fleet: Fleet) -> tuple[Finding, ...]:
    zones = fleet.dns.zones
    by_name = len(zones) <= MOST_ZONES_BY_NAME
    settings: tuple[Finding, ...] = ()
    try:
        surveyed = await survey(dns, fleet, zones, by_name=by_name)
    except SettingsError as error:
        # Without the key nothing can be transferred, but what the name servers answer can still be compared.
        settings, by_name = (Finding("the key for reading zones", ok=False, why=error.message, hint=error.hint),), False
        surveyed = await survey(dns, fleet, zones, by_name=False)
    return (*settings, *_transfers(surveyed, by_name=by_name), *_answers(fleet, surveyed))


def _records(fleet: Fleet) -> dict[str, list[tuple[str, str]]]:
    """Return what a cutover may come to change in each zone: owners and types."""
    records: dict[str, list[tuple[str, str]]] = {zone: [] for zone in fleet.dns.zones}
    for site in fleet.sites.values():
        servers = [fleet.servers[name] for name in site.servers]
        kinds = [*(["A"] if any(s.ipv4 for s in servers) else []), *(["AAAA"] if any(s.ipv6 for s in servers) else [])]
        for name in site.names:
            records[fleet.zone_of(name)].extend((name, kind) for kind in kinds)
    return records


async def _updates(dns: Dns, server: Endpoint, records: Mapping[str, list[tuple[str, str]]]) -> tuple[Finding, ...]:
    gate = asyncio.Semaphore(UPDATES_AT_ONCE)
    zones = list(records)

    async def one(zone: str) -> SharpnetError | None:
        async with gate:
            try:
                await dns.try_update(server, zone, records[zone])
            except SharpnetError as error:
                return error
        return None

    # The first goes alone: a dead server then costs one time-out, however many zones there are.
    first = await one(zones[0])
    if isinstance(first, UnreachableError):
        return (Finding(f"update at {server} of {listing(zones)}", ok=False, why=first.message, hint=first.hint),)
    errors = (first, *await asyncio.gather(*(one(zone) for zone in zones[1:])))
    failed = _grouped((zone, error.message, error.hint) for zone, error in zip(zones, errors, strict=True) if error)
    what = f"update at {server}"
    findings = [Finding(f"{what} of {listing(names)}", ok=False, why=why, hint=hint) for names, why, hint in failed]
    taken = [zone for zone, error in zip(zones, errors, strict=True) if error is None]
    return (*findings, *await _taken(dns, server, taken, gate))


async def _taken(dns: Dns, server: Endpoint, zones: Sequence[str], gate: asyncio.Semaphore) -> Iterable[Finding]:
    """Say which zones' updates are taken, and warn where the key may change more than addresses of sites there."""

    async def one(zone: str) -> tuple[str, ...]:
        async with gate:
            try:
                return await dns.may_change_more(server, zone) or ()
            except SharpnetError:
                return ()

    alike: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for zone, more in zip(zones, await asyncio.gather(*(one(zone) for zone in zones)), strict=True):
        alike[more].append(zone)
    hint = "Limit the key to the addresses of the sites: docs/update-key.md."
    findings = []
    for more, names in alike.items():
        what = f"update at {server} of {count(len(names), 'zone') if len(alike) == 1 else listing(names)}"
        why = f"its key may also change {listing(more)}"
        found = Finding(what, ok=True, why=why, hint=hint, warning=True) if more else Finding(what, ok=True)
        findings.append(found)
    return findings


def _transfers(surveyed: Sequence[ZoneSurvey], *, by_name: bool) -> Iterator[Finding]:
    hint = "The update server must answer, and let the bot's key read and transfer the zone."
    failed = _grouped((one.verdict.zone, one.verdict.why, hint) for one in surveyed if one.verdict.why)
    for names, why, _ in failed:
        yield Finding(f"reading of {listing(names)}", ok=False, why=why, hint=hint)
    partly = [one.verdict.zone for one in surveyed if by_name and any(not held.complete for held in one.readings)]
    if partly:
        why = "no transfer is allowed, so other names that point to a server cannot be listed"
        yield Finding(f"reading of {listing(partly)}", ok=True, why=why)
    whole = len(surveyed) - len(partly) - sum(bool(one.verdict.why) for one in surveyed)
    if whole > 0:
        yield Finding(f"reading of {count(whole, 'zone')}", ok=True)


def _answers(fleet: Fleet, surveyed: Sequence[ZoneSurvey]) -> Iterator[Finding]:
    for place, server in enumerate(fleet.dns.nameservers):
        judged = [(one.verdict.zone, one.verdict.judged[place]) for one in surveyed]
        behind = _grouped(
            (zone, how.words, _hint(how.step)) for zone, how in judged if how.step != ZoneConsistency.IN_STEP
        )
        what = f"name server {server.name} ({server.endpoint})"
        for names, why, hint in behind:
            yield Finding(f"{what} for {listing(names)}", ok=False, why=why, hint=hint)
        if not behind:
            yield Finding(f"{what} for {count(len(judged), 'zone')}", ok=True)


def _hint(step: ZoneConsistency) -> str:
    if step == ZoneConsistency.SILENT:
        return "Let it serve the zone, and let the bot's machine reach it over UDP and TCP."
    return "It does not answer what the update server holds: look at its transfers and NOTIFY, then at `sharpnet dns`."


def _grouped(failures: Iterable[tuple[str, str, str]]) -> list[tuple[list[str], str, str]]:
    """Return failures that read alike but for the zone as one, with the names of all."""
    alike: dict[tuple[str, str], list[str]] = defaultdict(list)
    for zone, why, hint in failures:
        alike[why.replace(zone, ZONE), hint].append(zone)
    return [
        (zones, why.replace(ZONE, zones[0] if len(zones) == 1 else "each of them"), hint)
        for (why, hint), zones in alike.items()
    ]

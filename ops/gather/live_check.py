"""Trying what the bot needs: every login, peer key, zone and name server, the off-site backups, and the store."""

from __future__ import annotations

import asyncio
import re
from collections import defaultdict
from dataclasses import replace
from itertools import permutations
from typing import TYPE_CHECKING

from core.dns.consistency import ZoneConsistency
from core.errors import SettingsError, SharpnetError, StoreError, UnreachableError
from core.failure import Failure, FailureCode
from core.status.findings import Finding
from core.store_trouble import named
from core.wording import count, listing
from ops.gather.dns_survey import survey
from ops.rsync.mirror import MirrorCopy, dry_run, why_not_copy
from ops.ssh.pool import OFFSITE
from ops.store.sqlite.driver import DRIVER, VERSION

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from core.dns.consistency import ZoneSurvey
    from core.fleet import Endpoint, Fleet, Offsite, Server
    from ops.contracts import Dns, Restic, Ssh
    from ops.ports import Ports
    from ops.store import Store

SSH_S = 20.0
PEER_S = 60.0
PEERS_AT_ONCE = 16
EVERYTHING = "*"
ZONE = "\0"
UPDATES_AT_ONCE = 16
MOST_ZONES_BY_NAME = 200
SERVERS_AT_ONCE = 8
_RESTIC = re.compile(rb"restic (\d[\w.+-]*)")


async def ssh_findings(ssh: Ssh, fleet: Fleet) -> tuple[Finding, ...]:
    """Log in to every server, and from each read what it would copy from the others with its peer key."""
    servers = list(fleet.servers.values())
    logins = await asyncio.gather(*(_login(ssh, server) for server in servers))
    reached = {server.name for server, login in zip(servers, logins, strict=True) if login.ok}
    gate = asyncio.Semaphore(PEERS_AT_ONCE)
    peers = await asyncio.gather(
        *(_peer(ssh, gate, copy) for copy in _mirror_copies(fleet) if copy.mirror.name in reached)
    )
    return (*logins, *peers)


async def _login(ssh: Ssh, server: Server) -> Finding:
    what = f"login to {server.name} ({server.ssh.user}@{server.address}, port {server.ssh.port})"
    try:
        ran = await ssh.run(server.name, "true", timeout_s=SSH_S)
    except SharpnetError as error:
        return Finding(what, ok=False, why=error.message, hint=error.hint)
    if ran.exit_code:
        hint = f"Look at the shell of {server.ssh.user} and at what it runs at login."
        return Finding(what, ok=False, why=f"it takes the key, but `true` ends with {ran.exit_code}", hint=hint)
    return Finding(what, ok=True)


def _mirror_copies(fleet: Fleet) -> Iterator[MirrorCopy]:
    """Yield a copy of nothing for every server that may have to read from another: each may be the active one."""
    seen: set[tuple[str, str]] = set()
    for site in fleet.sites.values():
        for mirror, source in permutations(site.servers, 2):
            if (mirror, source) not in seen:
                seen.add((mirror, source))
                yield MirrorCopy(replace(site, exclude=(EVERYTHING,)), fleet.servers[source], fleet.servers[mirror])


async def _peer(ssh: Ssh, gate: asyncio.Semaphore, copy: MirrorCopy) -> Finding:
    what = f"{copy.mirror.name} reading from {copy.source.name}"
    async with gate:
        try:
            async with asyncio.timeout(PEER_S):
                found = why_not_copy(copy) or await dry_run(ssh, copy)
        except TimeoutError:
            hint = f"Look at the way from {copy.mirror.name} to {copy.source.name}, port {copy.source.ssh.port}."
            return Finding(what, ok=False, why=f"no answer within {PEER_S:.0f} s", hint=hint)
        except SharpnetError as error:
            return Finding(what, ok=False, why=error.message, hint=error.hint)
    if not isinstance(found, Failure):
        return Finding(what, ok=True)
    if found.code == FailureCode.SOURCE_MISSING and copy.source.name != copy.site.home:
        # It answered; before the first sync there is nothing to read on a mirror.
        return Finding(what, ok=True, why=f"{copy.site.name} is not there yet")
    return Finding(what, ok=False, why=f"{copy.site.name}: {found.message}", hint=found.hint)


async def dns_findings(dns: Dns, fleet: Fleet) -> tuple[Finding, ...]:
    """Read every zone, offer each update server an update that changes nothing, and compare all name servers."""
    zones = fleet.dns.zones
    updates = asyncio.gather(*(_updates(dns, server, zones) for server in fleet.dns.update))
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


async def _updates(dns: Dns, server: Endpoint, zones: tuple[str, ...]) -> tuple[Finding, ...]:
    gate = asyncio.Semaphore(UPDATES_AT_ONCE)

    async def one(zone: str) -> SharpnetError | None:
        async with gate:
            try:
                await dns.try_update(server, zone)
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
    return tuple(findings) or (Finding(f"{what} of {count(len(zones), 'zone')}", ok=True),)


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


async def offsite_findings(ports: Ports) -> tuple[Finding, ...]:
    """Log in to the off-site host, and from each server that holds sites open the repository; nothing is changed.

    Of servers that the bot cannot log in to nothing is said here: that is found elsewhere.
    """
    offsite, restic = ports.fleet.offsite, ports.restic
    if offsite is None or restic is None:
        return ()
    login = await _offsite_login(ports.ssh, offsite)
    if not login.ok:
        return (login,)
    gate = asyncio.Semaphore(SERVERS_AT_ONCE)
    ever_used = await ports.store.backups.any_made()

    async def one(server: str) -> Finding | None:
        async with gate:
            return await _repository(ports.ssh, restic, server, ever_used=ever_used)

    holding = {server for site in ports.fleet.sites.values() for server in site.servers}
    found = await asyncio.gather(*(one(server) for server in ports.fleet.servers if server in holding))
    return (login, *(finding for finding in found if finding is not None))


async def _offsite_login(ssh: Ssh, offsite: Offsite) -> Finding:
    login = offsite.server.ssh
    what = f"login to the {OFFSITE} ({login.user}@{offsite.server.address}, port {login.port})"
    try:
        # Its user may have SFTP and no shell: putting no file is all that can be asked of it.
        await ssh.put(OFFSITE, {}, timeout_s=SSH_S)
    except SharpnetError as error:
        return Finding(what, ok=False, why=error.message, hint=error.hint)
    return Finding(what, ok=True)


async def _repository(ssh: Ssh, restic: Restic, server: str, *, ever_used: bool) -> Finding | None:
    """Open the repository from `server`; None where the bot cannot log in there."""
    what = f"{server} reaching the off-site repository"
    try:
        said = (await ssh.run(server, "restic version", timeout_s=SSH_S)).out
    except SharpnetError:
        return None
    try:
        trouble = await restic.probe(server)
    except SharpnetError as error:
        return Finding(what, ok=False, why=error.message, hint=error.hint)
    found = _RESTIC.search(said)
    version = f"restic {found[1].decode()}" if found else "restic"
    if trouble is None:
        return Finding(what, ok=True, why=version)
    if trouble.code == FailureCode.NO_REPOSITORY and not ever_used:
        return Finding(what, ok=True, why=f"{version}; there is none yet, the first `backup run` makes it")
    return Finding(what, ok=False, why=trouble.message, hint=trouble.hint)


async def store_findings(store: Store) -> tuple[Finding, ...]:
    """Read the whole store once, which may take seconds where it is large."""
    what = f"the store, by SQLite {named(VERSION)} of {DRIVER}"
    try:
        await store.examine()
    except StoreError as error:
        return (Finding(what, ok=False, why=error.message, hint=error.hint),)
    return (Finding(what, ok=True, why="every page and index is whole"),)

"""Trying what the bot needs: every login and peer key, and the store."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from itertools import permutations
from typing import TYPE_CHECKING

from core.errors import SharpnetError, StoreError
from core.failure import Failure, FailureCode
from core.mailboxes.pairs import mirrored_exchangers
from core.status.findings import Finding
from core.status.rights import rights_findings
from core.store_trouble import named
from ops.mailboxes.dovecot import logins_on
from ops.or_failure import or_failure
from ops.rsync.locate import dry_run_located
from ops.rsync.mirror import MirrorCopy, why_not_copy
from ops.rsync.peer_rights import more_than_sites
from ops.rsync.rights import rights_lacking
from ops.store.sqlite.driver import DRIVER, VERSION

if TYPE_CHECKING:
    from collections.abc import Iterator

    from core.fleet import Fleet, Server
    from ops.contracts import Ssh
    from ops.store import Store

SSH_S = 20.0
PEER_S = 60.0
PEERS_AT_ONCE = 16
EVERYTHING = "*"


async def ssh_findings(ssh: Ssh, fleet: Fleet) -> tuple[Finding, ...]:
    """Log in to every server, and from each read what it would copy from the others with its peer key."""
    servers = fleet.servers
    logins = await asyncio.gather(*(_login(ssh, server) for server in servers.values()))
    reached = [name for name, login in zip(servers, logins, strict=True) if login.ok]
    gate = asyncio.Semaphore(PEERS_AT_ONCE)
    peers = await asyncio.gather(
        *(_peer(ssh, fleet, gate, copy) for copy in _mirror_copies(fleet) if copy.mirror.name in reached)
    )
    rights = await asyncio.gather(*(_rights_there(ssh, fleet, servers[name]) for name in reached))
    return (*logins, *(finding for some in rights for finding in some), *peers)


async def mailbox_findings(ssh: Ssh, fleet: Fleet) -> tuple[Finding, ...]:
    """Ask each server whose mailboxes are kept alike whose mail it has: what a run on them asks first."""
    if fleet.mail is None or fleet.mail.mirror is None:
        return ()
    among, servers = fleet.mail.mirror.users, mirrored_exchangers(fleet.mail)
    said = await asyncio.gather(*(or_failure(logins_on(ssh, fleet.servers[name], among)) for name in servers))
    return tuple(_mailboxes_of(name, one) for name, one in zip(servers, said, strict=True))


def _mailboxes_of(server: str, said: frozenset[str] | Failure) -> Finding:
    what = f"mailboxes of {server}"
    if isinstance(said, Failure):
        return Finding(what, ok=False, why=said.message, hint=said.hint)
    return Finding(what, ok=True)


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


async def _rights_there(ssh: Ssh, fleet: Fleet, server: Server) -> tuple[Finding, ...]:
    """Say what the SSH user lacks to copy each site that has its home or a mirror there; each may be either one day."""
    sites = [site for site in fleet.sites.values() if site.mirrors and server.name in site.servers]
    if not sites:
        return ()
    what = f"rights of {server.ssh.user} on {server.name}"
    try:
        lacking = await rights_lacking(ssh, server, sites)
    except SharpnetError as error:
        return (Finding(what, ok=False, why=error.message, hint=error.hint),)
    return rights_findings(what, server.name, sites, lacking)


def _mirror_copies(fleet: Fleet) -> Iterator[MirrorCopy]:
    """Yield a copy of nothing for every server that may have to read from another: each may be the active one."""
    seen: set[tuple[str, str]] = set()
    for site in fleet.sites.values():
        for mirror, source in permutations(site.servers, 2):
            if (mirror, source) not in seen:
                seen.add((mirror, source))
                yield MirrorCopy(replace(site, exclude=(EVERYTHING,)), fleet.servers[source], fleet.servers[mirror])


async def _peer(ssh: Ssh, fleet: Fleet, gate: asyncio.Semaphore, copy: MirrorCopy) -> Finding:
    what = f"{copy.mirror.name} reading from {copy.source.name}"
    async with gate:
        try:
            async with asyncio.timeout(PEER_S):
                found = why_not_copy(copy) or await dry_run_located(ssh, fleet, copy)
        except TimeoutError:
            hint = f"Look at the way from {copy.mirror.name} to {copy.source.name}, port {copy.source.ssh.port}."
            return Finding(what, ok=False, why=f"no answer within {PEER_S:.0f} s", hint=hint)
        except SharpnetError as error:
            return Finding(what, ok=False, why=error.message, hint=error.hint)
    if not isinstance(found, Failure):
        async with gate:
            return await _rights(ssh, copy, what)
    if found.code == FailureCode.SOURCE_MISSING and copy.source.name != copy.site.home:
        # It answered; before the first sync there is nothing to read on a mirror.
        return Finding(what, ok=True, why=f"{copy.site.name} is not there yet")
    return Finding(what, ok=False, why=f"{copy.site.name}: {found.message}", hint=found.hint)


async def _rights(ssh: Ssh, copy: MirrorCopy, what: str) -> Finding:
    """Say what a key that works may do besides."""
    try:
        more = await more_than_sites(ssh, copy)
    except SharpnetError as error:
        return Finding(what, ok=True, why=f"what else its key may do was not found out: {error.message}")
    if not more:
        return Finding(what, ok=True)
    hint = f"Limit it on {copy.source.name} to the sites' roots: docs/handbook.md, keys between the servers."
    return Finding(what, ok=True, why=more, hint=hint, warning=True)


async def store_findings(store: Store) -> tuple[Finding, ...]:
    """Read the whole store once, which may take seconds where it is large."""
    what = f"the store, by SQLite {named(VERSION)} of {DRIVER}"
    try:
        await store.examine()
    except StoreError as error:
        return (Finding(what, ok=False, why=error.message, hint=error.hint),)
    return (Finding(what, ok=True, why="every page and index is whole"),)

"""Trying the way to the off-site backups: the login there, and from each server restic and the repository."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING

from core.errors import SharpnetError
from core.failure import FailureCode
from core.status.findings import Finding
from ops.ssh.pool import OFFSITE

if TYPE_CHECKING:
    from core.fleet import Offsite
    from ops.contracts import Restic, Ssh
    from ops.ports import Ports

LOGIN_S = 20.0
AT_ONCE = 8
_VERSION = re.compile(rb"restic (\d[\w.+-]*)")


async def offsite_findings(ports: Ports) -> tuple[Finding, ...]:
    """Log in to the off-site host, and from each server that holds sites open the repository; nothing is changed.

    Of servers that the bot cannot log in to nothing is said here: that is found elsewhere.
    """
    offsite, restic = ports.fleet.offsite, ports.restic
    if offsite is None or restic is None:
        return ()
    login = await _login(ports.ssh, offsite)
    if not login.ok:
        return (login,)
    gate = asyncio.Semaphore(AT_ONCE)
    ever_used = await ports.store.backups.any_made()

    async def one(server: str) -> Finding | None:
        async with gate:
            return await _from(ports.ssh, restic, server, ever_used=ever_used)

    holding = {server for site in ports.fleet.sites.values() for server in site.servers}
    found = await asyncio.gather(*(one(server) for server in ports.fleet.servers if server in holding))
    return (login, *(finding for finding in found if finding is not None))


async def _login(ssh: Ssh, offsite: Offsite) -> Finding:
    login = offsite.server.ssh
    what = f"login to the {OFFSITE} ({login.user}@{offsite.server.address}, port {login.port})"
    try:
        # Its user may have SFTP and no shell: putting no file is all that can be asked of it.
        await ssh.put(OFFSITE, {}, timeout_s=LOGIN_S)
    except SharpnetError as error:
        return Finding(what, ok=False, why=error.message, hint=error.hint)
    return Finding(what, ok=True)


async def _from(ssh: Ssh, restic: Restic, server: str, *, ever_used: bool) -> Finding | None:
    """Open the repository from `server`; None where the bot cannot log in there."""
    what = f"{server} reaching the off-site repository"
    try:
        said = (await ssh.run(server, "restic version", timeout_s=LOGIN_S)).out
    except SharpnetError:
        return None
    try:
        trouble = await restic.probe(server)
    except SharpnetError as error:
        return Finding(what, ok=False, why=error.message, hint=error.hint)
    found = _VERSION.search(said)
    version = f"restic {found[1].decode()}" if found else "restic"
    if trouble is None:
        return Finding(what, ok=True, why=version)
    if trouble.code == FailureCode.NO_REPOSITORY and not ever_used:
        return Finding(what, ok=True, why=f"{version}; there is none yet, the first `backup run` makes it")
    return Finding(what, ok=False, why=trouble.message, hint=trouble.hint)

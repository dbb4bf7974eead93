"""Trying the way to the off-site backups, and what their host lets the bot's key do; nothing is changed there."""

from __future__ import annotations

import asyncio
import contextlib
import re
from typing import TYPE_CHECKING

from core.backup.host_limits import SHELL_ANSWER, changeable, looked_at, why_too_much
from core.errors import SharpnetError
from core.failure import Failure, FailureCode
from core.status.findings import Finding
from ops.contracts import HERE
from ops.ssh.pool import OFFSITE

if TYPE_CHECKING:
    from core.fleet import Offsite
    from ops.contracts import Restic, Ssh
    from ops.ports import Ports

SSH_S = 20.0
SERVERS_AT_ONCE = 8
_RESTIC = re.compile(rb"restic (\d[\w.+-]*)")


async def offsite_findings(ports: Ports) -> tuple[Finding, ...]:
    """Log in to the off-site host, look at what that login may do, and open each server's repository from there.

    Of servers that the bot cannot log in to nothing is said here: that is found elsewhere.
    """
    offsite, restic = ports.fleet.offsite, ports.restic
    if offsite is None or restic is None:
        return ()
    login = await _login(ports.ssh, offsite)
    if not login.ok:
        return (login,)
    gate = asyncio.Semaphore(SERVERS_AT_ONCE)
    made = await ports.store.backups.made_in()

    async def one(server: str) -> Finding | None:
        async with gate:
            return await _repository(ports.ssh, restic, server, used=server in made)

    holding = {server for site in ports.fleet.sites.values() for server in site.servers}
    limits, own, *found = await asyncio.gather(
        _limits(ports.ssh, offsite),
        _own_restic(ports.ssh),
        *(one(server) for server in ports.fleet.servers if server in holding),
    )
    return (login, *(finding for finding in (limits, own, *found) if finding is not None))


async def _login(ssh: Ssh, offsite: Offsite) -> Finding:
    login = offsite.server.ssh
    what = f"login to the {OFFSITE} ({login.user}@{offsite.server.address}, port {login.port})"
    try:
        # Its user may have SFTP and no shell: putting no file is all that can be asked of it.
        await ssh.put(OFFSITE, {}, timeout_s=SSH_S)
    except SharpnetError as error:
        return Finding(what, ok=False, why=error.message, hint=error.hint)
    return Finding(what, ok=True)


async def _limits(ssh: Ssh, offsite: Offsite) -> Finding:
    what = f"what the bot's key may do on the {OFFSITE}"
    try:
        owners = await ssh.owners(OFFSITE, looked_at(offsite.path), timeout_s=SSH_S)
    except SharpnetError as error:
        return Finding(what, ok=False, why=error.message, hint=error.hint)
    said = b""
    # One that opens no session for a command has no shell to give.
    with contextlib.suppress(SharpnetError):
        # Input, though nobody reads it: an SFTP server in the command's place goes when it has ended.
        said = (await ssh.run(OFFSITE, f"echo {SHELL_ANSWER}", timeout_s=SSH_S, stdin=b"\n")).out
    why = why_too_much(changeable(owners, offsite.path), has_shell=SHELL_ANSWER.encode() in said)
    if why is None:
        return Finding(what, ok=True, why="SFTP, and no change to its own keys")
    return Finding(what, ok=True, why=why.message, hint=why.hint, warning=True)


async def _own_restic(ssh: Ssh) -> Finding:
    what = f"restic on {HERE}"
    try:
        said = (await ssh.from_here("restic version >&2", b"", timeout_s=SSH_S)).err
    except SharpnetError as error:
        return Finding(what, ok=False, why=error.message, hint=error.hint)
    found = _RESTIC.search(said)
    if found is None:
        missing = Failure.missing(FailureCode.NO_RESTIC, HERE)
        return Finding(what, ok=False, why=missing.message, hint=missing.hint)
    return Finding(what, ok=True, why=f"restic {found[1].decode()}")


async def _repository(ssh: Ssh, restic: Restic, server: str, *, used: bool) -> Finding | None:
    """Open the repository from `server`; None where the bot cannot log in there. used: a backup was made in it."""
    what = f"{server} reaching its off-site repository"
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
    if trouble.code == FailureCode.NO_REPOSITORY and not used:
        return Finding(what, ok=True, why=f"{version}; there is none yet, the first `backup run` makes it")
    return Finding(what, ok=False, why=trouble.message, hint=trouble.hint)

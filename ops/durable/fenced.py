"""Adapters that ask, right before they do something to the world, whether the work is still the caller's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ops.store.fence import is_fenced

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from core.backup.host_limits import Owner
    from core.backup.repository_access import RepositoryAccess
    from core.dns.promises import Promises
    from core.dns.records import RecordChange
    from core.fleet import Endpoint
    from ops.contracts import Dns, End, Ran, RanOffsite, Ssh
    from ops.durable.standing import StoreStanding
    from ops.store import Store


class FencedSsh:
    """Implements `ops.contracts.Ssh`. Each call raises FencedError where the work is no longer the caller's."""

    def __init__(self, ssh: Ssh, store: Store) -> None:
        self._ssh = ssh
        self._store = store

    async def run(
        self,
        server: str,
        command: str,
        *,
        timeout_s: float,
        stdin: bytes = b"",
        on_output: Callable[[bytes], None] | None = None,
    ) -> Ran:
        """Run a command on a server."""
        await ask_fences(self._store)
        return await self._ssh.run(server, command, timeout_s=timeout_s, stdin=stdin, on_output=on_output)

    async def stream(
        self, source: End, sink: End, *, timeout_s: float, on_bytes: Callable[[int], None] | None = None
    ) -> tuple[Ran, Ran]:
        """Run two commands, the output of one being the input of the other."""
        await ask_fences(self._store)
        return await self._ssh.stream(source, sink, timeout_s=timeout_s, on_bytes=on_bytes)

    async def converse(self, one: End, other: End, *, timeout_s: float) -> tuple[Ran, Ran]:
        """Have two commands talk with one another."""
        await ask_fences(self._store)
        return await self._ssh.converse(one, other, timeout_s=timeout_s)

    async def with_offsite(self, end: End, allowed: RepositoryAccess, *, timeout_s: float) -> RanOffsite:
        """Run a command that is joined to the off-site host."""
        await ask_fences(self._store)
        return await self._ssh.with_offsite(end, allowed, timeout_s=timeout_s)

    async def from_here(self, command: str, first: bytes, *, timeout_s: float) -> Ran:
        """Run a command of the bot's own that is joined to the off-site host."""
        await ask_fences(self._store)
        return await self._ssh.from_here(command, first, timeout_s=timeout_s)

    async def put(self, server: str, files: Mapping[str, bytes], *, timeout_s: float) -> None:
        """Put files on a server."""
        await ask_fences(self._store)
        await self._ssh.put(server, files, timeout_s=timeout_s)

    async def owners(self, server: str, paths: Sequence[str], *, timeout_s: float) -> Mapping[str, Owner]:
        """Return whose paths on a server are: nothing is done to the world."""
        return await self._ssh.owners(server, paths, timeout_s=timeout_s)

    async def close(self) -> None:
        """Close every connection."""
        await self._ssh.close()


class FencedDns:
    """Implements `ops.contracts.Dns`. `update` raises FencedError where the work is no longer the caller's.

    And StoreDoubtError where the store that has it done may not be the newest.
    """

    def __init__(self, dns: Dns, store: Store, standing: StoreStanding) -> None:
        self._dns = dns
        self._store = store
        self._standing = standing
        self.read_zone, self.version, self.try_update = dns.read_zone, dns.version, dns.try_update
        self.ask, self.serial, self.notify = dns.ask, dns.serial, dns.notify
        self.may_change_more = dns.may_change_more

    @property
    def promises(self) -> Promises:
        """What can be counted on with every change."""
        return self._dns.promises

    async def update(
        self, server: Endpoint, zone: str, changes: tuple[RecordChange, ...], *, version: str = ""
    ) -> None:
        """Change a zone."""
        await self._standing.ask()
        await ask_fences(self._store)
        await self._dns.update(server, zone, changes, version=version)


async def ask_fences(store: Store) -> None:
    """Return where the caller's work is still its own. Raises FencedError where it is not, StoreError."""
    if is_fenced():
        await store.ask_fences()

"""The way to the servers, with what a test does to what goes over it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from databases.harness import ways

from ops.contracts import Ran

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from sync.harness import Rig

    from core.backup.host_limits import Owner
    from core.backup.repository_access import RepositoryAccess
    from ops.contracts import End, RanOffsite, Ssh


class DiedError(BaseException):
    """The process is gone: nothing of ours runs any more."""


@dataclass
class Wire:
    """The way to the servers, as it is or with what a test does to it. commands: all that went over it."""

    ssh: Ssh
    change: Callable[[str, bytes], tuple[bytes, bool] | Ran] = lambda _, stdin: (stdin, False)
    commands: list[str] = field(default_factory=list)

    async def run(
        self,
        server: str,
        command: str,
        *,
        timeout_s: float,
        stdin: bytes = b"",
        on_output: Callable[[bytes], None] | None = None,
    ) -> Ran:
        self.commands.append(command)
        changed = self.change(command, stdin)
        if isinstance(changed, Ran):
            return changed
        ran = await self.ssh.run(server, command, timeout_s=timeout_s, stdin=changed[0], on_output=on_output)
        if changed[1]:
            raise DiedError
        return ran

    async def stream(
        self, source: End, sink: End, *, timeout_s: float, on_bytes: Callable[[int], None] | None = None
    ) -> tuple[Ran, Ran]:
        self.commands += [source.command, sink.command]
        return await self.ssh.stream(source, sink, timeout_s=timeout_s, on_bytes=on_bytes)

    async def with_offsite(self, end: End, allowed: RepositoryAccess, *, timeout_s: float) -> RanOffsite:
        return await self.ssh.with_offsite(end, allowed, timeout_s=timeout_s)

    async def from_here(self, command: str, first: bytes, *, timeout_s: float) -> Ran:
        return await self.ssh.from_here(command, first, timeout_s=timeout_s)

    async def owners(self, server: str, paths: Sequence[str], *, timeout_s: float) -> Mapping[str, Owner]:
        return await self.ssh.owners(server, paths, timeout_s=timeout_s)

    async def put(self, server: str, files: Mapping[str, bytes], *, timeout_s: float) -> None:
        await self.ssh.put(server, files, timeout_s=timeout_s)

    async def close(self) -> None:
        """Leave it open: it is the rig's."""


def over(rig: Rig, wire: Wire) -> Rig:
    """Give the same process, whose every command goes over `wire`."""
    databases = ways(rig)
    return replace(rig, ports=replace(rig.ports, ssh=wire, databases=replace(databases, ssh=wire)))

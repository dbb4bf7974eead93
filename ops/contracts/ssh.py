"""Commands on the fleet's servers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from core.backup.host_limits import Owner
    from core.backup.repository_access import RepositoryAccess


# The machine that is none of the servers.
HERE = "the bot's machine"


@dataclass(frozen=True, slots=True)
class Ran:
    """How a command on a server ended: its exit status and everything it wrote."""

    exit_code: int
    out: bytes
    err: bytes


@dataclass(frozen=True, slots=True)
class RanOffsite(Ran):
    """How a command ended that had a repository. added: the whole ids of the snapshots that it was seen to store."""

    added: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class End:
    """One end of a stream: `command` (a POSIX shell line) on `server`. first: what its standard input gets first."""

    server: str
    command: str
    first: bytes = b""


class Ssh(Protocol):
    """Commands on the fleet's servers, over kept connections."""

    async def run(
        self,
        server: str,
        command: str,
        *,
        timeout_s: float,
        stdin: bytes = b"",
        on_output: Callable[[bytes], None] | None = None,
    ) -> Ran:
        """Run `command` (a POSIX shell line; quote what is in it) on `server` and return how it ended.

        It ends by itself at `timeout_s` there too (it runs under `timeout -k`). `on_output` gets pieces of standard
        output as they come, on the event loop, and `out` is empty then. A non-zero exit status is returned, not raised.
        Raises UnreachableError, TimedOutError, HostKeyError, LoginRefusedError; OwnLackError where this machine lacks
        something; TooMuchError where the server writes more than is held of one (64 MB) or told (1 GB).
        """

    async def stream(
        self, source: End, sink: End, *, timeout_s: float, on_bytes: Callable[[int], None] | None = None
    ) -> tuple[Ran, Ran]:
        """Run both at once and hand what `source` writes to standard output to `sink`, through the bot.

        Returns how both ended; `out` of the source is empty. `sink` sees the end of its input when the source has ended
        well. Where one of them fails, or `sink` ends first, the other is left alone and has 255 as its exit status:
        what was done counts only where both are 0. `on_bytes` gets how many bytes have been handed over so far, on the
        event loop. Raises as `run` does, of either server.
        """

    async def converse(self, one: End, other: End, *, timeout_s: float) -> tuple[Ran, Ran]:
        """Run both at once, and hand what each writes to standard output to the other, through the bot.

        Returns how both ended, when both have; `out` is empty. Each sees the end of its input when the other has ended
        or says nothing more. Raises as `run` does, of either server.
        """

    async def with_offsite(self, end: End, allowed: RepositoryAccess, *, timeout_s: float) -> RanOffsite:
        """Run a command whose standard input and output are joined to the SFTP server of the off-site host.

        What it asks there passes `core.backup.sftp_filter`: no more than `allowed` reaches the host. `out` is empty.
        Raises as `run` does, of either host, RefusedError where what passes is no SFTP, and NotInFleetError where the
        fleet has no off-site host.
        """

    async def from_here(self, command: str, first: bytes, *, timeout_s: float) -> Ran:
        """Run a command on the bot's own machine in the same way, with all that the bot may do on the off-site host.

        It gets nothing of the bot's environment but PATH, HOME and TMPDIR. Raises as `with_offsite` does.
        """

    async def put(self, server: str, files: Mapping[str, bytes], *, timeout_s: float) -> None:
        """Put files (content by absolute path) on `server` over SFTP: each whole or not at all, the last one last.

        Folders are not made. Raises as `run` does, and RefusedError where the server does not take one: then what was
        there stays.
        """

    async def owners(self, server: str, paths: Sequence[str], *, timeout_s: float) -> Mapping[str, Owner]:
        """Return over SFTP whose these paths are, those that are there. Raises as `run` does."""

    async def close(self) -> None:
        """Close every connection."""

"""Commands on the fleet's servers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


@dataclass(frozen=True, slots=True)
class Ran:
    """How a command on a server ended: its exit status and everything it wrote."""

    exit_code: int
    out: bytes
    err: bytes


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

    async def with_offsite(self, end: End, *, timeout_s: float) -> Ran:
        """Run a command whose standard input and output are joined to the SFTP server of the off-site host.

        `out` is empty. Raises as `run` does, of either host, and LookupError where the fleet has no off-site host.
        """

    async def put(self, server: str, files: Mapping[str, bytes], *, timeout_s: float) -> None:
        """Put files (content by absolute path) on `server` over SFTP: each whole or not at all, the last one last.

        Folders are not made. Raises as `run` does, and RefusedError where the server does not take one: then what was
        there stays.
        """

    async def close(self) -> None:
        """Close every connection."""

"""What commands and jobs may ask of the world, as protocols: real adapters and tests' fakes have the same shape.

Every call has a deadline. What goes wrong is an error of `core.errors`, and nothing else, so that whoever calls can
say it to a person as it is. An adapter knows these, and never the bundle (`ops.ports`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from core.dns.records import RecordChange, ZoneReading
    from core.fleet import Endpoint, Site
    from core.fleet.target import Target


class Clock(Protocol):
    """The time, and waiting for it."""

    def now(self) -> datetime:
        """Return the present moment, aware, in UTC."""
        ...

    def monotonic(self) -> float:
        """Return seconds that never go back, for measuring."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        ...


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
        Raises UnreachableError, TimedOutError, HostKeyError, LoginRefusedError.
        """
        ...

    async def stream(
        self, source: End, sink: End, *, timeout_s: float, on_bytes: Callable[[int], None] | None = None
    ) -> tuple[Ran, Ran]:
        """Run both at once and hand what `source` writes to standard output to `sink`, through the bot.

        Returns how both ended; `out` of the source is empty. `sink` sees the end of its input when the source has ended
        well. Where one of them fails, or `sink` ends first, the other is left alone and has 255 as its exit status:
        what was done counts only where both are 0. `on_bytes` gets how many bytes have been handed over so far, on the
        event loop. Raises as `run` does, of either server.
        """
        ...

    async def with_offsite(self, end: End, *, timeout_s: float) -> Ran:
        """Run a command whose standard input and output are joined to the SFTP server of the off-site host.

        `out` is empty. Raises as `run` does, of either host, and LookupError where the fleet has no off-site host.
        """
        ...

    async def put(self, server: str, files: Mapping[str, bytes], *, timeout_s: float) -> None:
        """Put files (content by absolute path) on `server` over SFTP: each whole or not at all, the last one last.

        Folders are not made. Raises as `run` does, and RefusedError where the server does not take one: then what was
        there stays.
        """
        ...

    async def close(self) -> None:
        """Close every connection."""
        ...


@dataclass(frozen=True, slots=True)
class Answer:
    """What a name server answered to one question. `values` empty: it has no such records.

    values: presentation format, sorted, names absolute without the final dot. authoritative: the AA bit.
    aliases: the CNAME targets passed on the way. took_s: seconds.
    """

    values: tuple[str, ...]
    ttl_s: int | None
    authoritative: bool
    aliases: tuple[str, ...]
    took_s: float


class Dns(Protocol):
    """Reading and changing zones. Each method raises UnreachableError, TimedOutError or one of the DnsError family."""

    async def read_zone(self, server: Endpoint, zone: str, names: tuple[str, ...]) -> ZoneReading:
        """Read `zone` from an update server: by signed AXFR, or where that is refused, A, AAAA, CNAME of `names`."""
        ...

    async def update(self, server: Endpoint, zone: str, changes: tuple[RecordChange, ...]) -> None:
        """Make `changes` in one signed UPDATE whose prerequisites are all their old values (RFC 2136).

        Returns when the server has said NOERROR. DnsChangedError: a prerequisite failed, nothing changed.
        DnsRefusedError, DnsClockError: nothing changed. TimedOutError: it may have happened; read before asking again.
        """
        ...

    async def try_update(self, server: Endpoint, zone: str) -> None:
        """Send a signed update that changes nothing, to see whether one would be taken."""
        ...

    async def ask(self, server: Endpoint, name: str, rdtype: str, *, timeout_s: float = 3.0) -> Answer:
        """Ask one question without recursion; over TCP where UDP is truncated."""
        ...

    async def serial(self, server: Endpoint, zone: str, *, timeout_s: float = 3.0) -> int:
        """Return the serial of `zone` as `server` answers it with authority. DnsError where it is lame."""
        ...

    async def notify(self, server: Endpoint, zone: str) -> None:
        """Send NOTIFY (RFC 1996) for `zone`, unsigned first and signed where that is refused."""
        ...


@dataclass(frozen=True, slots=True)
class Look:
    """What one look at a target found. `why` says the trouble in a few words; empty where `ok`. took_s: seconds.

    certificate_ends_at: when the certificate that it showed ends; None: it showed none.
    """

    ok: bool
    why: str = ""
    took_s: float = 0.0
    certificate_ends_at: datetime | None = None


class Probe(Protocol):
    """Looks at the fleet from outside. A look never raises: trouble is its answer."""

    async def ssh_banner(self, server: str, *, timeout_s: float) -> Look:
        """Look whether the server's SSH port says `SSH-2.0-…`."""
        ...

    async def site(self, site: Site, server: str, *, timeout_s: float) -> Look:
        """Ask `server` (by its address) for `site` by its first name; compare status and content with its check."""
        ...

    async def nameserver(self, nameserver: str, zone: str, *, timeout_s: float) -> Look:
        """Look whether the name server answers the zone's SOA with authority."""
        ...

    async def second_look(self, vantage: str, target: Target, *, timeout_s: float) -> Look | None:
        """Look at a server or name server from the server `vantage`, over SSH.

        A server is looked at by its SSH banner and, where it has sites, by web: ok where either answers.
        None: the vantage point itself could not be used.
        """
        ...


class Engine(Protocol):
    """Durable work: it survives the process, and is carried out by one bot at a time."""

    async def submit(self, kind: str, subject: str) -> None:
        """Put a run of `kind` for `subject` (a plan's id) on record and start it; one that is there already goes on."""
        ...

    async def wait(self, kind: str, subject: str) -> None:
        """Return when the run has ended here or elsewhere."""
        ...

    async def sweep(self) -> None:
        """Take up, until cancelled, runs that nobody carries out any more."""
        ...

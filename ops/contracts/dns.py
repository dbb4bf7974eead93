"""Name servers: what they answer, and what they are asked to change."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from core.dns.promises import Promises
    from core.dns.records import RecordChange, ZoneReading
    from core.fleet import Endpoint


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

    @property
    def promises(self) -> Promises:
        """What can be counted on with every change through it."""

    async def read_zone(self, server: Endpoint, zone: str, names: tuple[str, ...]) -> ZoneReading:
        """Read `zone` from an update server: by AXFR, or where that is refused, A, AAAA, CNAME of `names`; signed."""

    async def version(self, server: Endpoint, zone: str) -> str:
        """Return what changes with every change of `zone`, whoever makes it, and never comes back: its SOA record."""
        ...

    async def update(
        self, server: Endpoint, zone: str, changes: tuple[RecordChange, ...], *, version: str = ""
    ) -> None:
        """Make `changes`, as it promises: by RFC 2136 in one signed UPDATE whose prerequisites are all old values.

        version: as the zone had it when it was last looked at; where it has moved on, nothing changes. An old value
        alone may have been changed and restored meanwhile. Empty: that does not matter.
        Returns when the server has said NOERROR. DnsChangedError: an old value is gone, nothing changed.
        DnsRefusedError, DnsClockError: nothing changed. TimedOutError: no answer that counts (one that is not signed as
        it must be is none): all or, where it is not atomic, a part of it may have happened; read before asking again.
        """

    async def try_update(self, server: Endpoint, zone: str, records: Sequence[tuple[str, str]] = ()) -> None:
        """Send a signed update that changes nothing, to see whether one would be taken, of `records` (owner, type)."""

    async def may_change_more(self, server: Endpoint, zone: str) -> tuple[str, ...] | None:
        """Return what beyond the addresses of sites the key may change in `zone`, in words; None: that is not said."""

    async def ask(self, server: Endpoint, name: str, rdtype: str, *, timeout_s: float = 3.0) -> Answer:
        """Ask one question without recursion; over TCP where UDP is truncated."""

    async def serial(self, server: Endpoint, zone: str, *, timeout_s: float = 3.0) -> int:
        """Return the serial of `zone` as `server` answers it with authority. DnsError where it is lame."""

    async def notify(self, server: Endpoint, zone: str) -> None:
        """Send NOTIFY (RFC 1996) for `zone`, unsigned first and signed where that is refused."""

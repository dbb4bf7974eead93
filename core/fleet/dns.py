"""The name servers and zones of the fleet: where DNS is changed, and where it is answered."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from core.fleet.access import SecretRef


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An address and a port, of DNS here."""

    address: str
    port: int = 53

    def __str__(self) -> str:
        return f"[{self.address}]:{self.port}" if ":" in self.address else f"{self.address}:{self.port}"


@dataclass(frozen=True, slots=True)
class Tsig:
    """The key that signs updates and transfers (RFC 8945)."""

    name: str
    algorithm: str
    secret: SecretRef


@dataclass(frozen=True, slots=True)
class NameServer:
    """One of the public name servers."""

    name: str
    endpoint: Endpoint
    location: str


@dataclass(frozen=True, slots=True)
class DnsSettings:
    """Where the zones are changed and where they are answered.

    backend: the way in which zones are changed; provider: its own settings, by key. max_ttl_s: in seconds.
    agree_within: how long a cutover waits for all name servers before it says *unfinished*.
    """

    update: tuple[Endpoint, ...]
    nameservers: tuple[NameServer, ...]
    zones: tuple[str, ...]
    tsig: Tsig | None = None
    backend: str = "rfc2136"
    provider: Mapping[str, Any] = field(default_factory=dict, hash=False)
    max_ttl_s: int = 300
    agree_within: timedelta = timedelta(seconds=60)
    rollback_within: timedelta = timedelta(days=7)
    answer_within: timedelta | None = None
    open_transfers: bool = True
    zone_set: frozenset[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        # Every name of the fleet is looked up in it: with thousands of each, a tuple would be searched for minutes.
        object.__setattr__(self, "zone_set", frozenset(self.zones))


def zone_of(name: str, zones: Collection[str]) -> str:
    """Return the longest of `zones` that `name` lies in. Raises LookupError where none does. A set is fastest."""
    candidate = name
    while candidate:
        if candidate in zones:
            return candidate
        candidate = candidate.partition(".")[2]
    raise LookupError(name)

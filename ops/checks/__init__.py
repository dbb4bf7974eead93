"""One file a check: what of a server or name server is looked at besides its SSH banner, its sites and its SOA.

Each holds one `CHECK`; discovery refuses a file without. What a check finds makes its target *degraded*, never down.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from ops.discovery import found_in

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from datetime import timedelta

    from core.fleet import Fleet
    from core.fleet.target import Target
    from ops.ports import Ports


@dataclass(frozen=True, slots=True)
class Check:
    """What discovery finds in a check's file.

    targets: for a fleet, by server or name server how often it is looked at. look: looks once, at
    the server or name server of that name, and returns what is not as it should be, in a few words each: empty where
    all is well, None where it cannot be known. It never raises.
    """

    name: str
    targets: Callable[[Fleet], Mapping[Target, timedelta]]
    look: Callable[[Ports, str], Awaitable[tuple[str, ...] | None]]


@cache
def all_checks() -> Mapping[str, Check]:
    """Return every check by its name. Raises TypeError for a file without a proper CHECK."""
    return found_in(__name__, "CHECK", Check)

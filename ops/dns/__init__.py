"""DNS: the backends through which zones are read and changed, found in `ops.dns.backends`, and what they share."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from ops.discovery import found_in

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from core.fleet import Endpoint, Fleet, SecretRef
    from ops.contracts import Dns


@dataclass(frozen=True, slots=True)
class Backend:
    """What discovery finds in a backend's file.

    name: what `dns.backend` of the fleet file says. factory: makes it from a fleet and a reader of secrets; secrets are
    read when they are first needed, and nothing is connected yet. settings: a frozen dataclass whose fields are the
    keys of `dns.provider` (text, numbers, `timedelta`, `SecretRef`), made as `settings(**fleet.dns.provider)`; None: it
    has no settings of its own. update: where its changes go where `dns.update` is left out; None: that is needed.
    """

    name: str
    factory: Callable[[Fleet, Callable[[SecretRef], str]], Dns]
    settings: type | None = None
    update: Endpoint | None = None


@cache
def all_backends() -> Mapping[str, Backend]:
    """Return every backend by its name. Raises TypeError for a file without a proper BACKEND."""
    return dict(sorted(found_in("ops.dns.backends", "BACKEND", Backend).items()))


def open_dns(fleet: Fleet, secret: Callable[[SecretRef], str]) -> Dns:
    """Return the way to this fleet's DNS. Secrets are read when they are first needed, through `secret`."""
    return all_backends()[fleet.dns.backend].factory(fleet, secret)

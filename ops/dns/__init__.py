"""DNS: the backends through which zones are read and changed, found in `ops.dns.backends`, and what they share."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from core.errors import SettingsError
from ops.discovery import found_in

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from core.fleet import Fleet, SecretRef
    from ops.contracts import Dns

DEFAULT = "rfc2136"


@dataclass(frozen=True, slots=True)
class Backend:
    """What discovery finds in a backend's file: its name, and what makes it from a fleet and a reader of secrets."""

    name: str
    factory: Callable[[Fleet, Callable[[SecretRef], str]], Dns]


@cache
def all_backends() -> Mapping[str, Backend]:
    """Return every backend by its name. Raises TypeError for a file without a proper BACKEND."""
    return dict(sorted(found_in("ops.dns.backends", "BACKEND", Backend).items()))


def open_dns(fleet: Fleet, secret: Callable[[SecretRef], str], backend: str = DEFAULT) -> Dns:
    """Return the way to this fleet's DNS. Secrets are read when they are first needed, through `secret`.

    Nothing is connected yet. Raises SettingsError for a backend that is not there.
    """
    backends = all_backends()
    if backend not in backends:
        raise SettingsError(f"There is no DNS backend {backend!r}.", hint="There is " + ", ".join(backends))
    return backends[backend].factory(fleet, secret)

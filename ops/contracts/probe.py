"""Looks at the fleet from outside."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from datetime import datetime

    from core.fleet import Site
    from core.fleet.target import Target


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
    """Looks at the fleet from outside. Trouble of what is looked at is the answer.

    Raises OwnLackError where this machine itself lacked something: nothing was observed.
    """

    async def ssh_banner(self, server: str, *, timeout_s: float) -> Look:
        """Look whether the server's SSH port says `SSH-2.0-…`."""

    async def site(self, site: Site, server: str, *, timeout_s: float) -> Look:
        """Ask `server` (by its address) for `site` by its first name; compare status and content with its check."""

    async def nameserver(self, nameserver: str, zone: str, *, timeout_s: float) -> Look:
        """Look whether the name server answers the zone's SOA with authority."""

    async def second_look(self, vantage: str, target: Target, *, timeout_s: float) -> Look | None:
        """Look at a server or name server from the server `vantage`, over SSH.

        A server is looked at by its SSH banner and, where it has sites, by web: ok where either answers.
        None: the vantage point itself could not be used.
        """

"""Which way content flows: from the active copy to its mirrors, never the other way (law 4).

The active copy is the one that the site's DNS points to. After a failover that is another server, and the direction is
reversed by itself. A quarantined copy is no source and no target until someone has chosen.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from core.fleet import Site


@dataclass(frozen=True, slots=True)
class Direction:
    """Where a site's content comes from and where it goes.

    source: the server to copy from; None: there is none, and `why` says the reason. mirrors: the servers to fill, the
    home first where it is one. left_out: every other server that holds the site, with the reason.
    """

    source: str | None
    mirrors: tuple[str, ...]
    left_out: Mapping[str, str]
    why: str | None = None


def which_way(site: Site, active: str | None, quarantined: Collection[str] = ()) -> Direction:
    """Return the direction of `site`, whose DNS points to `active` (None: not seen yet, so its home).

    `quarantined`: the servers whose copy of this site is in quarantine.
    """
    source = active or site.home
    others = tuple(server for server in site.servers if server != source)
    why = why_not_source(site, source, active, quarantined)
    if why is not None:
        return Direction(source=None, mirrors=(), left_out=dict.fromkeys(others, why), why=why)
    reasons = {server: why_not_target(site, server, active, quarantined) for server in others}
    return Direction(
        source=source,
        mirrors=tuple(server for server, reason in reasons.items() if reason is None),
        left_out={server: reason for server, reason in reasons.items() if reason is not None},
    )


def why_not_source(site: Site, server: str, active: str | None, quarantined: Collection[str] = ()) -> str | None:
    """Return why nothing may be copied from `server`, or None."""
    serving = active or site.home
    if server not in site.servers:
        return f"{server} holds no copy of it"
    if server != serving:
        return f"it is served from {serving}, and content flows from there"
    if server in quarantined:
        return f"the copy on {server} is quarantined until someone has chosen"
    return None


def why_not_target(site: Site, server: str, active: str | None, quarantined: Collection[str] = ()) -> str | None:
    """Return why nothing may be copied to `server`, or None."""
    if server not in site.servers:
        return f"{server} is neither its home nor a mirror"
    if server == (active or site.home):
        return f"it is served from {server}, and nothing is ever copied over what is served"
    if server in quarantined:
        return f"the copy on {server} is quarantined until someone has chosen"
    return None

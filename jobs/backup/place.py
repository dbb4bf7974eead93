"""Where a site's content really is on a server, and the folder for what is not served, which no customer can reach."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.failure import Failure
from jobs.backup.lock import offsite_of
from ops.contracts import SiteLocation
from ops.rsync.locate import located

if TYPE_CHECKING:
    from core.fleet import Site
    from ops.ports import Ports


async def root_of(ports: Ports, site: Site, server: str) -> SiteLocation | Failure:
    """Return where the content of `site` is on `server`, or why the link to it is not followed.

    Raises UnreachableError, LoginRefusedError.
    """
    found = await located(ports.ssh, ports.fleet, site, (ports.fleet.server(server),))
    return found if isinstance(found, Failure) else SiteLocation(found, server)


async def place_of(ports: Ports, site: Site, server: str) -> SiteLocation | Failure:
    """Return the same with its work folder, or why there can be none.

    Raises UnreachableError, LoginRefusedError.
    """
    place = await root_of(ports, site, server)
    return place if isinstance(place, Failure) else await offsite_of(ports).settled(place)

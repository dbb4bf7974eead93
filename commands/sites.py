"""`sites`: where each site lives, is served from and is copied to, how old its copies are, and which has none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from commands import Command, argument
from core.fleet.lookup import server_named
from core.status.sites import SiteCopy, SiteProtection, sites_reply

if TYPE_CHECKING:
    from datetime import datetime

    from commands import Request
    from core.fleet import Site
    from core.reply import Reply
    from ops.ports import Ports
    from ops.store.copies.protection import LastComparison
    from ops.store.copies.served import SyncRun


async def run(request: Request, ports: Ports) -> Reply:
    """Answer from what is on record; nothing is asked of any server. Exit code 0, whatever the state."""
    wanted: str | None = request.options.server
    server = server_named(wanted, ports.fleet) if wanted else None
    copies, now = ports.store.copies, ports.clock.now()
    active, quarantined = await copies.active(), await copies.quarantined()
    good, last = await copies.last_good(), await copies.last_syncs()
    compared, backed_up = await ports.store.protection.compared(), await ports.store.protection.backed_up()

    def copy_on(site: Site, other: str) -> SiteCopy:
        pair, run = (site.name, other), good.get((site.name, other))
        good_at, in_quarantine = run.begun_at if run is not None else None, pair in quarantined
        return copy_of(site, other, now, good_at, compared.get(pair), quarantined=in_quarantine, last=last.get(pair))

    kept = []
    for site in ports.fleet.sites.values():
        served_from = active.get(site.name, site.home)
        if server is None or server in (served_from, *site.servers):
            held = tuple(copy_on(site, other) for other in site.servers if other != served_from)
            kept.append(SiteProtection(site, served_from, held, backed_up.get(site.name)))
    return sites_reply(kept, now, server, offsite=ports.fleet.offsite is not None)


def copy_of(
    site: Site,
    server: str,
    now: datetime,
    good_at: datetime | None,
    compared: LastComparison | None,
    *,
    quarantined: bool,
    last: SyncRun | None = None,
) -> SiteCopy:
    """Return the copy of a site on `server` as it is on record. good_at: when the last good run to it began."""
    return SiteCopy(
        server=server,
        last_good_at=good_at,
        age=now - good_at if good_at is not None else None,
        max_age=site.max_age,
        quarantined=quarantined,
        last_trouble=str(last.body.get("why", last.outcome)) if last is not None and last.outcome != "good" else "",
        compared_at=compared.at if compared is not None else None,
        same=compared is None or compared.same,
    )


COMMAND = Command(
    name="sites",
    summary="where each site lives, is served from and is copied to, and how old its copies are",
    run=run,
    arguments=(argument("server", nargs="?", metavar="SERVER", help="only what lives, is served or is copied there"),),
    examples=("sites", "sites SERVER"),
    answers_json=True,
)

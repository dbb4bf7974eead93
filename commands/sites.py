"""`sites`: where each site lives, is served from and is copied to, how old its copies are, and which has none."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from commands import Command
from core.fleet.lookup import server_named
from core.status.sites import SiteCopy, SiteProtection, sites_reply

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping
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
    kept = []
    for site in ports.fleet.sites.values():
        served_from = active.get(site.name, site.home)
        if server is None or server in (served_from, *site.servers):
            held = tuple(
                _proven(
                    _copy(site, other, good, last, now, quarantined=(site.name, other) in quarantined),
                    compared.get((site.name, other)),
                )
                for other in site.servers
                if other != served_from
            )
            kept.append(SiteProtection(site, served_from, held, backed_up.get(site.name)))
    return sites_reply(kept, now, server, offsite=ports.fleet.offsite is not None)


def _proven(copy: SiteCopy, compared: LastComparison | None) -> SiteCopy:
    return copy if compared is None else replace(copy, compared_at=compared.at, same=compared.same)


def _copy(
    site: Site,
    server: str,
    good: Mapping[tuple[str, str], SyncRun],
    last: Mapping[tuple[str, str], SyncRun],
    now: datetime,
    *,
    quarantined: bool,
) -> SiteCopy:
    last_good, latest = good.get((site.name, server)), last.get((site.name, server))
    trouble = str(latest.body.get("why", latest.outcome)) if latest is not None and latest.outcome != "good" else ""
    began_at = last_good.begun_at if last_good is not None else None
    return SiteCopy(
        server=server,
        last_good_at=began_at,
        age=now - began_at if began_at is not None else None,
        max_age=site.max_age,
        quarantined=quarantined,
        last_trouble=trouble,
    )


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("server", nargs="?", metavar="SERVER", help="only what lives, is served or is copied there")


COMMAND = Command(
    name="sites",
    summary="where each site lives, is served from and is copied to, and how old its copies are",
    run=run,
    arguments=_arguments,
    examples=("sites", "sites SERVER"),
    answers_json=True,
)

"""A process that backs one site up, slowly, until somebody kills it.

Arguments: fleet file, store, the site, the repository's path on the off-site host, and bytes a second.
"""

from __future__ import annotations

import asyncio
import sys
from dataclasses import replace
from pathlib import Path

from bot.settings import Settings
from bot.wiring import open_ports
from jobs.backup.many import back_up_sites
from jobs.backup.one import BackupRequest
from ops.fleetfile import secret_reader
from ops.restic.repository import ResticRepository


async def main(config: str, store: str, site_name: str, path: str, bandwidth: str) -> None:
    async with open_ports(Settings(Path(config), Path(store))) as ports:
        assert ports.fleet.offsite is not None
        offsite = replace(ports.fleet.offsite, path=path)
        site = replace(ports.fleet.sites[site_name], bandwidth=int(bandwidth))
        fleet = replace(ports.fleet, sites={site_name: site}, offsite=offsite)
        restic = ResticRepository(fleet, offsite, ports.ssh, secret_reader(fleet))
        await back_up_sites(replace(ports, fleet=fleet, restic=restic), [site], BackupRequest("bot:dying"))


asyncio.run(main(*sys.argv[1:]))

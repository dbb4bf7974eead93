"""Sites with a database of either engine, and what a test asks of one on a server."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from ops.databases import SshDatabases
from ops.rsync.mirror import MirrorCopy
from ops.rsync.turn import take_turn, turn_now
from ops.work_folder import Turn

if TYPE_CHECKING:
    from sync.harness import Rig

    from core.fleet import Database, Site
    from ops.work_folder import AskTurn

ENGINES = ["mariadb", "postgresql"]
SITES = 24
ODD = "odd.ski.example"
POSTGRES = {"engine": "postgresql", "socket": "/run/{server}-postgresql"}
NAMED = {"engine": "mysql", "socket": "/run/{server}.sock", "user": "brien", "password": "file:keys/named"}


def with_databases(tree: dict[str, Any], sites: int = SITES) -> None:
    """Give the fleet sites with a database of either engine, and one whose user has a password and an odd name."""
    for number in range(sites):
        name = f"oslo-{number}.ski.example"
        tree["sites"][name] = {
            "home": "oslo",
            "mirrors": ["lima"],
            "names": [name],
            "root": f"/srv/{{server}}/www/{name}",
            "databases": [
                {"engine": "mariadb", "name": f"d{number}", "user": f"d{number}"},
                {**POSTGRES, "name": f"d{number}", "user": f"d{number}"},
            ],
        }
    tree["sites"]["fjord.example"]["databases"] = [{"engine": "mariadb", "name": "dock", "user": "dock"}]
    odd = 'it\'s `odd` "name" = 1'
    tree["sites"][ODD] = {
        **tree["sites"].pop("ski.example"),
        "root": f"/srv/{{server}}/www/{ODD}",
        "names": [ODD],
        "databases": [
            {**NAMED, "name": odd},
            {**POSTGRES, "name": odd, "user": "cook", "password": "env:COOKS_PASSWORD"},
        ],
    }


def name_of(site: Site) -> str:
    return site.databases[0].name


def ways(rig: Rig) -> SshDatabases:
    databases = rig.ports.databases
    assert isinstance(databases, SshDatabases)
    return databases


def of(site: Site, engine: str) -> Database:
    return next(one for one in site.databases if one.engine == engine)


def sql(rig: Rig, site: Site, server: str, engine: str, statement: str) -> str:
    return rig.lab.sql(server, engine, name_of(site), statement).strip()


async def turn(rig: Rig, site: Site, server: str, run: str = "a test") -> AskTurn:
    """Begin a run on the copy of `site` on a server, and return what gives its turn there."""
    there = rig.ports.fleet.servers[server]
    copy = MirrorCopy(site, there, there)
    taken = await take_turn(rig.ports.ssh, copy, run)
    assert isinstance(taken, Turn), taken
    return partial(turn_now, rig.ports.ssh, copy, taken)

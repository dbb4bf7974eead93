"""Fleet files for measurements, of any size: the lab can build them, or they stand for fleets that are elsewhere."""

import json
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from core.fleet.target import Target
from ops.store import Store
from ops.store.monitor.states import ObservedState
from ops.store.sqlite.database import SqliteDb

if TYPE_CHECKING:
    from core.fleet import Fleet
    from lab import Lab

CHANNEL = "C01OPS"
PEOPLE = ("U01ALICE", "U02BOB")
PLACES = ("Oslo", "Lima", "Kyoto", "Lagos", "Perth", "Quito", "Riga", "Accra", "Hanoi", "Turin")
NAME_SERVERS = 6
# What docs and the example advise for a real fleet; the demo looks more often.
USUAL_WATCH = {"every": "30s", "retry": "2s", "timeout": "5s", "down_after": 3, "up_after": 2}
GAP = timedelta(minutes=2)


def site_name(number: int) -> str:
    """Return the name of a site, which is also its zone's."""
    return f"s{number:05}.example"


def server_names(count: int) -> list[str]:
    """Return the names of that many servers."""
    return [place.lower() for place in PLACES[:count]]


def write_fleet(
    file: Path, block: str, *, sites: int, servers: int = 2, watch: dict[str, object] | None = None, agree: str = "2m"
) -> Path:
    """Write a fleet file and return its path: every site has a zone of its own, all live on the first server.

    block: the first three bytes of all addresses, with a dot at the end; no other lab may have it. Two fleet files in
    one folder with the same block and servers are two views of the same lab.
    """
    names = server_names(servers)
    mirrored = dict(pairwise([*names, names[0]]))
    part = {
        "fleet": "bench",
        "timezone": "UTC",
        "slack": {"ops_channel": CHANNEL, "operators": PEOPLE, "approvers": PEOPLE, "approval_ttl": "10m"},
        "servers": {name: _server(name, f"{block}{number}") for number, name in enumerate(names, 1)},
        "dns": {
            "update": [{"address": f"{block}20", "port": 5300}],
            "tsig": {"name": "bot-update", "algorithm": "hmac-sha256", "secret": "env:BENCH_TSIG"},
            "nameservers": {
                f"ns{number}": {"address": f"{block}{number + 10}", "port": 5300}
                for number in range(1, NAME_SERVERS + 1)
            },
            "zones": [site_name(number) for number in range(sites)],
            "agree_within": agree,
        },
        "watch": USUAL_WATCH if watch is None else watch,
        "schedule": {},
    }
    # JSON is YAML; but the sites are written as an operator writes them, since reading them is measured.
    lines = [f"{key}: {json.dumps(value)}" for key, value in part.items()]
    lines.append("sites:")
    lines += [_site(site_name(number), names[0], mirrored[names[0]]) for number in range(sites)]
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return file


def copy_pages(lab: "Lab", fleet: "Fleet") -> None:
    """Put every site's page on its mirrors, as a sync would have done last night."""
    for site in fleet.sites.values():
        page = lab.path_on(site.home, site.root_on(site.home)) / "index.html"
        for mirror in site.mirrors:
            (lab.path_on(mirror, site.root_on(mirror)) / "index.html").write_bytes(page.read_bytes())


async def fill_store(path: Path, fleet: "Fleet") -> None:
    """Put into a store what the watch of a healthy fleet has seen until now, and where its sites are served from."""
    now = datetime.now(UTC)
    since_at = now - timedelta(days=3)
    targets = [Target.server(name) for name in fleet.servers]
    targets += [Target.nameserver(server.name) for server in fleet.dns.nameservers]
    targets += [Target.site(name) for name in fleet.sites]
    store = Store(SqliteDb(path))
    await store.open()
    try:
        await store.states.saw([ObservedState(target, "up", since_at, now) for target in targets], gap=GAP)
        await store.copies.set_active({site.name: site.home for site in fleet.sites.values()}, since_at)
    finally:
        await store.close()


def _server(name: str, address: str) -> dict[str, object]:
    return {
        "location": name.capitalize(),
        "ipv4": address,
        "ssh": {"user": "web", "port": 2222, "key": "file:keys/bot", "known_hosts": "keys/known_hosts"},
        "peer": {"key": f"/srv/{name}/keys/peer", "known_hosts": f"/srv/{name}/keys/known_hosts"},
        "web": {"http": 8080},
    }


def _site(name: str, home: str, mirror: str) -> str:
    return (
        f"  {name}:\n"
        f"    home: {home}\n"
        f"    mirrors: [{mirror}]\n"
        f"    names: [{name}]\n"
        f"    root: /srv/{{server}}/www/{name}\n"
        f"    check: {{path: /, status: 200, contains: Welcome to {name}}}\n"
        "    sync: daily\n"
        "    max_age: 26h"
    )

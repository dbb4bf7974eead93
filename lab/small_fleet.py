"""A small fleet for tests: as unlike the demo's as the shape allows, at addresses that no other test has."""

import itertools
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from lab.lab import Lab

Change = Callable[[dict[str, Any]], None]
SmallFleet = Callable[..., Path]
"""What the fixture `small_fleet` is: (folder, change=None) to the fleet file."""
StartLab = Callable[..., Lab]
"""What the fixture `start_lab` is: (fleet_file, records={}) to a lab that is up."""

_FIRST_BLOCK = 100
_LAST_IN_BLOCK = 254
_NUMBERS = itertools.cycle(range(1, _LAST_IN_BLOCK + 1))


def address_blocks() -> Iterator[str]:
    """Give one block of addresses after the other ("127.100.1."), of this pytest-xdist worker's own.

    Whoever asks gets others than everybody else in this process: some of their labs run at the same time.
    """
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    for number in _NUMBERS:
        yield f"127.{_FIRST_BLOCK + worker}.{number}."


def write_small_fleet(folder: Path, block: str, change: Change | None = None) -> Path:
    """Write the fleet file `folder`/app.yaml, after `change` has had its way with it.

    Two servers with different users, ports and limits; four sites, one of them without a mirror and one with three
    names; one update server, and a public name server of each software.
    """
    tree = _tree(block)
    if change is not None:
        change(tree)
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "app.yaml"
    YAML().dump(tree, file)
    return file


def _tree(block: str) -> dict[str, Any]:
    return {
        "fleet": "small",
        "timezone": "Europe/Oslo",
        "slack": {
            "ops_channel": "C01OPS",
            "operators": ["U01ALICE", "U02BOB"],
            "approvers": ["U02BOB", "U03CAROL"],
            "approvals_needed": 1,
            "approval_ttl": "10m",
        },
        "servers": {
            "oslo": {
                "location": "Oslo",
                "ipv4": f"{block}1",
                "ssh": {"user": "web", "port": 2222, "key": "file:keys/bot", "known_hosts": "keys/known_hosts"},
                "peer": {
                    "key": "/srv/oslo/keys/peer",
                    "known_hosts": "/srv/oslo/keys/known_hosts",
                    "limited_to": "/srv/oslo/www",
                },
                "web": {"http": 8080},
                "status_page": {"root": "/srv/oslo/status", "url": f"http://{block}1:8080/"},
            },
            "lima": {
                "location": "Lima",
                "ipv4": f"{block}2",
                "ssh": {"user": "deploy", "port": 2022, "key": "file:keys/bot", "known_hosts": "keys/known_hosts"},
                "peer": {"key": "/srv/lima/keys/peer", "known_hosts": "/srv/lima/keys/known_hosts"},
                "web": {"http": 8081},
            },
        },
        "sites": {
            "fjord.example": _site("oslo", ["lima"], "fjord.example", "www.fjord.example", "shop.fjord.example"),
            "ski.example": _site("oslo", ["lima"], "ski.example"),
            "ceviche.example": _site("lima", ["oslo"], "ceviche.example"),
            "attic.example": _site("oslo", [], "attic.example"),
        },
        "dns": {
            "update": [{"address": f"{block}20", "port": 5300}],
            "tsig": {"name": "bot-update", "algorithm": "hmac-sha256", "secret": "env:SHARPNET_TSIG"},
            "nameservers": {
                "ns1": {"address": f"{block}11", "port": 5300, "location": "Oslo"},
                "ns2": {"address": f"{block}12", "port": 5300, "location": "Lima"},
                "ns3": {"address": f"{block}13", "port": 5300, "location": "Kyoto"},
            },
            "zones": ["fjord.example", "ski.example", "ceviche.example", "attic.example"],
            "max_ttl": 300,
        },
        "watch": {"every": "1s", "retry": "200ms", "timeout": "1s", "down_after": 2, "up_after": 2},
        "schedule": {"sync": "0 3 * * *"},
        "sync": {"max_delete": "25%", "keep_replaced": "14d", "parallel": 4},
    }


def _site(home: str, mirrors: list[str], *names: str) -> dict[str, Any]:
    return {
        "home": home,
        "mirrors": mirrors,
        "names": list(names),
        "root": f"/srv/{{server}}/www/{names[0]}",
        "check": {"path": "/", "status": 200, "contains": f"Welcome to {names[0]}"},
        "sync": "daily",
        "max_age": "26h",
    }

"""Copies of databases between real servers of both engines: one lab a worker, a site of its own a test."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from sync.conftest import rig
from sync.rig import SharedLab, lab_to_share

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["rig"]

SITES = 22
ODD = "odd.ski.example"
POSTGRES = {"engine": "postgresql", "socket": "/run/{server}-postgresql"}
NAMED = {"engine": "mysql", "socket": "/run/{server}.sock", "user": "brien", "password": "file:keys/named"}


def with_databases(tree: dict[str, Any]) -> None:
    """Give the fleet sites with a database of either engine, and one whose user has a password and an odd name."""
    for number in range(SITES):
        name = f"oslo-{number}.ski.example"
        tree["sites"][name] = {
            "home": "oslo",
            "mirrors": ["lima"],
            "names": [name],
            "root": f"/srv/{{server}}/www/{name}",
            "databases": [{"engine": "mariadb", "name": f"d{number}"}, {**POSTGRES, "name": f"d{number}"}],
        }
    tree["sites"]["fjord.example"]["databases"] = [{"engine": "mariadb", "name": "dock"}]
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


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SharedLab]:
    """Bring up a lab whose sites are given out one a test."""
    with lab_to_share(tmp_path_factory.mktemp("lab"), with_databases) as shared:
        yield shared

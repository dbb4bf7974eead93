"""The product's own view of a lab's DNS: its fleet, and the adapter that reads and changes its zones."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from ruamel.yaml import YAML

from core.fleet import DnsSettings, Endpoint, Fleet, NameServer, SecretRef, Server, Site, SshLogin, Tsig
from lab import Lab
from ops.dns import open_dns

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ops.contracts import Dns

KEY = Tsig("bot-update", "hmac-sha256", SecretRef("env", "SHARPNET_TSIG"))

# What a zone may hold besides: an alias, a wildcard, mail, text, capitals, and more than a datagram takes.
MORE = {
    "fjord.example": [
        "alias 300 CNAME WWW.Fjord.Example.",
        "*.wild 300 A 192.0.2.9",
        "@ 300 MX 10 Mail",
        'txt 300 TXT "two words" "Second"',
        "mail 3600 A 192.0.2.25",
        "mail 3600 AAAA 2001:db8::25",
        *(f"many 300 A 192.0.2.{number}" for number in range(1, 91)),
    ]
}


class View:
    """A lab as the product sees it."""

    def __init__(self, lab: Lab, fleet_file: Path) -> None:
        self.lab = lab
        self.fleet = _fleet(fleet_file)
        self.primary = self.fleet.dns.update[0]
        self.dns = self.open()

    def open(self, *, tsig: Tsig | None = KEY, secret: str | None = None) -> Dns:
        """Open the adapter, with another key or secret, or with none."""
        fleet = replace(self.fleet, dns=replace(self.fleet.dns, tsig=tsig))
        return open_dns(fleet, lambda ref: secret if secret is not None else self.lab.env[ref.where])

    def at(self, nameserver: str) -> Endpoint:
        """Say where a public name server is."""
        return next(server.endpoint for server in self.fleet.dns.nameservers if server.name == nameserver)

    def by_hand(self, zone: str, *commands: str) -> None:
        """Change a zone as a person would, with another key than the bot's."""
        self.lab.nsupdate(zone, commands)

    def held(self, name: str, kind: str = "A") -> list[str]:
        """Ask the update server, past the product."""
        return self.lab.query("primary", name, kind)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory, small_fleet: object) -> Iterator[View]:
    """Give a file of tests one lab, whose servers none of them breaks; each changes names of its own."""
    fleet_file = small_fleet(tmp_path_factory.mktemp("dns"))
    with Lab(fleet_file, fleet_file.parent / ".lab", records=MORE) as lab:
        yield View(lab, fleet_file)


@pytest.fixture
def own(tmp_path: Path, small_fleet: object, start_lab: object) -> View:
    """Give one test a lab of its own, to break as it likes."""
    fleet_file = small_fleet(tmp_path)
    return View(start_lab(fleet_file), fleet_file)


def _fleet(file: Path) -> Fleet:
    tree = YAML(typ="safe", pure=True).load(file)
    ssh = SshLogin("nobody", 22, SecretRef("env", "NONE"), "/dev/null")
    told = tree["dns"]
    return Fleet(
        name=tree["fleet"],
        timezone="UTC",
        servers={
            name: Server(name, server["location"], ssh, server.get("ipv4"), server.get("ipv6"))
            for name, server in tree["servers"].items()
        },
        sites={
            name: Site(name, site["home"], tuple(site["mirrors"]), tuple(site["names"]), site["root"])
            for name, site in tree["sites"].items()
        },
        dns=DnsSettings(
            update=tuple(Endpoint(**server) for server in told["update"]),
            nameservers=tuple(
                NameServer(name, Endpoint(server["address"], server["port"]), server["location"])
                for name, server in told["nameservers"].items()
            ),
            zones=tuple(told["zones"]),
            tsig=KEY,
            max_ttl_s=told["max_ttl"],
        ),
    )

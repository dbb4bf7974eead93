"""What the three name-server softwares have in common, and BIND, which is the primary as well.

The settings decide how fast all servers agree: with BIND's own, a change of a hundred zones takes half a minute.
"""

import ipaddress
from dataclasses import dataclass
from pathlib import Path

from lab import programs
from lab.fleet import EndpointSpec
from lab.init import DaemonSpec
from lab.root_folder import INSIDE


@dataclass(frozen=True, slots=True)
class Key:
    """A TSIG key (RFC 8945); the secret is base64."""

    name: str
    algorithm: str
    secret: str


@dataclass(frozen=True, slots=True)
class Primary:
    """A name server that takes signed updates, and tells `secondaries` about them."""

    at: EndpointSpec
    secondaries: tuple[EndpointSpec, ...]
    zone_files: dict[str, str]
    transfer: Key
    updaters: tuple[Key, ...]


@dataclass(frozen=True, slots=True)
class Secondary:
    """A public name server, which has its zones from `source`, and takes NOTIFY from there and from `notifiers`."""

    at: EndpointSpec
    source: EndpointSpec
    zones: tuple[str, ...]
    transfer: Key
    notifiers: tuple[Key, ...]


def is_ipv6(address: str) -> bool:
    """Say which of the two kinds of address it is."""
    return ipaddress.ip_address(address).version == 6  # noqa: PLR2004 -- that is the version's name


def bind_primary(folder: Path, role: Primary) -> DaemonSpec:
    """Write BIND's configuration as a primary, and the zones that it does not have yet."""
    for zone, text in role.zone_files.items():
        file = folder / "zones" / f"{zone}.db"
        if not file.exists():
            programs.write(file, text)
    updaters = "".join(f'key "{key.name}"; ' for key in role.updaters)
    told = "".join(f'{to.address} port {to.port} key "{role.transfer.name}"; ' for to in role.secondaries)
    zones = [
        f'zone "{zone}" {{ type primary; file "{INSIDE}/zones/{zone}.db"; allow-update {{ {updaters}}}; }};'
        for zone in role.zone_files
    ]
    options = [
        *_bind_sources(role.at, role.secondaries[:1]),
        f"notify {'explicit' if told else 'no'};",
        f"also-notify {{ {told}}};" if told else "",
        f'allow-transfer {{ key "{role.transfer.name}"; {updaters}}};',
        "provide-ixfr yes; max-journal-size 1m; notify-delay 0; notify-rate 10000; startup-notify-rate 10000;",
        "serial-query-rate 10000; transfers-out 1000; tcp-clients 2000; update-quota 1000; tcp-listen-queue 1000;",
    ]
    return _bind(folder, role.at, (role.transfer, *role.updaters), options, zones)


def bind_secondary(folder: Path, role: Secondary) -> DaemonSpec:
    """Write BIND's configuration as a secondary."""
    (folder / "zones").mkdir(parents=True, exist_ok=True)
    source = f'{role.source.address} port {role.source.port} key "{role.transfer.name}"'
    told_by = "".join(f'key "{key.name}"; ' for key in (role.transfer, *role.notifiers))
    zones = [
        f'zone "{zone}" {{ type secondary; file "{INSIDE}/zones/{zone}.db"; primaries {{ {source}; }}; '
        f"allow-notify {{ {told_by}}}; }};"
        for zone in role.zones
    ]
    options = [
        *_bind_sources(role.at, (role.source,)),
        "allow-transfer { none; }; notify no; notify-delay 0; tcp-clients 1000;",
        "transfers-in 500; transfers-per-ns 500; serial-query-rate 10000;",
    ]
    return _bind(folder, role.at, (role.transfer, *role.notifiers), options, zones)


def _bind(folder: Path, at: EndpointSpec, keys: tuple[Key, ...], options: list[str], zones: list[str]) -> DaemonSpec:
    listen = f"port {at.port} {{ {at.address}; }}"
    v4, v6 = ("{ none; }", listen) if is_ipv6(at.address) else (listen, "{ none; }")
    lines = [
        *(f'key "{key.name}" {{ algorithm {key.algorithm}; secret "{key.secret}"; }};' for key in keys),
        "controls { };",
        "logging {",
        "  channel own {",
        f'    file "{INSIDE}/log/named-detail.log" versions 2 size 20m;',
        "    print-time iso8601; print-category yes; severity info;",
        "  };",
        "  category default { own; }; category queries { null; }; category lame-servers { null; };",
        "};",
        "options {",
        f'  directory "{INSIDE}"; pid-file "{INSIDE}/named.pid"; session-keyfile "{INSIDE}/session.key";',
        f'  managed-keys-directory "{INSIDE}"; listen-on {v4}; listen-on-v6 {v6};',
        "  recursion no; dnssec-validation no; empty-zones-enable no; minimal-responses yes;",
        *(f"  {option}" for option in options),
        "};",
        *zones,
    ]
    programs.write(folder / "named.conf", "\n".join(lines) + "\n")
    family = "-6" if is_ipv6(at.address) else "-4"
    argv = [programs.copy_into(folder, "named"), "-f", family, "-n", "1", "-c", f"{INSIDE}/named.conf"]
    return {"name": "named", "argv": argv, "environ": {}}


def _bind_sources(at: EndpointSpec, others: tuple[EndpointSpec, ...]) -> list[str]:
    """Bind outgoing traffic to the server's own address: otherwise it walks around being cut off."""
    if not all(is_ipv6(other.address) == is_ipv6(at.address) for other in others):
        return []
    suffix = "-v6" if is_ipv6(at.address) else ""
    return [f"notify-source{suffix} {at.address}; transfer-source{suffix} {at.address};"]

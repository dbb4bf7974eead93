"""Writes the zones as they are before anything happened: every site's names at its home."""

from collections.abc import Iterator, Mapping, Sequence

from lab.errors import FleetFileError
from lab.fleet import FleetSpec
from lab.fleet_reading import ascii_name

ExtraRecords = Mapping[str, Sequence[str]]
"""More records a zone, as lines of a zone file: {"garden.example": ["ftp 300 A 127.10.0.1"]}."""

# A domain that nobody can have (RFC 6761), so that a zone holds no addresses but its sites'.
_OUTSIDE = "lab.invalid."
_FIRST_SERIAL = 1
_REFRESH_S, _RETRY_S, _EXPIRE_S = 3600, 900, 1209600


def zone_files(fleet: FleetSpec, extra: ExtraRecords) -> dict[str, str]:
    """Give each zone's text (RFC 1035, section 5), by its name, in the fleet file's order."""
    unknown = sorted(set(map(ascii_name, extra)) - set(fleet.zones))
    if unknown:
        raise FleetFileError(f"more records for {', '.join(unknown)}, which is none of dns.zones")
    lines: dict[str, list[str]] = {zone: _head(fleet, zone) for zone in fleet.zones}
    for site in fleet.sites.values():
        home = fleet.servers[site.home]
        for name in site.names:
            for address in home.addresses:
                kind = "AAAA" if ":" in address else "A"
                lines[fleet.zone_of(name)].append(f"{name}. {fleet.max_ttl_s} IN {kind} {address}")
    for owner, text in _exchangers(fleet):
        lines[fleet.zone_of(owner)].append(f"{owner}. {fleet.max_ttl_s} IN {text}")
    for zone, records in extra.items():
        lines[ascii_name(zone)] += records
    return {zone: "\n".join(text) + "\n" for zone, text in lines.items()}


def _exchangers(fleet: FleetSpec) -> Iterator[tuple[str, str]]:
    """Yield the MX records of the mail domains that lie in a zone, and the addresses of the names in them."""
    of_sites = {name for site in fleet.sites.values() for name in site.names}
    named: set[str] = set()
    for domain in fleet.mail_domains:
        if not _is_ours(domain.name, fleet):
            continue
        for place, server in enumerate(domain.exchangers, start=1):
            name = fleet.exchanger_name(server, domain.name)
            yield domain.name, f"MX {10 * place} {name}."
            if _is_ours(name, fleet) and name not in named | of_sites:
                named.add(name)
                for address in fleet.servers[server].addresses:
                    yield name, f"{'AAAA' if ':' in address else 'A'} {address}"


def _is_ours(name: str, fleet: FleetSpec) -> bool:
    return any(name == zone or name.endswith("." + zone) for zone in fleet.zones)


def _head(fleet: FleetSpec, zone: str) -> list[str]:
    times = f"{_FIRST_SERIAL} {_REFRESH_S} {_RETRY_S} {_EXPIRE_S} {fleet.max_ttl_s}"
    return [
        f"$ORIGIN {zone}.",
        f"$TTL {fleet.max_ttl_s}",
        f"@ IN SOA primary.{_OUTSIDE} hostmaster.{_OUTSIDE} {times}",
        *(f"@ IN NS {_nameserver_name(name)}" for name in fleet.nameservers),
    ]


def _nameserver_name(name: str) -> str:
    return f"{ascii_name(name)}." if "." in name else f"{ascii_name(name)}.{_OUTSIDE}"

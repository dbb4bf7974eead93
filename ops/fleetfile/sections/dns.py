"""The section `dns`."""

from pathlib import Path

from pydantic import Field

from core.fleet import DnsSettings, Endpoint, NameServer, Tsig
from ops.fleetfile import fields as f
from ops.fleetfile.places import secret_in
from ops.fleetfile.sections.section import Section, default

HIGHEST_TTL_S = 86_400


class EndpointSection(Section):
    """An address and a port of DNS."""

    address: f.Ip = Field(description="Its IPv4 or IPv6 address.")
    port: f.Port = default(Endpoint, "port", "Its port.")


class NameServerSection(EndpointSection):
    """One of the public name servers."""

    location: f.LabelText | None = Field(default=None, description="Where it stands, for people; its name if left out.")


class TsigSection(Section):
    """The key that signs updates and transfers."""

    name: f.ZoneName = Field(description="The key's name, as the update server has it.")
    algorithm: f.Algorithm = Field(description="Its algorithm.")
    secret: f.Secret = Field(description="Where its secret (base64) is.")


class DnsSection(Section):
    """Where the zones are changed and answered."""

    update: list[EndpointSection] = Field(
        min_length=1, description="Where signed updates (RFC 2136) go; each gets its own."
    )
    tsig: TsigSection | None = Field(
        default=None, description="The key that signs them; left out: they are not signed."
    )
    nameservers: dict[f.ServerName, NameServerSection] = Field(
        min_length=1, description="The public name servers by name, all of which must answer alike."
    )
    zones: list[f.ZoneName] = Field(min_length=1, description="The zones that hold the sites' names.")
    max_ttl: int = Field(
        default=DnsSettings((), (), ()).max_ttl_s,
        ge=1,
        le=HIGHEST_TTL_S,
        description="The longest TTL, in seconds, of a record that fails over.",
    )
    agree_within: f.Duration = default(
        DnsSettings, "agree_within", "How long a cutover waits for all name servers to agree before it ends unfinished."
    )
    rollback_within: f.Duration = default(DnsSettings, "rollback_within", "How long a cutover can be rolled back.")
    answer_within: f.Duration | None = Field(
        default=None, description="A name server that takes longer to answer is degraded; left out: any time."
    )
    open_transfers: bool = default(
        DnsSettings,
        "open_transfers",
        "Whether name servers may let anybody transfer a zone; no: such a one is degraded.",
    )


def dns_from(dns: DnsSection, folder: Path) -> DnsSettings:
    """Return where the zones are changed and answered."""
    tsig = dns.tsig
    return DnsSettings(
        update=tuple(Endpoint(endpoint.address, endpoint.port) for endpoint in dns.update),
        nameservers=tuple(
            NameServer(name, Endpoint(server.address, server.port), server.location or name)
            for name, server in dns.nameservers.items()
        ),
        zones=tuple(dns.zones),
        tsig=Tsig(tsig.name, tsig.algorithm, secret_in(tsig.secret, folder)) if tsig else None,
        max_ttl_s=dns.max_ttl,
        agree_within=dns.agree_within,
        rollback_within=dns.rollback_within,
        answer_within=dns.answer_within,
        open_transfers=dns.open_transfers,
    )

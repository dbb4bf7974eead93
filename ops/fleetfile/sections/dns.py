"""The section `dns`."""

from dataclasses import MISSING, fields
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, get_type_hints

from pydantic import Field, ValidationInfo, WithJsonSchema, create_model, field_validator
from pydantic_core import PydanticKnownError

from core.fleet import DnsSettings, Endpoint, NameServer, SecretRef, Tsig
from ops.dns import all_backends
from ops.fleetfile import fields as f
from ops.fleetfile.places import secret_in
from ops.fleetfile.sections.section import Section, default
from ops.fleetfile.wrong import Wrong

HIGHEST_TTL_S = 86_400
_READ_AS: dict[object, object] = {
    SecretRef: f.Secret,
    SecretRef | None: f.Secret | None,
    timedelta: f.Duration,
    timedelta | None: f.Duration | None,
}


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

    backend: f.BackendName = default(DnsSettings, "backend", "The way in which zones are changed.")
    provider: Annotated[Any, WithJsonSchema({"anyOf": [{"type": "object"}, {"type": "null"}]})] = Field(
        default=None, description="The backend's own settings; rfc2136 has none."
    )
    update: list[EndpointSection] = Field(
        default_factory=list, description="Where signed updates (RFC 2136) go; each gets its own."
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

    @field_validator("provider")
    @classmethod
    def _as_its_backend_reads_it(cls, value: object, info: ValidationInfo) -> object:
        section = provider_section(info.data.get("backend"))
        if section is not None:
            return section.model_validate({} if value is None else value)
        if value is not None and "backend" in info.data:
            raise Wrong(f"{info.data['backend']} has no settings", "Leave it out.")
        return None

    @field_validator("update")
    @classmethod
    def _where_the_backend_needs_it(cls, value: list[EndpointSection], info: ValidationInfo) -> list[EndpointSection]:
        if not value and "backend" in info.data and all_backends()[info.data["backend"]].update is None:
            raise PydanticKnownError("missing")
        return value


def provider_section(backend: object) -> type[Section] | None:
    """Return what reads `dns.provider` for `backend`: its own settings as keys. None: it has none, or is not there."""
    found = all_backends().get(str(backend))
    if found is None or found.settings is None:
        return None
    kinds = get_type_hints(found.settings)
    keys: dict[str, Any] = {
        key.name: (
            _READ_AS.get(kinds[key.name], kinds[key.name]),
            ... if key.default is MISSING else default(found.settings, key.name, ""),
        )
        for key in fields(found.settings)
    }
    return create_model(found.settings.__name__, __base__=Section, **keys)


def dns_from(dns: DnsSection, folder: Path) -> DnsSettings:
    """Return where the zones are changed and answered."""
    tsig, backend = dns.tsig, all_backends()[dns.backend]
    return DnsSettings(
        update=tuple(Endpoint(endpoint.address, endpoint.port) for endpoint in dns.update)
        or ((backend.update,) if backend.update else ()),
        nameservers=tuple(
            NameServer(name, Endpoint(server.address, server.port), server.location or name)
            for name, server in dns.nameservers.items()
        ),
        zones=tuple(dns.zones),
        tsig=Tsig(tsig.name, tsig.algorithm, secret_in(tsig.secret, folder)) if tsig else None,
        backend=backend.name,
        provider={
            key: secret_in(value, folder) if isinstance(value, SecretRef) else value
            for key, value in dns.provider or ()
        },
        max_ttl_s=dns.max_ttl,
        agree_within=dns.agree_within,
        rollback_within=dns.rollback_within,
        answer_within=dns.answer_within,
        open_transfers=dns.open_transfers,
    )

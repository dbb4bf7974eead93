"""The section `dns`."""

from dataclasses import fields
from datetime import timedelta
from typing import Annotated, Any, get_type_hints

from pydantic import ValidationInfo, WithJsonSchema, create_model, field_validator
from pydantic_core import PydanticKnownError

from core.fleet import DnsSettings, Endpoint, NameServer, SecretRef, Tsig
from ops.dns import all_backends
from ops.fleetfile import fields as f
from ops.fleetfile.sections.section import Section, setting
from ops.fleetfile.wrong import Wrong

_READ_AS: dict[object, object] = {
    SecretRef: f.Secret,
    SecretRef | None: f.Secret | None,
    timedelta: f.Duration,
    timedelta | None: f.Duration | None,
}


class EndpointSection(Section, makes=Endpoint):
    """An address and a port of DNS."""

    address: f.Ip = setting("Its IPv4 or IPv6 address.")
    port: f.Port = setting("Its port.")


class NameServerSection(EndpointSection):
    """One of the public name servers."""

    location: f.LabelText | None = setting("Where it stands, for people; its name if left out.", default=None)

    def made(self, **named: str) -> NameServer:
        """Return the name server of this name."""
        return NameServer(named["name"], Endpoint(self.address, self.port), self.location or named["name"])


class TsigSection(Section, makes=Tsig):
    """The key that signs updates and transfers."""

    name: f.ZoneName = setting("The key's name, as the update server has it.")
    algorithm: f.Algorithm = setting("Its algorithm.")
    secret: f.Secret = setting("Where its secret (base64) is.")


class DnsSection(Section, makes=DnsSettings):
    """Where the zones are changed and answered."""

    backend: f.BackendName = setting("The way in which zones are changed.")
    provider: Annotated[Any, WithJsonSchema({"anyOf": [{"type": "object"}, {"type": "null"}]})] = setting(
        "The backend's own settings; rfc2136 has none.", default=None
    )
    update: list[EndpointSection] = setting(
        "Where signed updates (RFC 2136) go; each gets its own.", default_factory=list
    )
    tsig: TsigSection | None = setting("The key that signs them; left out: they are not signed.")
    nameservers: dict[f.ServerName, NameServerSection] = setting(
        "The public name servers by name, all of which must answer alike.", min_length=1
    )
    zones: list[f.ZoneName] = setting("The zones that hold the sites' names.", min_length=1)
    max_ttl: int = setting(
        "The longest TTL, in seconds, of a record that fails over.",
        default=DnsSettings((), (), ()).max_ttl_s,
        ge=1,
        le=86_400,
    )
    agree_within: f.Duration = setting(
        "How long a cutover waits for all name servers to agree before it ends unfinished."
    )
    rollback_within: f.Duration = setting("How long a cutover can be rolled back.")
    answer_within: f.Duration | None = setting(
        "A name server that takes longer to answer is degraded; left out: any time."
    )
    open_transfers: bool = setting("Whether name servers may let anybody transfer a zone; no: such a one is degraded.")

    @field_validator("provider")
    @classmethod
    def _as_its_backend_reads_it(cls, value: object, info: ValidationInfo) -> object:
        section = provider_section(info.data.get("backend"))
        if section is not None:
            return section.model_validate({} if value is None else value, context=info.context)
        if value is not None and "backend" in info.data:
            raise Wrong(f"{info.data['backend']} has no settings", "Leave it out.")
        return None

    @field_validator("update")
    @classmethod
    def _where_the_backend_needs_it(cls, value: list[EndpointSection], info: ValidationInfo) -> list[EndpointSection]:
        if not value and "backend" in info.data and all_backends()[info.data["backend"]].update is None:
            raise PydanticKnownError("missing")
        return value

    def values(self) -> dict[str, Any]:
        """Return where the zones are changed and answered."""
        values, update = super().values(), all_backends()[self.backend].update
        values["update"] = values["update"] or ((update,) if update else ())
        values["nameservers"] = tuple(values["nameservers"].values())
        values["provider"] = values["provider"] or {}
        values["max_ttl_s"] = values.pop("max_ttl")
        return values


def provider_section(backend: object) -> type[Section] | None:
    """Return what reads `dns.provider` for `backend`: its own settings as keys. None: it has none, or is not there."""
    found = all_backends().get(str(backend))
    if found is None or found.settings is None:
        return None
    kinds = get_type_hints(found.settings)
    keys: dict[str, Any] = {
        key.name: (_READ_AS.get(kinds[key.name], kinds[key.name]), setting("", key.default))
        for key in fields(found.settings)
    }
    return create_model(found.settings.__name__, __base__=Section, **keys)

"""The types of the file's values: how each is read, and how the JSON schema describes it to an editor."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo, WithJsonSchema

from core.fleet import SecretRef
from core.fleet.raw_tree import did_you_mean
from core.fleet.servers import ROOTS
from core.units import (
    DURATION_PATTERN,
    SHARE_PATTERN,
    SIZE_PATTERN,
    parse_duration,
    parse_share,
    parse_size,
    shown,
)
from ops.databases import all_engines
from ops.dns import all_backends
from ops.fleetfile import names, places
from ops.fleetfile.cron import cron
from ops.fleetfile.wrong import Wrong, kind_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from pydantic.config import JsonDict

EVERY_DAY = "daily"
NEVER = "off"
LOWEST_RATE = 1024


def _text(value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise Wrong(f"must be text, not {kind_of(value)}")
    return str(value)


def _secret(value: object, info: ValidationInfo[Path]) -> SecretRef:
    return places.secret_ref(value, info.context)


def _path_here(text: str, info: ValidationInfo[Path]) -> str:
    return places.path_here(text, info.context)


def _rate(text: str) -> int:
    rate = parse_size(text)
    if rate < LOWEST_RATE:
        raise Wrong(f"{shown(text)} a second is too slow to be meant", "Write bytes a second, like 500K or 10M.")
    return rate


def _time_zone(text: str) -> str:
    try:
        ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        hint = did_you_mean(text, available_timezones()) or "Write it like Europe/London, or UTC."
        raise Wrong(f"{shown(text)} is no time zone", hint) from error
    return text


def _one_of(found: Callable[[], Mapping[str, object]]) -> Callable[[str], str]:
    """Return what reads the name of one of those that are `found`."""

    def read(text: str) -> str:
        if text not in found():
            raise Wrong(f"must be one of {', '.join(map(repr, found()))}", did_you_mean(text, found()))
        return text

    return read


def _strong(algorithm: object) -> object:
    # RFC 8945, section 6: nobody may use MD5 any more, and SHA-1 is advised against.
    if isinstance(algorithm, str) and algorithm.startswith(("hmac-md5", "hmac-sha1")):
        raise Wrong(
            f"{shown(algorithm)} is too weak for a key that changes zones",
            "Make one with hmac-sha256 on the update server: `tsig-keygen -a hmac-sha256 NAME`.",
        )
    return algorithm


def _listing(found: Callable[[], Mapping[str, object]]) -> Callable[[JsonDict], None]:
    """Return what puts the names of those that are `found` into the JSON schema."""
    return lambda schema: schema.update(enum=list(found()))


def _spelled(pattern: str) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "pattern": pattern})


# Of several validators before the value's own, the last comes first.
_TEXT = BeforeValidator(_text)
Duration = Annotated[timedelta, BeforeValidator(parse_duration), _TEXT, _spelled(DURATION_PATTERN)]
Share = Annotated[float, BeforeValidator(parse_share), _TEXT, _spelled(SHARE_PATTERN)]
Rate = Annotated[int, BeforeValidator(_rate), _TEXT, _spelled(SIZE_PATTERN)]
TimeZone = Annotated[str, AfterValidator(_time_zone)]
SiteSync = Annotated[str, AfterValidator(lambda text: text if text in {EVERY_DAY, NEVER} else cron(text))]
Scheduled = Annotated[str, AfterValidator(lambda text: None if text == NEVER else cron(text))]

Secret = Annotated[SecretRef, BeforeValidator(_secret), _spelled("^(env|file):.+$")]
PathThere = Annotated[str, AfterValidator(places.path_there), Field(json_schema_extra={"pattern": "^/"})]
PeerLimit = Annotated[
    str,
    AfterValidator(lambda text: text if text == ROOTS else places.path_there(text)),
    Field(json_schema_extra={"pattern": f"^(/|{ROOTS}$)"}),
]
PathOfServer = Annotated[str, AfterValidator(places.path_of_server), Field(json_schema_extra={"pattern": "^/"})]
PathHere = Annotated[str, AfterValidator(_path_here)]
Exclude = Annotated[str, AfterValidator(places.exclude_pattern)]
Ipv4 = Annotated[str, AfterValidator(places.ipv4), Field(json_schema_extra={"format": "ipv4"})]
Ipv6 = Annotated[str, AfterValidator(places.ipv6), Field(json_schema_extra={"format": "ipv6"})]
Ip = Annotated[str, AfterValidator(places.ip)]
IpOrHost = Annotated[str, AfterValidator(places.ip_or_host)]
Url = Annotated[str, AfterValidator(places.url), Field(json_schema_extra={"pattern": "^https?://"})]
UrlPath = Annotated[str, AfterValidator(places.url_path), Field(json_schema_extra={"pattern": "^/"})]

HostName = Annotated[str, AfterValidator(names.host_name)]
ZoneName = Annotated[str, AfterValidator(names.zone_name)]
SiteName = Annotated[str, AfterValidator(names.site_name)]
LabelText = Annotated[str, AfterValidator(names.label_text)]
ServerName = Annotated[str, AfterValidator(names.server_name)]
Owner = Annotated[str, AfterValidator(names.owner)]
ShellLine = Annotated[str, AfterValidator(places.shell_line)]
Login = Annotated[str, AfterValidator(names.login)]
DatabaseName = Annotated[str, AfterValidator(names.database_name)]
SlackUser = Annotated[str, AfterValidator(names.slack_user)]
Uid = Annotated[str, AfterValidator(names.login_of_uid), Field(json_schema_extra={"pattern": "^[0-9]+$"})]
SlackPerson = Annotated[str, AfterValidator(names.slack_person)]
SlackTeam = Annotated[str, AfterValidator(names.slack_team)]
SlackEnterprise = Annotated[str, AfterValidator(names.slack_enterprise)]
SlackApp = Annotated[str, AfterValidator(names.slack_app)]
SlackChannel = Annotated[str, AfterValidator(names.slack_channel)]
MailAddress = Annotated[str, AfterValidator(names.mail_address)]
MailUser = Annotated[str, AfterValidator(names.mail_user)]

Port = Annotated[int, Field(ge=1, le=65_535)]
Count = Annotated[int, Field(ge=1, le=1000)]
Many = Annotated[int, Field(ge=1, le=1_000_000)]
AtLeastOne = Field(min_length=1)
Algorithm = Annotated[
    Literal[
        "hmac-sha256",
        "hmac-sha384",
        "hmac-sha512",
        "hmac-sha224",
        "hmac-sha256-128",
        "hmac-sha384-192",
        "hmac-sha512-256",
    ],
    BeforeValidator(_strong),
]
EngineName = Annotated[str, AfterValidator(_one_of(all_engines)), Field(json_schema_extra=_listing(all_engines))]
BackendName = Annotated[str, AfterValidator(_one_of(all_backends)), Field(json_schema_extra=_listing(all_backends))]

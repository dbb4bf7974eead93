"""What another monitoring's alerts say of this fleet: which of its machines they call down.

Alertmanager's webhook: https://prometheus.io/docs/alerting/latest/configuration/#webhook_config
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from core.fleet.target import Target

if TYPE_CHECKING:
    from core.fleet import Fleet

# Most alerts about a server (a full disk, a slow query) do not say that it does not answer; the ones that do are
# labelled so, by whoever wrote the rule.
LABEL, MEANS_DOWN = "sharpnet", "down"
SOURCE = "Alertmanager"
FIRING = "firing"
STATUSES = (FIRING, "resolved")
# Alerts about machines in one message: a fleet has some dozens of machines.
MOST = 1000
_FINGERPRINT = re.compile(r"[0-9A-Za-z_-]{0,64}")
# Who stops repeating it is not believed for ever: that monitoring may have died itself.
BELIEVED_FOR = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class ExternalAlert:
    """One alert about a machine. `source` names it for as long as it fires, `target` is a server or name server."""

    source: str
    target: Target
    firing: bool
    begun_at: datetime


def alerts_in(payload: object, fleet: Fleet, now: datetime) -> tuple[ExternalAlert, ...]:
    """Return the alerts that call a machine of the fleet down, or say that this is over; others are passed over.

    Raises ValueError where it is not what an Alertmanager sends.
    """
    alerts = payload.get("alerts") if isinstance(payload, Mapping) else None
    if not isinstance(alerts, list):
        raise ValueError("no list of alerts")  # noqa: TRY004 - it is the content that is wrong, not our types
    found = [_alert(alert, fleet, now) for alert in alerts]
    ours = tuple(one for one in found if one is not None)
    if len(ours) > MOST:
        raise ValueError(f"more than {MOST} alerts about machines")
    return ours


def _alert(alert: object, fleet: Fleet, now: datetime) -> ExternalAlert | None:
    labels = alert.get("labels") if isinstance(alert, Mapping) else None
    if not isinstance(alert, Mapping) or not isinstance(labels, Mapping):
        raise ValueError("an alert without labels")  # noqa: TRY004 - likewise
    target = target_of(labels, fleet)
    if target is None or labels.get(LABEL) != MEANS_DOWN:
        return None
    status, fingerprint = alert.get("status"), alert.get("fingerprint", "")
    if status not in STATUSES:
        raise ValueError("an alert that neither fires nor is resolved")
    if not isinstance(fingerprint, str) or not _FINGERPRINT.fullmatch(fingerprint):
        raise ValueError("an alert whose fingerprint is none")
    return ExternalAlert(f"{SOURCE}/{fingerprint}", target, status == FIRING, _moment(alert.get("startsAt"), now))


def target_of(labels: Mapping[str, object], fleet: Fleet) -> Target | None:
    """Return the machine that an alert is about: by its labels `server` or `nameserver`, else by `instance`.

    `instance` is a name or an address, with a port or a whole URL around it. None: no machine of the fleet.
    """
    server, nameserver, instance = (_text(labels.get(name)) for name in ("server", "nameserver", "instance"))
    if server in fleet.servers:
        return Target.server(server)
    nameservers = {one.name: one.endpoint.address for one in fleet.dns.nameservers}
    if nameserver in nameservers:
        return Target.nameserver(nameserver)
    host = _host(instance)
    for one in fleet.servers.values():
        if host in {one.name, one.ipv4, one.ipv6}:
            return Target.server(one.name)
    for name, address in nameservers.items():
        if host in {name, address}:
            return Target.nameserver(name)
    return None


def sources_of(reports: Sequence[str]) -> tuple[str, ...]:
    """Return who made these reports: several alerts of one monitoring are one place to look from."""
    return tuple(dict.fromkeys(report.partition("/")[0] for report in reports))


def _text(value: object) -> str:
    """Return a label's value; what is no text names nothing."""
    return value if isinstance(value, str) else ""


def _host(instance: str) -> str:
    """Return the host in `host`, `host:port`, `[v6]:port`, `v6` or a URL of one of these."""
    bare = instance.partition("://")[2] or instance
    bare = bare.partition("/")[0].lower()
    if bare.startswith("["):
        return bare[1:].partition("]")[0]
    return bare if bare.count(":") > 1 else bare.partition(":")[0]


def _moment(text: object, now: datetime) -> datetime:
    """Return when it began, where that is a moment before now; else now."""
    try:
        at = datetime.fromisoformat(_text(text))
        # A time zone can take it out of the years that there are.
        return min(at.astimezone(UTC), now) if at.tzinfo is not None else now
    except (ValueError, OverflowError):
        return now

"""What `status --json` answers: the same as the words, as plain JSON values."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.fleet.target import Target
from core.monitor.detection import TargetState
from core.monitor.state import Condition
from core.wording import stamp

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from core.fleet import Site
    from core.reply import Json
    from core.status.overview import FleetPicture


def shows(asked: Target | None, site: Site, active: Mapping[str, str]) -> bool:
    """Return whether `site` belongs to the answer; `active`: the server that each site is served from."""
    return asked is None or asked in {Target.site(site.name), Target.server(active.get(site.name, site.home))}


def status_facts(
    picture: FleetPicture,
    sites: Mapping[str, Condition],
    active: Mapping[str, str],
    newest: Mapping[tuple[str, str], datetime],
    asked: Target | None,
) -> Mapping[str, Json]:
    """Return the lists `servers`, `sites` and `nameservers`, each with `name` and `state`, and what is going on.

    newest: when the last good copy of each (site, server) began. asked: about which server, site or name server; None:
    everything.
    """
    fleet, now = picture.fleet, picture.now
    return {
        "fleet": fleet.name,
        "at": stamp(now),
        "watched": picture.watched,
        "servers": [
            {
                "name": server.name,
                **_plain(picture.servers[server.name]),
                "location": server.location,
                "address": server.address,
                "sites": picture.served.get(server.name, 0),
            }
            for server in fleet.servers.values()
            if asked in {None, Target.server(server.name)}
        ],
        "sites": [
            {
                "name": site.name,
                **_plain(sites.get(site.name, Condition())),
                "home": site.home,
                "active": active.get(site.name, site.home),
                "copies": _copies(site, active.get(site.name, site.home), newest, now),
            }
            for site in fleet.sites.values()
            if shows(asked, site, active)
        ],
        "nameservers": [
            {
                "name": server.name,
                **_plain(picture.nameservers[server.name]),
                "location": server.location,
                "address": str(server.endpoint),
                "in_step": _in_step(picture.nameservers[server.name]),
            }
            for server in fleet.dns.nameservers
            if asked in {None, Target.nameserver(server.name)}
        ],
        "outages": [
            {"id": one.id, "target": str(one.target), "acked_by": one.acked_by} for one in picture.work.outages
        ],
        "plans": [{"id": one, "state": state, "title": title} for one, state, title in picture.work.plans],
        "syncs": list(picture.work.syncs),
        "quarantined": dict(picture.work.quarantined),
    }


def _plain(one: Condition) -> dict[str, Json]:
    return {
        "state": one.state.value,
        "since_at": stamp(one.since_at) if one.since_at is not None else None,
        "seen_at": stamp(one.seen_at) if one.seen_at is not None else None,
        "why": one.why,
    }


def _in_step(one: Condition) -> bool | None:
    """Return whether it answers what the zone has; None: it does not answer, so nobody can say."""
    return {TargetState.UP: True, TargetState.DEGRADED: False}.get(one.state)


def _copies(site: Site, active: str, newest: Mapping[tuple[str, str], datetime], now: datetime) -> list[Json]:
    found: list[Json] = []
    for server in site.servers:
        if server != active:
            at = newest.get((site.name, server))
            found.append({"server": server, "age_s": (now - at).total_seconds() if at is not None else None})
    return found

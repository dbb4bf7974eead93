"""What `status --json` answers: the same as the words, as plain JSON values."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.fleet.target import Target
from core.monitor.detection import TargetState
from core.monitor.state import Condition
from core.wording import stamp, stamp_or_none

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from core.fleet import Site
    from core.reply import Json
    from core.status.overview import FleetPicture

# Whether it answers what the zone has. In no other state it answers, so nobody can say.
_IN_STEP = {TargetState.UP: True, TargetState.DEGRADED: False}


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
                "in_step": _IN_STEP.get(picture.nameservers[server.name].state),
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
        "since_at": stamp_or_none(one.since_at),
        "seen_at": stamp_or_none(one.seen_at),
        "why": one.why,
    }


def _copies(site: Site, active: str, newest: Mapping[tuple[str, str], datetime], now: datetime) -> list[Json]:
    ages = {server: now - at for server in site.servers if (at := newest.get((site.name, server))) is not None}
    return [
        {"server": server, "age_s": ages[server].total_seconds() if server in ages else None}
        for server in site.servers
        if server != active
    ]

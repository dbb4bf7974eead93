"""`status`: how the fleet, a server, a site or a name server is, from what was last seen.

Answers from the store, without touching the network. Only where no bot watches, the terminal looks for itself.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from commands import Command, Request, argument
from commands.sites import copy_of
from core.fleet.lookup import target_named
from core.monitor.state import Condition
from core.reply import Text, Tone
from core.status.detail import nameserver_reply, server_reply, site_reply
from core.status.overview import status_reply
from core.status.overview_json import shows, status_facts
from core.status.plot import SPAN, first_slot, latency_plot, uptime_plot
from core.status.sites import SiteProtection
from core.store_doubt import with_doubt
from ops.gather.fleet_changed import why_fleet_is_older
from ops.gather.fleet_picture import is_watched, looked_picture, site_conditions, stored_picture

if TYPE_CHECKING:
    from collections.abc import Mapping

    from core.fleet.target import Target
    from core.reply import Json, Part, Reply
    from core.status.overview import FleetPicture
    from ops.ports import Ports


async def run(request: Request, ports: Ports) -> Reply:
    """Answer for the whole fleet, or for what was named."""
    name: str | None = request.options.name
    asked = target_named(name, ports.fleet) if name is not None else None
    kind, found = asked if asked is not None else ("", "")
    all_sites = bool(getattr(request.options, "json", False)) or kind == "server"
    if request.person.via == "terminal" and not await is_watched(ports):
        picture, sites, active = await looked_picture(ports, found)
    else:
        picture = await stored_picture(ports)
        sites = await site_conditions(ports, None if all_sites else [found] if kind == "site" else [])
        active = await ports.store.copies.active() if all_sites else await ports.store.states.served_from(sites)
    if kind == "server":
        reply = _server(found, picture, sites, active)
    elif kind == "site":
        reply = await _site(ports, found, sites.get(found, Condition()), active)
    elif kind == "nameserver":
        server = next(one for one in ports.fleet.dns.nameservers if one.name == found)
        reply = nameserver_reply(server, picture.nameservers[found], ports.fleet.timezone, picture.now)
    else:
        doubt = await ports.store.identity.doubt()
        reply = with_doubt(status_reply(picture), doubt.why if doubt is not None else "")
        older = await why_fleet_is_older(ports)
        reply = replace(reply, parts=(*reply.parts, *((Text(older, Tone.WARN),) if older else ())))
    if asked is not None:
        reply = replace(reply, parts=(*reply.parts, *await _plots(ports, asked)))
    facts = await _facts(ports, picture, sites, active, asked) if getattr(request.options, "json", False) else None
    return replace(reply, facts=facts)


def _server(name: str, picture: FleetPicture, sites: Mapping[str, Condition], active: Mapping[str, str]) -> Reply:
    fleet = picture.fleet
    here = {
        site.name: sites.get(site.name, Condition(why="not looked at"))
        for site in fleet.sites.values()
        if active.get(site.name, site.home) == name
    }
    held = sum(name in site.servers and site.name not in here for site in fleet.sites.values())
    return server_reply(fleet.servers[name], picture.servers[name], here, held, fleet.timezone, picture.now)


async def _site(ports: Ports, name: str, one: Condition, active: Mapping[str, str]) -> Reply:
    site = ports.fleet.sites[name]
    serving = active.get(name, site.home)
    pairs = [(name, server) for server in site.servers if server != serving]
    newest = await ports.store.states.newest_good(pairs)
    quarantined = await ports.store.copies.quarantined()
    compared, now = await ports.store.protection.compared(), ports.clock.now()
    copies = tuple(
        copy_of(site, pair[1], now, newest.get(pair), compared.get(pair), quarantined=pair in quarantined)
        for pair in pairs
    )
    kept = SiteProtection(site, serving, copies, (await ports.store.protection.backed_up()).get(name))
    return site_reply(kept, one, ports.fleet.timezone, now, offsite=ports.fleet.offsite is not None)


async def _plots(ports: Ports, target: Target) -> tuple[Part, ...]:
    """Return when it was up and how fast it answered, as the bot's watch saw it."""
    now = ports.clock.now()
    uptime = uptime_plot((await ports.store.history.stretches([target], now - SPAN)).get(target, ()), now)
    latency = latency_plot(await ports.store.latencies.of(target, first_slot(now)), now)
    return (uptime,) if latency is None else (uptime, latency)


async def _facts(
    ports: Ports, picture: FleetPicture, sites: Mapping[str, Condition], active: Mapping[str, str], asked: Target | None
) -> Mapping[str, Json]:
    fleet = ports.fleet
    pairs = [
        (site.name, server) for site in fleet.sites.values() if shows(asked, site, active) for server in site.servers
    ]
    newest = await ports.store.states.newest_good(pairs)
    return status_facts(picture, sites, active, newest, asked)


COMMAND = Command(
    name="status",
    summary="current status: servers, sites, copies, name servers, and what is in progress",
    run=run,
    arguments=(argument("name", nargs="?", metavar="SERVER or SITE", help="only this server, site or name server"),),
    epilog="Exit code 0: everything asked about is seen to be up. 1: something is down, degraded or unknown.",
    examples=("status", "status SERVER", "status SITE", "status --json"),
    answers_json=True,
)

"""The status pages: drawn from what the store holds, or from a quick look where no bot watches, and put on servers."""

from __future__ import annotations

import ipaddress
import posixpath
from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from core.fleet.target import Target
from core.incident.maintenance import Phase, covers
from core.monitor.detection import TargetState
from core.monitor.state import Condition, condition, stale_after, tally_of, worst_first
from core.page.days import DAYS
from core.page.events import incident_of, work_of_maintenance, work_of_plan
from core.page.model import INCIDENTS, SITES, Page, PageTarget
from core.page.redaction import Redaction, plain
from core.plan.plan import PlanState
from ops.gather.anchors import record_end
from ops.gather.fleet_picture import is_watched, looked_picture, sites_served
from ops.gather.pages.past import PastDays

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from core.fleet import Fleet, Server
    from core.incident.maintenance import Maintenance
    from core.monitor.state import StateTally
    from core.page.model import PageIncident, PlannedWork
    from ops.gather.pages.drawing import SharedDrawing
    from ops.ports import Ports

WORK_SHOWN_FOR = timedelta(days=14)
MOST_WORK = 30
MOST_OUTAGES = 500


@dataclass(frozen=True, slots=True)
class PageFacts:
    """How everything is: machines and sites by name, where sites are served from, and how many are in which state."""

    servers: Mapping[str, Condition]
    sites: Mapping[str, Condition]
    active: Mapping[str, str]
    tally: StateTally
    nameservers: StateTally


async def current_page(ports: Ports) -> Page:
    """Return the page as it is now: from the store where a bot watches; else all is looked at once, just now."""
    if await is_watched(ports):
        return await stored_page(ports)
    return await _page(ports, await _looked(ports))


async def stored_page(ports: Ports) -> Page:
    """Return the page from what the store holds, without the past days: what can be compared with an earlier one."""
    return await _page(ports, await _stored(ports))


async def with_days(ports: Ports, page: Page) -> Page:
    """Return the page with how everything on it was on each of the last days."""
    return await PastDays(ports).onto(page)


async def put_page(ports: Ports, drawing: SharedDrawing, server: str, *, timeout_s: float) -> None:
    """Put the page on a server that has one, each file whole or not at all. Raises as `Ssh.put` does."""
    where = ports.fleet.servers[server].status_page
    if where is None:
        return
    paths = {posixpath.join(where.root, name): content for name, content in drawing.files(server).items()}
    await ports.ssh.put(server, paths, timeout_s=timeout_s)


def with_page(fleet: Fleet) -> tuple[str, ...]:
    """Return the servers that carry the page."""
    return tuple(server.name for server in fleet.servers.values() if server.status_page is not None)


def public_of(fleet: Fleet) -> Redaction:
    """Return what the fleet's pages may say."""
    hidden = [name for site in fleet.status_pages.hide for name in (site, *fleet.sites[site].names)]
    return Redaction(frozenset(hidden), fleet.status_pages.addresses)


async def _stored(ports: Ports) -> PageFacts:
    fleet, now, watching = ports.fleet, ports.clock.now(), ports.store.states
    hidden = fleet.status_pages.hide
    worst = [one.target.name for one in await watching.not_up("site", SITES + len(hidden))]
    named = _named(fleet, worst)
    wanted = [*map(Target.server, fleet.servers), *map(Target.site, (*named, *hidden))]
    seen = await watching.states_of(wanted)
    counts = await watching.counts(now - stale_after(fleet.watch))

    def condition_of(target: Target) -> Condition:
        one = seen.get(target)
        return (
            condition(one.state, one.since_at, one.seen_at, one.why, now, fleet.watch)
            if one is not None
            else Condition()
        )

    sites = {name: condition_of(Target.site(name)) for name in named}
    shown = {state: number for (kind, state), number in counts.items() if kind == "site"}
    for name in hidden:
        state = condition_of(Target.site(name)).state
        shown[state] = shown.get(state, 0) - 1
    nameservers = {state: number for (kind, state), number in counts.items() if kind == "nameserver"}
    return PageFacts(
        servers={name: condition_of(Target.server(name)) for name in fleet.servers},
        sites=sites,
        active=await watching.served_from(named),
        tally=tally_of(shown, len(fleet.sites) - len(hidden)),
        nameservers=tally_of(nameservers, len(fleet.dns.nameservers)),
    )


async def _looked(ports: Ports) -> PageFacts:
    fleet = ports.fleet
    picture, sites, active = await looked_picture(ports)
    shown = {name: one for name, one in sites.items() if name not in fleet.status_pages.hide}
    states = [one.state for one in shown.values()]
    names = [one.state for one in picture.nameservers.values()]
    ordered = sorted(shown, key=lambda name: worst_first(shown[name].state, ""))
    return PageFacts(
        servers=picture.servers,
        sites={name: shown[name] for name in ordered[:SITES]},
        active=active,
        tally=tally_of(Counter(states), len(fleet.sites) - len(fleet.status_pages.hide)),
        nameservers=tally_of(Counter(names), len(fleet.dns.nameservers)),
    )


def _named(fleet: Fleet, worst: Iterable[str]) -> tuple[str, ...]:
    """Return the sites that stand on the page by name: what is not up, then the others as the fleet file has them."""
    hidden = set(fleet.status_pages.hide)
    first = [name for name in worst if name in fleet.sites and name not in hidden]
    taken = hidden.union(first)
    rest = (name for name in fleet.sites if name not in taken)
    return tuple(islice((*first, *rest), SITES))


async def _page(ports: Ports, seen: PageFacts) -> Page:
    fleet, now, public = ports.fleet, ports.clock.now(), public_of(ports.fleet)
    planned = await ports.store.maintenance.now_and_planned()
    underway = [one for one in planned if one.phase(now) in {Phase.RUNNING, Phase.OVERRUN}]
    incidents, left_out = await _incidents(ports, now, public)
    served = await _served(ports)
    return Page(
        title=plain(fleet.status_pages.title or fleet.name),
        timezone=fleet.timezone,
        written_at=now,
        stale_after=fleet.status_pages.stale_after,
        servers=tuple(
            _server(server, seen.servers[server.name], served.get(server.name, 0), underway, public)
            for server in fleet.servers.values()
        ),
        sites=tuple(_site(fleet, name, one, seen.active, underway, public) for name, one in seen.sites.items()),
        tally=seen.tally,
        nameservers=seen.nameservers,
        sites_left_out=seen.tally.all - len(seen.sites),
        incidents=incidents,
        incidents_left_out=left_out,
        work=await _work(ports, now, public),
        record=await record_end(ports),
        seen_at=max((one.seen_at for one in seen.servers.values() if one.seen_at is not None), default=None),
    )


async def _served(ports: Ports) -> Mapping[str, int]:
    """Return how many of the sites that may be named each server serves."""
    fleet, counted, hidden = ports.fleet, Counter(await sites_served(ports)), ports.fleet.status_pages.hide
    active = await ports.store.states.served_from(hidden)
    counted.subtract(active.get(name, fleet.sites[name].home) for name in hidden)
    return counted


async def _incidents(ports: Ports, now: datetime, public: Redaction) -> tuple[tuple[PageIncident, ...], int]:
    outages = await ports.store.outages.since(now - timedelta(days=DAYS), MOST_OUTAGES)
    found = [incident_of(one, ports.fleet, public) for one in outages]
    said = [one for one in found if one is not None]
    said.sort(key=lambda one: one.closed_at is not None)
    return tuple(said[:INCIDENTS]), max(0, len(said) - INCIDENTS)


async def _work(ports: Ports, now: datetime, public: Redaction) -> tuple[PlannedWork, ...]:
    fleet, store = ports.fleet, ports.store
    planned = await store.maintenance.now_and_planned()
    past = [one for one in await store.maintenance.since(now - WORK_SHOWN_FOR) if one.ended_at is not None]
    works = [work_of_maintenance(one, fleet, public, now) for one in (*planned, *past)]
    plans = await store.plans.in_state(PlanState.APPROVED)
    works = [work_of_plan(plan.plan, plan.approved_at, fleet, public) for plan in plans] + works
    return tuple(one for one in works if one is not None)[:MOST_WORK]


def _server(
    server: Server, one: Condition, sites: int, underway: Sequence[Maintenance], public: Redaction
) -> PageTarget:
    notes = [f"{f'{sites:,}' if sites else 'no'} {'site' if sites == 1 else 'sites'} served from here"]
    if public.addresses:
        notes.append(", ".join(address for address in (server.ipv4, server.ipv6) if address is not None))
    notes += [_goes_on(work, public) for work in underway if covers(work.scope, Target.server(server.name))]
    return PageTarget(
        name=server.name,
        where=plain(server.location),
        state=one.state,
        since_at=one.since_at,
        why=public.observed(one.why) if one.state is not TargetState.UP else "",
        note="; ".join(notes),
        url=_url(server, public),
    )


def _site(
    fleet: Fleet,
    name: str,
    one: Condition,
    active: Mapping[str, str],
    underway: Sequence[Maintenance],
    public: Redaction,
) -> PageTarget:
    home = fleet.sites[name].home
    server = active.get(name, home)
    notes = [f"its home is {home}"] if server != home else []
    notes += [_goes_on(work, public) for work in underway if covers(work.scope, Target.site(name), server)]
    return PageTarget(
        name=plain(name),
        where=server,
        state=one.state,
        since_at=one.since_at,
        why=public.observed(one.why) if one.state is not TargetState.UP else "",
        note="; ".join(notes),
    )


def _goes_on(work: Maintenance, public: Redaction) -> str:
    return f"planned work in progress: {public.written(work.why)}"


def _url(server: Server, public: Redaction) -> str:
    """Return where the page of a server is read, unless that names its address and addresses are not to be said."""
    if server.status_page is None:
        return ""
    host = urlsplit(server.status_page.url).hostname or ""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return server.status_page.url
    return server.status_page.url if public.addresses else ""

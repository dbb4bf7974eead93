"""What /metrics says, in the format of Prometheus: the stored picture, and how this process does.

A target has one line a state that it is in now: `sharpnet_site_state{state="down"}` finds what is down, and counting by
state is a sum. What was not observed lately is `unknown`, never `up` (law 7).
"""

from __future__ import annotations

import asyncio
from itertools import chain
from typing import TYPE_CHECKING

from prometheus_client import generate_latest

from bot.web.exposition import Family, one
from core.fleet.target import Target
from core.monitor.detection import TargetState
from core.monitor.state import stale_after
from ops.cooperative import in_turns
from ops.gather.fleet_picture import copy_ages
from ops.store.monitor.metrics import ProtectionMetrics

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from bot.web.vitals import Vitals
    from core.fleet import Fleet
    from core.fleet.target import TargetKind
    from core.status.overview import CopyAges
    from ops.ports import Ports
    from ops.store.monitor.metrics import ActivityMetrics

# With so many sites the ages of their copies are read again only after this long.
MANY = 1000
KEPT_FOR_S = 60.0
# As many are asked for at once: the store has one thread, and others wait for it too.
ASKED_AT_ONCE = 500


class MetricsPage:
    """Writes the page. One at a time: however often it is asked for, the store is not kept from its work.

    Tens of thousands of lines are written in pieces, between which the watch goes on.
    """

    def __init__(self, ports: Ports, vitals: Vitals) -> None:
        self._ports = ports
        self._vitals = vitals
        self._turn = asyncio.Lock()
        self._kept: tuple[float, ProtectionMetrics] | None = None

    async def page(self) -> bytes:
        """Return the page as it is now. Raises StoreError."""
        async with self._turn:
            ports = self._ports
            fleet, now = ports.fleet, ports.clock.now()
            states = await ports.store.metrics.states(now, stale_after(fleet.watch))
            active = await ports.store.copies.active()
            kept, ages = await self._read_kept(active), await copy_ages(ports)
            going = await ports.store.metrics.going(now)
            families = chain(
                _of_bot(fleet, ports.version, self._vitals.looks()),
                _of_targets(fleet, states, active),
                _of_copies(kept, ages),
                _of_work(going, self._vitals.slack_up),
            )
            lines = (line for family in families for line in family.lines())
            pieces = ["".join(piece).encode() async for piece in in_turns(lines)]
            return b"".join([*pieces, generate_latest(self._vitals.registry)])

    async def _read_kept(self, active: Mapping[str, str]) -> ProtectionMetrics:
        ports, now_s = self._ports, self._ports.clock.monotonic()
        sites, measures, now = ports.fleet.sites, ports.store.metrics, ports.clock.now()
        if self._kept is not None and len(sites) > MANY and now_s - self._kept[0] < KEPT_FOR_S:
            return self._kept[1]
        pairs = (
            (site.name, server)
            for site in sites.values()
            for server in site.servers
            if server != active.get(site.name, site.home)
        )
        copies = [copy async for some in in_turns(pairs, ASKED_AT_ONCE) for copy in await measures.copies(some, now)]
        backups = [kept async for some in in_turns(sites, ASKED_AT_ONCE) for kept in await measures.backups(some, now)]
        kept = ProtectionMetrics(tuple(copies), tuple(backups), await measures.proofs(now))
        self._kept = (now_s, kept)
        return kept


def _of_bot(fleet: Fleet, version: str, looks: int) -> Iterator[Family]:
    labels = ("version", "fleet")
    yield Family("sharpnet_build_info", "The bot's version.", labels, [((version, fleet.name), 1)])
    about = "Looks at servers, sites and name servers since the start."
    yield Family("sharpnet_looks_total", about, (), [((), looks)], "counter")


def _of_targets(fleet: Fleet, states: Mapping[Target, str], active: Mapping[str, str]) -> Iterator[Family]:
    def state(kind: TargetKind, name: str) -> str:
        return states.get(Target(kind, name), TargetState.UNKNOWN.value)

    yield Family(
        "sharpnet_server_state",
        "1 for the state that a server is in now: up, degraded, down or unknown.",
        ("server", "state"),
        (((name, state("server", name)), 1) for name in fleet.servers),
    )
    yield Family(
        "sharpnet_nameserver_state",
        "1 for the state that a name server is in now.",
        ("nameserver", "state"),
        (((server.name, state("nameserver", server.name)), 1) for server in fleet.dns.nameservers),
    )
    yield Family(
        "sharpnet_site_state",
        "1 for the state that a site is in now, and the server that it is served from.",
        ("site", "server", "state"),
        (((name, active.get(name, site.home), state("site", name)), 1) for name, site in fleet.sites.items()),
    )


def _of_copies(kept: ProtectionMetrics, ages: CopyAges) -> Iterator[Family]:
    pair = ("site", "server")
    copies = (((site, server), age_s) for site, server, age_s in kept.copies)
    yield Family("sharpnet_copy_age_seconds", "Since the last good copy of a site to a server began.", pair, copies)
    yield one(
        "sharpnet_copies_overdue",
        "Copies that are older than their site's max_age, or made in the future.",
        ages.overdue + ages.ahead,
    )
    yield one("sharpnet_copies_missing", "Copies that were never made.", ages.missing)
    yield one("sharpnet_sites_kept_nowhere", "Sites of which no good copy exists anywhere.", len(ages.nowhere))
    backups = (((site,), age_s) for site, age_s in kept.backups)
    yield Family("sharpnet_backup_age_seconds", "Since the last good backup of a site began.", ("site",), backups)
    if ages.unbacked is not None:
        yield one("sharpnet_sites_without_backup", "Sites that were never backed up.", ages.unbacked)
    proofs = [((site, server), age_s, same) for site, server, age_s, same in kept.proofs]
    about = "Since a copy was last compared with its source by checksum."
    yield Family("sharpnet_proof_age_seconds", about, pair, ((labels, age_s) for labels, age_s, _ in proofs))
    about = "1 where a copy was the same as its source when they were last compared, 0 where it differed."
    yield Family("sharpnet_proof_same", about, pair, ((labels, float(same)) for labels, _, same in proofs))


def _of_work(going: ActivityMetrics, slack_up: bool | None) -> Iterator[Family]:
    yield one("sharpnet_outages_open", "Open outages.", going.outages)
    plans = (((state,), going.plans.get(state, 0)) for state in ("planned", "approved", "unfinished"))
    yield Family("sharpnet_plans_open", "Plans that wait, are carried out or are unfinished.", ("state",), plans)
    about = "Copies on a server that nobody may use until someone has chosen."
    quarantined = (((server,), number) for server, number in going.quarantined.items())
    yield Family("sharpnet_quarantined_copies", about, ("server",), quarantined)
    yield one("sharpnet_syncs_running", "Copies that are being made.", going.syncs)
    if slack_up is not None:
        yield one("sharpnet_slack_connected", "1 where Slack is connected.", float(slack_up))
        yield one("sharpnet_slack_cards_waiting", "Messages that Slack does not show as they are.", going.cards_waiting)
    routes = (((route,), number) for route, number in going.alerts_waiting.items())
    yield Family("sharpnet_alerts_waiting", "Alerts that another route has not come to yet.", ("route",), routes)
    if going.last_look_s is not None:
        yield one("sharpnet_last_look_age_seconds", "Since anything was last looked at.", going.last_look_s)

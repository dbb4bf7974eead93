"""What /metrics says, in the format of Prometheus: the stored picture, and how this process does.

A target has one line a state that it is in now: `sharpnet_site_state{state="down"}` finds what is down, and counting by
state is a sum. What was not observed lately is `unknown`, never `up` (law 7).
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

from core.fleet_state import stale_after
from core.outage import State
from ops.fleet_picture import copy_ages

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from prometheus_client.core import Metric

    from bot.web.vitals import Vitals
    from core.fleet import Fleet
    from core.status_reply import CopyAges
    from ops.ports import Ports
    from ops.store.measures import Going, Kept

# With so many sites the ages of their copies are read again only after this long.
MANY = 1000
KEPT_FOR_S = 60.0


class Metrics:
    """Writes the page. One at a time: however often it is asked for, the store is not kept from its work."""

    def __init__(self, ports: Ports, vitals: Vitals) -> None:
        self._ports = ports
        self._vitals = vitals
        self._turn = asyncio.Lock()
        self._kept: tuple[float, Kept] | None = None

    async def page(self) -> bytes:
        """Return the page as it is now. Raises StoreError."""
        async with self._turn:
            ports = self._ports
            fleet, now = ports.fleet, ports.clock.now()
            states = await ports.store.measures.states(now, stale_after(fleet.watch))
            active = await ports.store.copies.active()
            kept, ages = await self._read_kept(active), await copy_ages(ports)
            going = await ports.store.measures.going(now)
            looks = self._vitals.looks()

            def written() -> bytes:
                registry = CollectorRegistry()
                registry.register(
                    _Told(
                        [
                            *_of_bot(fleet, ports.version, looks),
                            *_of_targets(fleet, states, active),
                            *_of_copies(kept, ages),
                            *_of_work(going, self._vitals.slack_up),
                        ]
                    )
                )
                return generate_latest(registry) + generate_latest(self._vitals.registry)

            # Tens of thousands of lines would hold up the watch.
            return await asyncio.to_thread(written)

    async def _read_kept(self, active: Mapping[str, str]) -> Kept:
        ports, now_s = self._ports, self._ports.clock.monotonic()
        sites = ports.fleet.sites
        if self._kept is not None and len(sites) > MANY and now_s - self._kept[0] < KEPT_FOR_S:
            return self._kept[1]
        pairs = (
            (site.name, server)
            for site in sites.values()
            for server in site.servers
            if server != active.get(site.name, site.home)
        )
        kept = await ports.store.measures.kept(pairs, sites, ports.clock.now())
        self._kept = (now_s, kept)
        return kept


class _Told:
    """What prometheus_client reads."""

    def __init__(self, families: list[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        return self._families


def _gauge(name: str, about: str, labels: tuple[str, ...], rows: Iterable[tuple[tuple[str, ...], float]]) -> Metric:
    family = GaugeMetricFamily(name, about, labels=labels)
    for values, value in rows:
        family.add_metric(values, value)
    return family


def _one(name: str, about: str, value: float) -> Metric:
    return GaugeMetricFamily(name, about, value=value)


def _of_bot(fleet: Fleet, version: str, looks: int) -> Iterator[Metric]:
    labels = ("version", "fleet")
    yield _gauge("sharpnet_build_info", "The bot's version.", labels, [((version, fleet.name), 1)])
    yield CounterMetricFamily(
        "sharpnet_looks", "Looks at servers, sites and name servers since the start.", value=looks
    )


def _of_targets(fleet: Fleet, states: Mapping[str, str], active: Mapping[str, str]) -> Iterator[Metric]:
    def state(kind: str, name: str) -> str:
        return states.get(f"{kind}:{name}", State.UNKNOWN.value)

    yield _gauge(
        "sharpnet_server_state",
        "1 for the state that a server is in now: up, degraded, down or unknown.",
        ("server", "state"),
        (((name, state("server", name)), 1) for name in fleet.servers),
    )
    yield _gauge(
        "sharpnet_nameserver_state",
        "1 for the state that a name server is in now.",
        ("nameserver", "state"),
        (((one.name, state("nameserver", one.name)), 1) for one in fleet.dns.nameservers),
    )
    yield _gauge(
        "sharpnet_site_state",
        "1 for the state that a site is in now, and the server that it is served from.",
        ("site", "server", "state"),
        (((name, active.get(name, site.home), state("site", name)), 1) for name, site in fleet.sites.items()),
    )


def _of_copies(kept: Kept, ages: CopyAges) -> Iterator[Metric]:
    pair = ("site", "server")
    copies = (((site, server), age_s) for site, server, age_s in kept.copies)
    yield _gauge("sharpnet_copy_age_seconds", "Since the last good copy of a site to a server began.", pair, copies)
    yield _one("sharpnet_copies_overdue", "Copies that are older than their site's max_age.", ages.overdue)
    yield _one("sharpnet_copies_missing", "Copies that were never made.", ages.missing)
    yield _one("sharpnet_sites_kept_nowhere", "Sites of which no good copy exists anywhere.", len(ages.nowhere))
    backups = (((site,), age_s) for site, age_s in kept.backups)
    yield _gauge("sharpnet_backup_age_seconds", "Since the last good backup of a site began.", ("site",), backups)
    if ages.unbacked is not None:
        yield _one("sharpnet_sites_without_backup", "Sites that were never backed up.", ages.unbacked)
    proofs = [((site, server), age_s, same) for site, server, age_s, same in kept.proofs]
    about = "Since a copy was last compared with its source by checksum."
    yield _gauge("sharpnet_proof_age_seconds", about, pair, ((labels, age_s) for labels, age_s, _ in proofs))
    about = "1 where a copy was the same as its source when they were last compared, 0 where it differed."
    yield _gauge("sharpnet_proof_same", about, pair, ((labels, float(same)) for labels, _, same in proofs))


def _of_work(going: Going, slack_up: bool | None) -> Iterator[Metric]:
    yield _one("sharpnet_outages_open", "Outages that are not over.", going.outages)
    plans = (((state,), going.plans.get(state, 0)) for state in ("planned", "approved", "unfinished"))
    yield _gauge("sharpnet_plans_open", "Plans that wait, are carried out or are unfinished.", ("state",), plans)
    about = "Copies on a server that nobody may use until someone has chosen."
    quarantined = (((server,), number) for server, number in going.quarantined.items())
    yield _gauge("sharpnet_quarantined_copies", about, ("server",), quarantined)
    yield _one("sharpnet_syncs_running", "Copies that are being made.", going.syncs)
    if slack_up is not None:
        yield _one("sharpnet_slack_connected", "1 where Slack is connected.", float(slack_up))
        yield _one(
            "sharpnet_slack_cards_waiting", "Messages that Slack does not show as they are.", going.cards_waiting
        )
    routes = (((route,), number) for route, number in going.alerts_waiting.items())
    yield _gauge("sharpnet_alerts_waiting", "Alerts that another route has not come to yet.", ("route",), routes)
    if going.last_look_s is not None:
        yield _one("sharpnet_last_look_age_seconds", "Since anything was last looked at.", going.last_look_s)

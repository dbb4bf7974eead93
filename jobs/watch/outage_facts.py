"""What people need to know of an outage: what is affected, who could take it over, and with how old a copy."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from core.fleet.target import Target
from core.incident.facts import NAMED, OutageFacts, takeover, with_takeovers
from jobs.watch.state import ABLE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from core.incident.outage import Outage
    from jobs.watch.state import ActiveCondition, WatchState
    from jobs.watch.suppression import Suppression
    from ops.store import Store


class FactsReader:
    """Gathers the facts of outages from the watch and the store."""

    def __init__(self, state: WatchState, suppression: Suppression, store: Store) -> None:
        self._state = state
        self._suppression = suppression
        self._store = store

    async def of(self, condition: ActiveCondition, before: OutageFacts, opened: Mapping[Target, Outage]) -> OutageFacts:
        """Return `before` with what holds now. opened: the outages that are open."""
        state, (kind, name), verdict = self._state, condition.target, condition.track.verdict
        seen_from = verdict.seen_from if verdict is not None else before.seen_from
        known = replace(before, why=condition.track.why or before.why, seen_from=seen_from)
        if kind == "server":
            return await self._with_takeovers(known, name, list(state.on_server[name]))
        if kind == "sites":
            return await self._with_takeovers(known, name, sorted(self._suppression.failing(name, opened)))
        if kind == "degraded":
            sites, checks = tuple(sorted(state.lacking[name])), tuple(state.remarks(Target.server(name)))
            return replace(known, affected=len(sites), sites=sites[:NAMED], checks=checks)
        if kind == "nameserver":
            place, others = state.nameservers[condition.target].location, len(state.nameservers) - 1
            lame = condition.target in state.lame
            return replace(known, place=place, others=others, others_up=state.nameservers_up, lame=lame)
        return replace(known, others=len(state.places))

    async def _with_takeovers(self, before: OutageFacts, server: str, names: Sequence[str]) -> OutageFacts:
        """Return `before` with what would become of the sites `names`, which are served from `server`."""
        state, store = self._state, self._store
        sites = [state.fleet.sites[name] for name in names]
        quarantined = await store.copies.quarantined()
        pairs = [(site.name, other) for site in sites for other in site.servers if other != server]
        newest = await store.states.newest_good(pairs)
        up = {name for name in state.fleet.servers if state.tracks[Target.server(name)].judged in ABLE}
        takeovers = []
        for site in sites:
            others = [other for other in site.servers if other != server]
            ready = {other: other in up and (site.name, other) not in quarantined for other in others}
            copies = {other: newest[site.name, other] for other in others if (site.name, other) in newest}
            takeovers.append(takeover(site, server, ready, copies))
        return with_takeovers(before, takeovers)

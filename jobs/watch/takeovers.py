"""What people need to know of sites in trouble: who could take them over, and with how old a copy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.fleet.target import Target
from core.incident.facts import OutageFacts, takeover, with_takeovers
from jobs.watch.state import ABLE, WatchState

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ops.store import Store


async def gather_facts(
    before: OutageFacts, server: str, names: Sequence[str], scene: WatchState, store: Store
) -> OutageFacts:
    """Return `before` with what would become of the sites `names`, which are served from `server`."""
    sites = [scene.fleet.sites[name] for name in names]
    quarantined = await store.copies.quarantined()
    pairs = [(site.name, other) for site in sites for other in site.servers if other != server]
    newest = await store.states.newest_good(pairs)
    up = {name for name in scene.fleet.servers if scene.tracks[Target.server(name)].judged in ABLE}
    takeovers = []
    for site in sites:
        others = [other for other in site.servers if other != server]
        ready = {other: other in up and (site.name, other) not in quarantined for other in others}
        copies = {other: newest[site.name, other] for other in others if (site.name, other) in newest}
        takeovers.append(takeover(site, server, ready, copies))
    return with_takeovers(before, takeovers)

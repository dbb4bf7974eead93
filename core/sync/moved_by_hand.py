"""Sites that DNS has taken elsewhere without a cutover, and what people are told of them."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.fleet.servers import with_place
from core.reply import Reply, Row, Table, Text, Tone
from core.wording import count, listing

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from core.fleet import Server

WHY = "DNS was pointed elsewhere by hand"


@dataclass(frozen=True, slots=True)
class SiteMove:
    """A site that was served from `left` when it was last seen, and is served from `to` now."""

    site: str
    left: str
    to: str


def moves_between(before: Mapping[str, str], homes: Mapping[str, str], seen: Mapping[str, str]) -> tuple[SiteMove, ...]:
    """Return the sites that moved between what was known, `before`, and what is `seen` now: servers by site.

    A site that was never seen before is taken to have been at home.
    """
    left = {site: before.get(site, homes[site]) for site in seen}
    return tuple(SiteMove(site, left[site], to) for site, to in seen.items() if left[site] != to)


def card_of(moves: Sequence[SiteMove], servers: Mapping[str, Server]) -> Reply:
    """Say which sites were moved by hand, and that the copies they left wait for somebody's choice."""
    one = moves[0]
    if len(moves) == 1:
        title = f"{one.site} is served from {with_place(one.to, servers)} now"
    else:
        title = f"{count(len(moves), 'site')} are served from elsewhere now"
    routes: dict[str, list[str]] = {}
    for move in moves:
        routes.setdefault(" → ".join(with_place(name, servers) for name in (move.left, move.to)), []).append(move.site)
    rows = tuple(Row((route, listing(sites))) for route, sites in sorted(routes.items()))
    shown = listing([f"`failback {shlex.quote(left)}`" for left in sorted({move.left for move in moves})])
    held = "The copy that it left" if len(moves) == 1 else "Each copy that was left"
    return Reply(
        f"DNS was changed by hand: {title}",
        (
            Table(("from, to", "sites"), rows),
            Text(f"{held} is in quarantine: nothing is copied from it or over it until somebody has chosen."),
            Text(f"What differs, and the choice: {shown}."),
        ),
        tone=Tone.WARN,
    )

"""What is kept of an outage beyond its target and its times: plain values, written as JSON and read back equal."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from core.wording import from_stamp, stamp

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from core.fleet import Site

NAMED = 20


class OutageEnd(StrEnum):
    """How an outage ended. MOVED: what failed is served from elsewhere. JOINED: its server's own outage goes on."""

    UP = "up"
    DEGRADED = "degraded"
    UNWATCHED = "unwatched"
    MOVED = "moved"
    JOINED = "joined"


@dataclass(frozen=True, slots=True)
class OutageFacts:
    """What the card of an outage says.

    why: what a look from here found. seen_from: the other places that agree. place: where the target stands.
    affected: how many sites are served from there now, `sites` names the first of them; at_first: how many when it
    began. ready: how many of them each server could take over. without_mirror: how many are kept nowhere else,
    `exceptions` names the first of them; waiting: how many have mirrors, of which none is up. oldest_good_at: the
    oldest copy among those ready; never_copied: how many of those have no good copy at all.
    others_up of others: the name servers, or whatever else could answer, beside this one.
    quarantined: how many copies on the server must be reconciled. ending_why: what an ending in part lacks.
    unseen_from_at, unseen_until_at: it ended unseen, between the two. changes: how often it changed from
    `first_change_at` to `last_change_at`, where it flaps, and whether it is `down_now`; 0: it does not. checks: the
    checks that say what a degraded server lacks itself; none where only its sites do. lame: a name server answers, but
    not for all zones.
    """

    why: str = ""
    seen_from: tuple[str, ...] = ()
    place: str = ""
    affected: int = 0
    at_first: int = 0
    sites: tuple[str, ...] = ()
    ready: Mapping[str, int] = field(default_factory=dict)
    without_mirror: int = 0
    exceptions: tuple[str, ...] = ()
    waiting: int = 0
    oldest_good_at: datetime | None = None
    never_copied: int = 0
    others_up: int = 0
    others: int = 0
    quarantined: int = 0
    ending: OutageEnd | None = None
    ending_why: str = ""
    unseen_from_at: datetime | None = None
    unseen_until_at: datetime | None = None
    changes: int = 0
    first_change_at: datetime | None = None
    last_change_at: datetime | None = None
    down_now: bool = True
    checks: tuple[str, ...] = ()
    lame: bool = False

    @property
    def movable(self) -> int:
        """How many sites another server could take over now."""
        return sum(self.ready.values())


_TIMES = ("oldest_good_at", "unseen_from_at", "unseen_until_at", "first_change_at", "last_change_at")
_LISTS = ("seen_from", "sites", "exceptions", "checks")


def facts_to_json(facts: OutageFacts) -> dict[str, Any]:
    """Return plain JSON values, from which `facts_from_json` makes equal Facts."""
    plain = asdict(facts)
    for name in _TIMES:
        plain[name] = stamp(plain[name]) if plain[name] is not None else None
    for name in _LISTS:
        plain[name] = list(plain[name])
    return plain


def facts_from_json(plain: Mapping[str, Any]) -> OutageFacts:
    """Read what `facts_to_json` returned; what is missing or unknown does no harm."""
    known = {one.name: plain[one.name] for one in fields(OutageFacts) if one.name in plain}
    for name in _TIMES:
        known[name] = from_stamp(known[name]) if known.get(name) else None
    for name in _LISTS:
        known[name] = tuple(known.get(name, ()))
    known["ending"] = OutageEnd(known["ending"]) if known.get("ending") else None
    return OutageFacts(**known)


@dataclass(frozen=True, slots=True)
class Takeover:
    """Which server could take over one site that is served from a server in trouble; None: none that is up.

    last_good_at None: no good copy of it there is on record.
    """

    site: str
    to: str | None
    has_mirror: bool
    last_good_at: datetime | None = None


def takeover(site: Site, source: str, ready: Mapping[str, bool], last_good_at: Mapping[str, datetime]) -> Takeover:
    """Say where `site` could be moved to from `source`.

    ready: by server, whether it is up and its copy of this site may be used. last_good_at: by server, when this
    site's last good copy to it began. Among those ready, the one that the operator named first.
    """
    others = [server for server in site.servers if server != source]
    to = next((server for server in others if ready.get(server)), None)
    return Takeover(site.name, to, bool(others), last_good_at.get(to) if to is not None else None)


def with_takeovers(facts: OutageFacts, takeovers: Sequence[Takeover]) -> OutageFacts:
    """Return the facts with what would become of the sites that are affected now."""
    ready: dict[str, int] = {}
    for one in takeovers:
        if one.to is not None:
            ready[one.to] = ready.get(one.to, 0) + 1
    exceptions = [one.site for one in takeovers if not one.has_mirror]
    copies = [one.last_good_at for one in takeovers if one.to is not None]
    return replace(
        facts,
        affected=len(takeovers),
        at_first=max(facts.at_first, len(takeovers)),
        sites=tuple(one.site for one in takeovers[:NAMED]),
        ready=ready,
        without_mirror=len(exceptions),
        exceptions=tuple(exceptions[:NAMED]),
        waiting=sum(one.to is None and one.has_mirror for one in takeovers),
        oldest_good_at=min((at for at in copies if at is not None), default=None),
        never_copied=sum(at is None for at in copies),
    )

"""Where each site lives, where it is served from, and how old its copies are: judged, and told worst first."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

from core.reply import Reply, Row, Table, Text, Tone, first_rows
from core.wording import AHEAD, ago, count, listing, stamp_or_none

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime, timedelta

    from core.fleet import Site

MOST_ROWS = 20


class ProtectionLevel(IntEnum):
    """How well a site is kept, worst first."""

    QUARANTINED = 0
    NO_COPY = 1
    OLD = 2
    NO_MIRROR = 3
    FRESH = 4


_WORDS = {
    ProtectionLevel.QUARANTINED: "with a quarantined copy",
    ProtectionLevel.NO_COPY: "never copied",
    ProtectionLevel.OLD: "with an old copy",
    ProtectionLevel.NO_MIRROR: "without a mirror",
    ProtectionLevel.FRESH: "fresh",
}
_TONES = {
    ProtectionLevel.QUARANTINED: Tone.WARN,
    ProtectionLevel.NO_COPY: Tone.BAD,
    ProtectionLevel.OLD: Tone.BAD,
    ProtectionLevel.NO_MIRROR: Tone.PLAIN,
    ProtectionLevel.FRESH: Tone.GOOD,
}


@dataclass(frozen=True, slots=True)
class SiteCopy:
    """The copy of a site on one server that does not serve it.

    last_good_at: when the last good sync began; None: there was none. last_trouble: why a newer one did not go well.
    compared_at: when it was last compared with its source by checksum, and `same` whether it was the same then.
    """

    server: str
    last_good_at: datetime | None
    age: timedelta | None
    max_age: timedelta
    quarantined: bool = False
    last_trouble: str = ""
    compared_at: datetime | None = None
    same: bool = True

    @property
    def fresh(self) -> bool:
        """Whether it may be served: copied, not too long ago, and not quarantined."""
        return self.age is not None and -AHEAD <= self.age <= self.max_age and not self.quarantined


@dataclass(frozen=True, slots=True)
class SiteProtection:
    """One site and its copies. active: the server that DNS points to. backed_up_at: the last good off-site backup."""

    site: Site
    active: str
    copies: tuple[SiteCopy, ...]
    backed_up_at: datetime | None = None

    @property
    def nowhere(self) -> bool:
        """Whether no good copy of it was ever made, on a mirror or off-site."""
        return self.backed_up_at is None and all(copy.last_good_at is None for copy in self.copies)

    @property
    def state(self) -> ProtectionLevel:
        """How well it is kept: the freshest copy counts, but a quarantined one is always said."""
        if any(copy.quarantined for copy in self.copies):
            return ProtectionLevel.QUARANTINED
        if not self.copies:
            return ProtectionLevel.NO_MIRROR
        if any(copy.fresh for copy in self.copies):
            return ProtectionLevel.FRESH
        return ProtectionLevel.OLD if any(copy.age is not None for copy in self.copies) else ProtectionLevel.NO_COPY


def sites_reply(
    kept: Sequence[SiteProtection], now: datetime, server: str | None = None, *, offsite: bool = False
) -> Reply:
    """Return the answer of `sites`; with `server`, `kept` holds only what lives, is served or is copied there.

    offsite: whether the fleet has a place for backups.
    """
    states = Counter(one.state for one in kept)
    ordered = sorted(kept, key=lambda one: (one.state, -_oldest_s(one), one.site.name))
    nowhere = [one.site.name for one in ordered if one.nowhere]
    elsewhere = sum(one.active != one.site.home for one in kept)
    said = [f"{states[state]:,} {_WORDS[state]}" for state in ProtectionLevel if states[state]]
    where = f" on {server}" if server is not None else ""
    parts: tuple[Table | Text, ...] = ()
    if ordered:
        columns = ("site", "served from", "copies", *(("backed up",) if offsite else ()))
        parts = (first_rows(columns, ordered, lambda one: _row(one, now, offsite=offsite), MOST_ROWS),)
    if nowhere:
        parts += (Text(f"No copy anywhere: {listing(nowhere)}.", Tone.BAD),)
    for holding in dict.fromkeys(copy.server for one in ordered for copy in one.copies if copy.quarantined):
        parts += (Text(f"In quarantine on {holding}: `failback {holding}` shows what differs.", Tone.WARN),)
    if elsewhere:
        parts += (Text(f"{count(elsewhere, 'site')} served away from home."),)
    return Reply(
        title=f"{count(len(kept), 'site')}{where}: {', '.join(said)}" if kept else f"There are no sites{where}",
        parts=parts,
        tone=_TONES[ordered[0].state] if ordered else Tone.PLAIN,
        facts={"sites": [_facts(one) for one in kept]},
    )


def _oldest_s(kept: SiteProtection) -> float:
    return max((copy.age.total_seconds() for copy in kept.copies if copy.age is not None), default=0.0)


def _row(kept: SiteProtection, now: datetime, *, offsite: bool) -> Row:
    away = f" (home {kept.site.home})" if kept.active != kept.site.home else ""
    copies = "; ".join(_copy_words(copy, now) for copy in kept.copies) or "no mirror"
    backed_up = (ago(kept.backed_up_at, now),) if offsite else ()
    return Row((kept.site.name, f"{kept.active}{away}", copies, *backed_up), _TONES[kept.state])


def _copy_words(copy: SiteCopy, now: datetime) -> str:
    if copy.quarantined and copy.last_good_at is None:
        return f"{copy.server} quarantined"
    words = f"{copy.server} {ago(copy.last_good_at, now)}"
    if copy.quarantined:
        return f"{words}, quarantined"
    old = ", too old" if copy.age is not None and copy.age > copy.max_age else ""
    compared = f", {compared_words(copy.compared_at, now, same=copy.same)}" if copy.compared_at is not None else ""
    return f"{words}{old}{compared}" + (f" (then: {copy.last_trouble})" if copy.last_trouble else "")


def compared_words(at: datetime, now: datetime, *, same: bool) -> str:
    """Say how a comparison by checksum ended: `verified 2 d ago`, or `differed 2 d ago`."""
    return f"{'verified' if same else 'differed'} {ago(at, now)}"


def _facts(kept: SiteProtection) -> dict[str, object]:
    return {
        "name": kept.site.name,
        "home": kept.site.home,
        "active": kept.active,
        "mirrors": list(kept.site.mirrors),
        "state": kept.state.name.lower().replace("_", "-"),
        "backed_up_at": stamp_or_none(kept.backed_up_at),
        "no_copy_anywhere": kept.nowhere,
        "copies": [
            {
                "server": copy.server,
                "age_s": round(copy.age.total_seconds(), 3) if copy.age is not None else None,
                "last_good_at": stamp_or_none(copy.last_good_at),
                "max_age_s": copy.max_age.total_seconds(),
                "fresh": copy.fresh,
                "quarantined": copy.quarantined,
                "last_trouble": copy.last_trouble or None,
                "compared_at": stamp_or_none(copy.compared_at),
                "same": copy.same if copy.compared_at is not None else None,
            }
            for copy in kept.copies
        ],
    }

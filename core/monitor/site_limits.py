"""What a site that answers rightly still lacks: it is slow, or its certificate ends soon; plain values only."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import TYPE_CHECKING

from core.wording import count, duration, listing

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    from core.fleet import SiteCheck

# Slower than this is said in whole seconds: how slow exactly changes with each look, and says no more.
COARSE_ABOVE_S = 1
NAMED_ADDRESSES = 2


def site_lacks(check: SiteCheck, took_s: float, certificate_ends_at: datetime | None, now: datetime) -> str:
    """Say what a site's good answer lacks; empty: nothing."""
    said = []
    if check.within is not None and took_s > check.within.total_seconds():
        said.append(slow(took_s, check.within))
    if ends := ends_soon(certificate_ends_at, check.certificate, now):
        said.append(ends)
    return "; ".join(said)


def ends_soon(certificate_ends_at: datetime | None, within: timedelta, now: datetime) -> str:
    """Say that a certificate ends within `within`; empty: it does not, or there is none (None)."""
    if certificate_ends_at is None or certificate_ends_at - now >= within:
        return ""
    left = (certificate_ends_at - now) // timedelta(days=1)
    return f"its certificate ends {'in ' + count(left, 'day') if left > 0 else 'today'}"


def points_wrong(addresses: Collection[str], holders: Collection[str], *, elsewhere: bool) -> str:
    """Say what is wrong with where a site's records point; empty: nothing.

    addresses: what they hold. holders: the addresses of the servers that hold the site. elsewhere: they are an alias of
    something that this name server does not answer for, so nobody can say from here.
    """
    strange = sorted(set(addresses) - set(holders))
    if strange:
        return f"DNS points to {listing(strange, NAMED_ADDRESSES)}, no server that holds it"
    return "" if addresses or elsewhere else "DNS has no address for it"


def slow(took_s: float, within: timedelta) -> str:
    """Say that an answer took longer than it should."""
    coarse_s = math.ceil(took_s) if took_s > COARSE_ABOVE_S else math.ceil(took_s * 10) / 10
    return f"it takes {duration(timedelta(seconds=coarse_s))} to answer, more than {duration(within)}"


def degraded_words(remarks: Sequence[str], sites: Mapping[str, str]) -> str:
    """Say what a server lacks: its own remarks first, then its sites, by name what each lacks, summed up."""
    said = list(remarks)
    if sites:
        first = min(sites)
        rest = f", and {count(len(sites) - 1, 'more site')}" if len(sites) > 1 else ""
        said.append(f"{first}: {sites[first]}{rest}")
    return "; ".join(said)

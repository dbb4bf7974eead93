"""Whether the MX records of a domain, as each name server gives them, name its exchangers in their order."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.mail.finding import Finding, Level
from core.wording import foreign, listing

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from core.dns.pointing import Exchanger

SHOWN = 3
MOST_NAME = 80


@dataclass(frozen=True, slots=True)
class MxAnswer:
    """What one name server says of a domain's exchangers. why: why it said nothing; empty: it did."""

    nameserver: str
    exchangers: tuple[Exchanger, ...] = ()
    why: str = ""


def judge_mx(wanted: Sequence[str], answers: Sequence[MxAnswer], leads_to: Mapping[str, str]) -> tuple[Finding, ...]:
    """Say of each name server what its answer lacks.

    wanted: the servers, first choice first. leads_to: the server that a name in an MX record leads to, by name; one
    that is not there leads to none of the fleet.
    """
    found: list[Finding] = []
    for answer in answers:
        if answer.why:
            found.append(Finding(Level.UNKNOWN, answer.nameserver, f"its MX records are not known: {answer.why}"))
        elif why := why_not_in_order(wanted, answer.exchangers, leads_to):
            found.append(Finding(Level.WRONG, answer.nameserver, why))
    return tuple(found)


def why_not_in_order(wanted: Sequence[str], exchangers: Sequence[Exchanger], leads_to: Mapping[str, str]) -> str:
    """Say why senders would not try the servers of `wanted` in that order; empty: they would.

    exchangers: in the order in which they are tried.
    """
    if not exchangers:
        return "it has no MX record"
    strange = [foreign(one.name, MOST_NAME) for one in exchangers if leads_to.get(one.name) not in wanted]
    if strange:
        return f"an MX record names {listing(strange, SHOWN)}, which leads to none of {listing(list(wanted))}"
    first: dict[str, int] = {}
    for one in exchangers:
        first.setdefault(leads_to[one.name], one.preference)
    missing = [server for server in wanted if server not in first]
    if missing:
        return f"no MX record leads to {listing(missing)}"
    for before, after in itertools.pairwise(wanted):
        if first[before] == first[after]:
            return f"{before} and {after} have the same preference ({first[before]}), so senders choose at random"
        if first[before] > first[after]:
            return f"{after} ({first[after]}) comes before {before} ({first[before]})"
    return ""


def names_of(server: str, answers: Sequence[MxAnswer], leads_to: Mapping[str, str]) -> tuple[str, ...]:
    """Return the names by which MX records lead to a server, each once."""
    names = dict.fromkeys(one.name for answer in answers for one in answer.exchangers)
    return tuple(name for name in names if leads_to.get(name) == server)

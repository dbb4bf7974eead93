"""Which copy of a site is the served one: what name servers say of it, and when that does not tell (law 14).

Nothing is copied over what is served (law 4), so what name servers do not tell is not guessed from what was last seen:
somebody may have pointed the names elsewhere since.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.wording import listing

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

NAMED = 2


@dataclass(frozen=True, slots=True)
class AddressAnswer:
    """What one name server answered with authority: the addresses of a name.

    elsewhere: the name is an alias of something that this name server does not answer for.
    """

    addresses: frozenset[str]
    elsewhere: bool = False


@dataclass(frozen=True, slots=True)
class Doubt:
    """Why it is not known from which server a site is served.

    unheard: who would know did not answer, so what was last seen may be old. elsewhere: it was answered, and names only
    what is none of the fleet's servers, as where the site lies behind a proxy. Neither: it names several, or nothing.
    """

    why: str
    unheard: bool
    elsewhere: bool = False


def must_ask_public(updates: Sequence[AddressAnswer | None]) -> bool:
    """Return whether the public name servers have to be asked as well: not all that changes are sent to answered."""
    return not updates or None in updates


def where_served(
    updates: Sequence[AddressAnswer | None], public: Sequence[AddressAnswer | None], servers: Mapping[str, str]
) -> str | Doubt:
    """Return the server that a site's name points to, or why that is not known.

    updates: the answers of the servers that changes are sent to; public: those of the public name servers, which count
    where `must_ask_public`; None: no answer. servers: by address. One that was cut off may go on answering what was
    true once, so without all that changes are sent to more than half of the public ones have to say the same.
    """
    heard = [answer for answer in updates if answer is not None]
    if must_ask_public(updates):
        answered = [answer for answer in public if answer is not None]
        if not answered and not heard:
            return Doubt(f"none of all {len(updates) + len(public)} name servers says where it is served", unheard=True)
        if len(answered) * 2 <= len(public):
            few = f"only {len(answered)} of {len(public)} name servers say where it is served"
            return Doubt(f"the update server does not answer, and {few}", unheard=True)
        heard += answered
    said = dict.fromkeys(_pointed(answer, servers) for answer in heard)
    if len(said) > 1:
        words = listing(sorted(_named(places) for places in said), NAMED)
        return Doubt(f"name servers differ on where it is served: {words}", unheard=must_ask_public(updates))
    places = next(iter(said))
    ours = [place for place in places if place in servers.values()]
    # Beside what is none of the fleet's, too: no other copy of the fleet is named.
    if len(ours) == 1:
        return ours[0]
    why = f"DNS does not say where it is served: it points to {_named(places)}"
    return Doubt(why, unheard=False, elsewhere=bool(places) and not ours)


def why_not_by_belief(doubt: Doubt | None, *, said: bool, planned: bool) -> Doubt | None:
    """Return the doubt that keeps a site from being copied by what was last seen of it, or None.

    said: somebody has said which copy is served. planned: whoever asked has been shown the source, holds the site, and
    changes DNS next, which names the old values again; that counts for what was answered, never for silence. Of a site
    that lies behind somebody else's address DNS never tells more: it is copied as it was last known to be served.
    """
    if doubt is None or said or doubt.elsewhere or (planned and not doubt.unheard):
        return None
    return doubt


def _pointed(answer: AddressAnswer, servers: Mapping[str, str]) -> tuple[str, ...]:
    """Return what an answer points to: servers by name, what is none of the fleet's by address, or an alias."""
    places = {servers.get(address, address) for address in answer.addresses}
    return tuple(sorted(places)) or (("an alias elsewhere",) if answer.elsewhere else ())


def _named(places: tuple[str, ...]) -> str:
    return listing(places, NAMED) or "no address"

"""Whether all exchangers of a domain know the same addresses: one that knows fewer refuses mail that is not spam."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.mail.finding import Finding, Level
from core.wording import count, foreign, listing

if TYPE_CHECKING:
    from collections.abc import Mapping

SHOWN = 3
MOST_NAME = 80


@dataclass(frozen=True, slots=True)
class Recipients:
    """Whom a server takes mail for: the addresses in its Postfix's tables, and the users of its Dovecot.

    None: these cannot be listed there.
    """

    addresses: frozenset[str] | None = None
    users: frozenset[str] | None = None


def judge_recipients(domain: str, known: Mapping[str, Recipients]) -> tuple[Finding, ...]:
    """Say which addresses of `domain` some of its exchangers know and others do not.

    known: by server, those that could be asked; lists are compared only with lists of the same kind.
    """
    return (
        *_compared(domain, "address", {name: one.addresses for name, one in known.items()}),
        *_compared(domain, "mailbox", {name: one.users for name, one in known.items()}),
    )


def _compared(domain: str, what: str, lists: Mapping[str, frozenset[str] | None]) -> list[Finding]:
    here = {server: frozenset(one for one in names if is_of(one, domain)) for server, names in _listed(lists)}
    everybody = frozenset().union(*here.values())
    found = []
    for server, names in here.items():
        lacks = sorted(everybody - names)
        if lacks and len(here) > 1:
            others = sorted(other for other, theirs in here.items() if theirs & frozenset(lacks))
            shown = listing([foreign(name, MOST_NAME) for name in lacks], SHOWN)
            kind = count(len(lacks), what, "mailboxes" if what == "mailbox" else "addresses")
            have = f"{listing(others)} {'has' if len(others) == 1 else 'have'}"
            found.append(Finding(Level.WRONG, server, f"it lacks {kind} that {have}: {shown}"))
    return found


def _listed(lists: Mapping[str, frozenset[str] | None]) -> list[tuple[str, frozenset[str]]]:
    return [(server, names) for server, names in lists.items() if names is not None]


def is_of(name: str, domain: str) -> bool:
    """Return whether an address, or the login of a mailbox, is of this domain; a login may be without any."""
    _, at, of = name.rpartition("@")
    return not at or of.lower() == domain

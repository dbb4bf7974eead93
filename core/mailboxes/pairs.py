"""Whose mailboxes are kept alike on which servers, and when it is time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from core.fleet import Mail

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, order=True)
class MailboxPair:
    """One user's mail on two servers. server: the exchanger of the two that comes first."""

    login: str
    server: str
    other: str


@dataclass(frozen=True, slots=True)
class Pairing:
    """What is to be kept alike, and what cannot be: there is no such user on `other`."""

    pairs: tuple[MailboxPair, ...]
    alone: tuple[MailboxPair, ...]


def mirrored_exchangers(mail: Mail) -> tuple[str, ...]:
    """Return every server on which some mailbox is kept alike with another one; none where the fleet wants none."""
    if mail.mirror is None:
        return ()
    servers = (server for domain in mail.domains.values() if len(domain.exchangers) > 1 for server in domain.exchangers)
    return tuple(dict.fromkeys(servers))


def pair_up(mail: Mail, logins_on: Mapping[str, frozenset[str]]) -> Pairing:
    """Pair the first exchanger that has a user with each other one of the user's domain.

    logins_on: who is on each server, of those that said so; what the others have is not known, and left out.
    """
    known = frozenset().union(*logins_on.values())
    pairs: list[MailboxPair] = []
    alone: list[MailboxPair] = []
    for login in sorted(known if mail.mirror is None or mail.mirror.users is None else known & {*mail.mirror.users}):
        servers = [server for server in exchangers_of(mail, login) if server in logins_on]
        have = [server for server in servers if login in logins_on[server]]
        pairs += [MailboxPair(login, have[0], other) for other in have[1:]]
        alone += [MailboxPair(login, have[0], other) for other in servers if have and other not in have]
    return Pairing(tuple(pairs), tuple(alone))


def exchangers_of(mail: Mail, login: str) -> tuple[str, ...]:
    """Return the servers that have this user's mail: its domain's exchangers; without one, those of the first domain.

    None where the domain has one exchanger, or is not the fleet's.
    """
    doubled = {name: domain.exchangers for name, domain in mail.domains.items() if len(domain.exchangers) > 1}
    name, at, domain = login.rpartition("@")
    if at and name:
        return doubled.get(domain.lower(), ())
    return next(iter(doubled.values()), ())


def due_moments(every: timedelta, returned_at: Iterable[datetime], now: datetime) -> Iterator[datetime]:
    """Yield the moments at which mailboxes should have been made alike of late: by time, and when a server returned.

    Each is done once, by whoever claims it first; all bots get the same ones.
    """
    yield now - (now - _EPOCH) % every
    yield from (at for at in returned_at if timedelta() <= now - at < every)

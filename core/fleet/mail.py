"""The mail that the servers take: who takes it, what proves that it arrives, and what of it is kept alike."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from core.fleet.access import SecretRef


@dataclass(frozen=True, slots=True)
class ProbeMailbox:
    """A mailbox of nobody's, in which a probe message is seen to arrive. user: its IMAP login."""

    user: str
    password: SecretRef

    def address_in(self, domain: str) -> str:
        """Return the address whose mail lies in it: the login, with the domain where it has none."""
        return self.user if "@" in self.user else f"{self.user}@{domain}"


@dataclass(frozen=True, slots=True)
class MailDomain:
    """Which servers take a domain's mail, in the order of its MX records; `probe` is an address all must accept."""

    name: str
    exchangers: tuple[str, ...]
    probe: str | None = None
    mailbox: ProbeMailbox | None = None


@dataclass(frozen=True, slots=True)
class MailPorts:
    """The ports of the mail servers."""

    smtp: int = 25
    imap: int = 143


@dataclass(frozen=True, slots=True)
class MailMirror:
    """How often mailboxes are made alike on all exchangers of their domain, both ways. users: None: all."""

    every: timedelta = timedelta(minutes=2)
    users: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class MailQueue:
    """How much may wait in a mail server's queue, and for how long; more is degraded."""

    messages: int = 50
    oldest: timedelta = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Mail:
    """The mail domains by name, the ports of the mail servers, and their limits. mirror: None: not kept alike."""

    domains: Mapping[str, MailDomain]
    ports: MailPorts = MailPorts()
    mirror: MailMirror | None = None
    queue: MailQueue = MailQueue()

    def domains_of(self, server: str) -> tuple[MailDomain, ...]:
        """Return the domains whose mail this server takes."""
        return tuple(domain for domain in self.domains.values() if server in domain.exchangers)

    @property
    def exchangers(self) -> tuple[str, ...]:
        """Every server that takes mail of a domain, each once."""
        return tuple(dict.fromkeys(server for domain in self.domains.values() for server in domain.exchangers))

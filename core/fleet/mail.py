"""The mail that the servers take."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class MailDomain:
    """Which servers take a domain's mail, in the order of its MX records; `probe` is an address all must accept."""

    name: str
    exchangers: tuple[str, ...]
    probe: str | None = None


@dataclass(frozen=True, slots=True)
class Mail:
    """The mail domains and the ports of the mail servers."""

    domains: tuple[MailDomain, ...] = ()
    smtp_port: int = 25
    imap_port: int = 143

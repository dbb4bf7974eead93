"""The mail that the servers take, which nothing reads yet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class MailDomain:
    """Which servers take a domain's mail, in the order of its MX records; `probe` is an address all must accept."""

    name: str
    exchangers: tuple[str, ...]
    probe: str | None = None


@dataclass(frozen=True, slots=True)
class MailPorts:
    """The ports of the mail servers."""

    smtp: int = 25
    imap: int = 143


@dataclass(frozen=True, slots=True)
class Mail:
    """The mail domains by name, and the ports of the mail servers."""

    domains: Mapping[str, MailDomain]
    ports: MailPorts = MailPorts()

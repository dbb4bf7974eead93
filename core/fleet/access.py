"""How the bot is let in: where secrets are, and how it logs in to a server."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class SecretRef:
    """Where a secret is: never the secret itself. `env:NAME` or `file:PATH` (absolute once read)."""

    kind: Literal["env", "file"]
    where: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.where}"


@dataclass(frozen=True, slots=True)
class SshLogin:
    """How the bot logs in to a server. `known_hosts` is a path on the bot's machine."""

    user: str
    port: int
    key: SecretRef
    known_hosts: str

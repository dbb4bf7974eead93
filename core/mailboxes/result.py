"""How runs on one user's mail on two servers end, and what is kept of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.failure import trouble_facts

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from core.failure import Failure
    from core.mailboxes.pairs import MailboxPair


ALIKE = "alike"


@dataclass(frozen=True, slots=True)
class MailboxResult:
    """One run. trouble: why the two are not alike; None: they are, as of its beginning."""

    pair: MailboxPair
    trouble: Failure | None
    took_s: float

    @property
    def outcome(self) -> str:
        """How it ended, "good", "refused" or "failed", as `core.reply.OUTCOMES` has it."""
        return self.trouble.outcome if self.trouble is not None else "good"

    @property
    def facts(self) -> dict[str, object]:
        """The same as plain JSON values, for scripts."""
        pair = self.pair
        servers = {"user": pair.login, "servers": [pair.server, pair.other]}
        return servers | {"outcome": self.outcome, "took_s": round(self.took_s, 3)} | trouble_facts(self.trouble)


@dataclass(frozen=True, slots=True)
class MailboxEnd:
    """What is kept of a run's end: "alike" or a failure's code, the state for the next one, and the failure."""

    outcome: str
    state: str
    body: Mapping[str, object]

    @classmethod
    def of(cls, found: str | Failure) -> MailboxEnd:
        """Return what a run has found: a state, or why the two are not alike. Then the next one compares everything."""
        return cls(ALIKE, found, {}) if isinstance(found, str) else cls(str(found.code), "", found.facts)


@dataclass(frozen=True, slots=True)
class MailboxRun:
    """The last run on one user's mail on two servers.

    ended_at: None while it runs, or where its bot died. outcome: "alike", or a failure's code; that of the run before
    while it runs. failures: runs in a row that ended otherwise. alike_at: when the last good run began. state: what
    the next one goes on with; empty: it compares everything. body: the failure.
    """

    login: str
    server: str
    other: str
    begun_at: datetime
    ended_at: datetime | None
    outcome: str
    failures: int
    alike_at: datetime | None
    state: str
    body: Mapping[str, object]

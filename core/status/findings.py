"""What `check --live` found, one thing at a time, said so that a person can act on it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was tried: `what` names it, `why` says in a few words how it went, `hint` what to do next.

    `hint` is empty where `ok`; `why` may say more even then (a version, or that nothing could be told).
    """

    what: str
    ok: bool
    why: str = ""
    hint: str = ""

    @property
    def in_words(self) -> str:
        """The same in one line."""
        hint = f" → {self.hint}" if self.hint else ""
        return f"{self.what}: {self.why}{hint}" if self.why else self.what

"""What `check --live` found, one thing at a time, said so that a person can act on it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was tried: `what` names it, `why` says in a few words how it went, `hint` what to do next.

    `hint` is empty where `ok`; `why` may say more even then (a version, or that nothing could be told). warning: it
    works, but lets through more than it must, or otherwise not as it should be; it then has a hint too.
    """

    what: str
    ok: bool
    why: str = ""
    hint: str = ""
    warning: bool = False

    @property
    def in_words(self) -> str:
        """The same in one line."""
        hint = f" → {self.hint}" if self.hint else ""
        return f"{self.what}: {self.why}{hint}" if self.why else self.what

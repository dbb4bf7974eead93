"""Verdicts: what each check of a plan says, as people read it before they approve."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """What a check says: go on, go on only with an explicit yes, or do not."""

    PASS = "pass"  # noqa: S105 - a verdict, not a password
    WARN = "warn"
    BLOCK = "block"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one check says. `hint` says what would help where it does not pass."""

    check: str
    level: Level
    text: str
    hint: str = ""

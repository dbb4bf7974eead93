"""What is not as it should be with the mail of a domain, in one sentence each."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


class Level(IntEnum):
    """How bad it is; the worst is the greatest. LATER: a server asked to be tried again, as it may."""

    LATER = 1
    UNKNOWN = 2
    WRONG = 3


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing about `where`: a server, or a name server."""

    level: Level
    where: str
    text: str


def wrong_texts(findings: Iterable[Finding]) -> tuple[str, ...]:
    """Return what is wrong, each once, without where."""
    return tuple(dict.fromkeys(one.text for one in findings if one.level == Level.WRONG))


def worst_of(findings: Iterable[Finding]) -> Level | None:
    """Return how bad the worst is; None: nothing was found."""
    return max((one.level for one in findings), default=None)

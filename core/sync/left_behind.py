"""What a copy does not take along, because only root could have made it there: how much of it there is."""

from __future__ import annotations

import re
from dataclasses import dataclass

from core.wording import count

_NUMBERS = re.compile(rb"([0-9]{1,18}) ([0-9]{1,18})\s*")


@dataclass(frozen=True, slots=True)
class LeftBehind:
    """How many files came without the set-uid or set-gid bit that they have at the source, and how many devices not."""

    privileged: int = 0
    devices: int = 0

    @property
    def remarks(self) -> tuple[str, ...]:
        """What there is to say of it, as sentences."""
        return (
            *([f"{count(self.privileged, 'file')} copied without set-uid or set-gid."] if self.privileged else []),
            *([f"{count(self.devices, 'device node')} not copied."] if self.devices else []),
        )


def read_left_behind(out: bytes) -> LeftBehind | None:
    """Read the two numbers that the source has counted; None: it has said something else."""
    found = _NUMBERS.fullmatch(out)
    return None if found is None else LeftBehind(int(found[1]), int(found[2]))

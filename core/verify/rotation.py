"""Which copies are proven next: those never proven, then those tried longest ago."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

Pair = tuple[str, str]


def whose_turn(pairs: Sequence[Pair], tried: Mapping[Pair, datetime], share: float) -> tuple[Pair, ...]:
    """Return the share of `pairs` (site, mirror) to prove now, rounded up.

    tried: when each was last tried, however that ended: one that always fails must not keep the others waiting. Those
    tried at the same time stay in their order.
    """
    # 0.07 of 100 is 7.000000000000001 to a computer.
    many = min(len(pairs), math.ceil(round(share * len(pairs), 6)))
    never = [pair for pair in pairs if pair not in tried]
    before = sorted((pair for pair in pairs if pair in tried), key=lambda pair: tried[pair])
    return tuple([*never, *before][:many])

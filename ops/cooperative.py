"""Long work on the event loop, a little at a time: in between everything else has its turn.

A thread would not do as well: while it computes, the loop gets the interpreter back only every 5 ms
(`sys.getswitchinterval`).
"""

from __future__ import annotations

import asyncio
from itertools import islice
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

T = TypeVar("T")
# Lines of text, or steps of a loop: they take a fraction of a millisecond together.
PIECE = 250


async def in_turns(things: Iterable[T], size: int = PIECE) -> AsyncIterator[list[T]]:
    """Give `things`, `size` at a time, and let the loop go round after each lot; they are made only when it is time."""
    rest = iter(things)
    while piece := list(islice(rest, size)):
        yield piece
        await asyncio.sleep(0)

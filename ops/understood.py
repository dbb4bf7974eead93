"""Reading what another machine said: a result, or a refusal of a kind that is told; never a traceback."""

from __future__ import annotations

import contextlib
import math
from typing import TYPE_CHECKING

from core.errors import NotUnderstoodError

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextlib.contextmanager
def understood(who: str, what: str) -> Iterator[None]:
    """Have what `who` said read in the block, and nothing else done there.

    Raises NotUnderstoodError where it is not `what` it should be: too short, of another kind, a number without end.
    """
    try:
        yield
    except (ValueError, TypeError, LookupError, ArithmeticError, AttributeError, RecursionError) as error:
        raise NotUnderstoodError(
            f"{who} said something else than {what}.",
            hint="Does a login script there print something, or is a program another than the one that it is called?",
        ) from error


def seconds(said: bytes) -> float:
    """Read a number of seconds. Raises ValueError for anything else, what is endless or no number included."""
    read = float(said)
    if not math.isfinite(read):
        raise ValueError(f"no moment: {said[:20]!r}")
    return read

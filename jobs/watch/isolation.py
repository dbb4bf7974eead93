"""What goes wrong in a look as nobody foresaw ends that look, and not the watch over all the others.

Its target is not seen then, and so becomes unknown. Why it is caught here: docs/decisions/0014.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable

log = logging.getLogger(__name__)

T = TypeVar("T")


async def isolate_failure(look: Awaitable[T], what: str) -> T | None:
    """Return what `look` does; None where it fails by a mistake in here, which the log tells with all of its way."""
    try:
        return await look
    except Exception:
        log.exception("watch=look of=%s failed inside", what)
        return None

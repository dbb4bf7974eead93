"""Work whose errors are part of its result, where one site's trouble must not end what is done for the others."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from core.errors import SharpnetError, StoreError
from core.failure import Failure

if TYPE_CHECKING:
    from collections.abc import Awaitable

Result = TypeVar("Result")


async def or_failure(work: Awaitable[Result]) -> Result | Failure:
    """Return what `work` does, or what went wrong with it. Raises StoreError: what cannot be recorded is not done."""
    try:
        return await work
    except StoreError:
        raise
    except SharpnetError as error:
        return Failure.of(error)

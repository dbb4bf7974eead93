"""What ends work that several tasks do together."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from core.errors import SharpnetError

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextlib.contextmanager
def first_error() -> Iterator[None]:
    """Raise, in place of a group of errors, the first of ours in it: the task that failed cancelled the others."""
    try:
        yield
    except ExceptionGroup as group:
        for error in group.exceptions:
            if isinstance(error, SharpnetError):
                raise error from None
        raise

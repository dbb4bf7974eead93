"""How the log is written: one line an event, whatever servers, files and people had to say in it."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from core.wording import printable

if TYPE_CHECKING:
    from types import TracebackType

FORMAT = "%(asctime)s %(levelname)s %(name)s %(message)s"
# Begins the lines of a traceback, so that none of them can be taken for an event.
MORE = "  | "


class OneLine(logging.Formatter):
    """Formats an event as one line of letters that only show; a traceback follows it, each line marked as its own."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's name
        """Return the event's line."""
        return printable(super().formatMessage(record))

    def formatException(  # noqa: N802 - likewise
        self, ei: tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]
    ) -> str:
        """Return a traceback's lines."""
        return _marked(super().formatException(ei))

    def formatStack(self, stack_info: str) -> str:  # noqa: N802 - likewise
        """Return the lines of a stack."""
        return _marked(super().formatStack(stack_info))


def log_to_stderr(level: str) -> None:
    """Have everything that is logged at `level` or above written to standard error, in this format."""
    handler = logging.StreamHandler()
    handler.setFormatter(OneLine(FORMAT))
    logging.basicConfig(level=level, handlers=[handler])


def _marked(text: str) -> str:
    return "\n".join(f"{MORE}{printable(line)}" for line in text.splitlines())

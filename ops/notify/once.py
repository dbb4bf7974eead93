"""Sends one message through Apprise, in a process of its own, so that what hangs can be ended and is in nobody's way.

Reads from standard input, as JSON: url, and title, body, kind; without these it only looks whether Apprise knows such
an address. Writes to standard output, as JSON: taken, said (what Apprise logged). It is started by its path, and
imports nothing of ours.
"""

from __future__ import annotations

import io
import json
import logging
import resource
import sys

from apprise import Apprise, NotifyFormat, NotifyType

MOST_MEMORY_BYTES = 512 * 1024 * 1024


def main() -> None:
    """Send it, and say how that went."""
    # Whatever answers is read whole by the library: what never ends ends this process, and no other.
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY_BYTES, MOST_MEMORY_BYTES))
    asked = json.load(sys.stdin)
    said = io.StringIO()
    log = logging.getLogger("apprise")
    handler = logging.StreamHandler(said)
    handler.addFilter(_is_about_trouble)
    log.handlers = [handler]
    log.setLevel(logging.DEBUG)
    log.propagate = False
    ways = Apprise()
    taken = ways.add(asked["url"])
    if taken and "title" in asked:
        taken = bool(
            ways.notify(
                body=asked["body"],
                title=asked["title"],
                notify_type=NotifyType(asked["kind"]),
                body_format=NotifyFormat.TEXT,
            )
        )
    json.dump({"taken": taken, "said": said.getvalue()}, sys.stdout)


def _is_about_trouble(record: logging.LogRecord) -> bool:
    """Leave out what was sent, which may itself be about a refused connection, and what was answered."""
    return record.levelno >= logging.WARNING or record.getMessage().startswith("Socket Exception")


if __name__ == "__main__":
    main()

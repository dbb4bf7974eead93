"""Sends one message through Apprise, in a process of its own, so that what hangs can be ended and is in nobody's way.

Reads from standard input, as JSON: url, title, body, kind. Writes to standard output, as JSON: taken, said (what
Apprise logged). It is started by its path, and imports nothing of ours.
"""

from __future__ import annotations

import io
import json
import logging
import sys

from apprise import Apprise, NotifyFormat, NotifyType


def main() -> None:
    """Send it, and say how that went."""
    asked = json.load(sys.stdin)
    said = io.StringIO()
    log = logging.getLogger("apprise")
    log.handlers = [logging.StreamHandler(said)]
    log.setLevel(logging.DEBUG)
    log.propagate = False
    ways = Apprise()
    taken = ways.add(asked["url"]) and ways.notify(
        body=asked["body"],
        title=asked["title"],
        notify_type=NotifyType(asked["kind"]),
        body_format=NotifyFormat.TEXT,
    )
    json.dump({"taken": bool(taken), "said": said.getvalue()}, sys.stdout)


if __name__ == "__main__":
    main()

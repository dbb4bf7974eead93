"""A status page drawn once for all servers that carry it, a little at a time, and the files of each server's copy."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.page.feed import page_feed
from core.page.html import body_parts, page_html
from core.page.json_feed import page_facts
from ops.cooperative import in_turns

if TYPE_CHECKING:
    from core.fleet import Fleet
    from core.page.model import Page

INDEX, FACTS, FEED = "index.html", "status.json", "feed.atom"
WRITTEN_ON = "written_on"
# A part is a server or a site with its 90 days: a few take a millisecond.
PARTS_AT_ONCE = 4


@dataclass(frozen=True, slots=True)
class SharedDrawing:
    """What is the same on every server: the page, most of its HTML, and the lines of its JSON."""

    page: Page
    fleet: str
    body: str
    facts: tuple[str, ...]

    def files(self, server: str = "") -> dict[str, bytes]:
        """Return the files of the copy on `server` ("": on none) by name.

        The page itself is last: whoever reads it finds the others at least as new.
        """
        page = self.page.on(server) if server else self.page
        facts = ",\n".join([_line(WRITTEN_ON, page.written_on or None), *self.facts])
        return {
            FACTS: f"{{\n{facts}\n}}\n".encode(),
            FEED: page_feed(page, self.fleet).encode(),
            INDEX: page_html(page, self.body).encode(),
        }


async def drawn(page: Page, fleet: Fleet) -> SharedDrawing:
    """Draw a page; in between everything else goes on."""
    parts = [part async for some in in_turns(body_parts(page), PARTS_AT_ONCE) for part in some]
    return SharedDrawing(page, fleet.name, "\n".join(parts), await asyncio.to_thread(_facts, page))


def _facts(page: Page) -> tuple[str, ...]:
    return tuple(_line(key, value) for key, value in page_facts(page).items() if key != WRITTEN_ON)


def _line(key: str, value: object) -> str:
    return f" {json.dumps(key)}: {json.dumps(value, ensure_ascii=False)}"

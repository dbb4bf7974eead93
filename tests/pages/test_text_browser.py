"""The page as people read it in a text browser: all of it, in an order that makes sense, and without a script."""

from __future__ import annotations

import asyncio
import re
import subprocess
from typing import TYPE_CHECKING

import pytest

from core.fleet.target import Target
from core.wording import clock_time
from jobs.pages import publish
from ops.gather.pages import stored_page, with_days

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pages.harness import Desk

REFUSED = "SSH: connection refused at port 2222"
pytestmark = pytest.mark.xdist_group("pages-text")


def read_aloud(url: str, home: Path) -> str:
    """Return what lynx shows of a page, as one line, its bullets with it."""
    words = ["lynx", "-dump", "-nolist", "-width=80", "-display_charset=utf-8", url]
    ran = subprocess.run(words, check=True, capture_output=True, text=True, timeout=20, env={"HOME": str(home)})
    return re.sub(r"\s+", " ", ran.stdout)


def in_this_order(text: str, parts: Sequence[str]) -> None:
    """Assert that all parts are there, each after the one before."""
    at = 0
    for part in parts:
        found = text.find(part, at)
        assert found >= 0, f"{part!r} does not follow in: {text[at:]}"
        at = found + len(part)


async def test_a_text_browser_shows_what_is_down_and_why_then_the_work_then_each_server_and_site(
    desk: Desk, tmp_path: Path
) -> None:
    await desk.say('maintenance lima 2h "New disks" --at 23:59')
    await desk.saw(REFUSED, server__oslo="down", server__lima="up")
    await desk.saw("status 500", **{"site:fjord.example": "down"})
    await desk.saw(**{"site:ski.example": "up"})
    await desk.outage(Target.server("oslo"), "A fire in the data centre", why=REFUSED, at_first=2)
    page = await with_days(desk.ports, await stored_page(desk.ports))
    failures = await publish(desk.ports, page)
    assert set(failures.values()) == {None}
    where = desk.ports.fleet.servers["lima"].status_page
    assert where is not None
    said = await asyncio.to_thread(read_aloud, where.url, tmp_path)
    assert "Each bar" not in said
    in_this_order(
        said,
        [
            "Current status",
            "✗ oslo (Oslo) is down; 1 of 3 sites are up",
            f"Written {clock_time(page.written_at, page.timezone)}",
            "This copy is on lima; it tells of oslo too.",
            "If that is more than 5 min ago, this page is old",
            "Open incidents",
            "* oslo (Oslo) is down, with 2 sites",
            "Cause: A fire in the data centre",
            REFUSED,
            "ongoing.",
            "Scheduled maintenance",
            "* Work on lima (Lima) Planned",
            "New disks",
            "Planned from",
            "Servers",
            "* oslo Oslo ✗ down",
            "* lima Lima ✓ up",
            "Past incidents",
            "Sites",
            "1 down, 1 not observed, 1 up, of 3 sites.",
            "* fjord.example on oslo ✗ down",
            "status 500",
            "* ski.example on oslo ✓ up",
            "? not observed",
            "Last look at a server:",
        ],
    )

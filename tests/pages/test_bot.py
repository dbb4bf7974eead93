"""A real bot keeps the pages, and leaves them behind whole when it is killed."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from pages.harness import until

if TYPE_CHECKING:
    from pages.harness import Desk

pytestmark = pytest.mark.xdist_group("pages")
SHARPNET = Path(sys.executable).parent / "sharpnet"


async def test_a_bot_writes_the_pages_and_ends_in_order(
    desk: Desk, shared: tuple[object, Path], tmp_path: Path
) -> None:
    log = tmp_path / "bot.log"
    with log.open("wb") as out:
        words = ["--config", str(shared[1]), "run"]
        bot = await asyncio.create_subprocess_exec(SHARPNET, *words, stdout=out, stderr=out)
    try:
        await until(lambda: all("Everything is up" in desk.page(server) for server in ("oslo", "lima")))
        first = desk.facts("oslo")["written_at"]
        desk.lab.drop("lima")
        await until(lambda: desk.state_of("lima", "oslo") == "down")
        assert desk.facts("oslo")["written_at"] > first
        bot.terminate()
        async with asyncio.timeout(20):
            assert await bot.wait() == 0
    finally:
        with contextlib.suppress(ProcessLookupError):
            bot.kill()
        await bot.wait()
    said = log.read_text()
    assert "Traceback" not in said
    assert "never retrieved" not in said
    # It may have been stopped while it wrote: then a part lies beside the page, which the next bot clears away.
    assert desk.page("oslo").endswith("</html>\n")

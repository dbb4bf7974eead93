"""A sync frozen before every touch of the world, overtaken by another one, and woken: nothing older comes back."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from frozen import BEFORE_ASKING, MOST_TOUCHES, frozen, woken
from sync.harness import tree_at

if TYPE_CHECKING:
    from pathlib import Path

    from sync.harness import Rig

    from core.fleet import Site


async def overtaken(rig: Rig, site: Site, text: str) -> None:
    """Write what is newer, and copy it as soon as the claim of the one that is frozen has lapsed."""
    rig.write(site, "oslo", {"index.html": text})
    async with asyncio.timeout(30):
        while (result := await rig.sync(site)).outcome != "good":
            assert result.trouble is not None
            assert result.trouble.code == "held", result
            await asyncio.sleep(0.1)


async def ended(rig: Rig, site: Site, since: int) -> bool:
    """Return whether a sync of the site has ended on record after its first `since` entries."""
    entries = (await rig.ports.store.record.entries())[since:]
    return any(entry.subject == site.name and entry.kind != "sync.begun" for entry in entries)


@pytest.mark.timeout(600)
async def test_woken_it_puts_nothing_older_in_place_and_says_that_it_stood_still(rig: Rig, tmp_path: Path) -> None:
    site = await rig.filled(rig.take())
    seen, given_up = [], 0
    for at in range(MOST_TOUCHES):
        rig.write(site, "oslo", {"index.html": f"written before round {at}", f"page-{at}": "x"})
        record = await rig.ports.store.record.entries()
        store = tmp_path / "store.sqlite"
        process, what = await frozen(rig.config, store, rig.lab.env, f"sync {site.name}", at, BEFORE_ASKING)
        if not what:
            assert (await process.wait()) == 0
            break
        seen.append(what)
        # Before it has claimed the site it may begin when it is woken, with what is there then; in the end all is done.
        is_under_way = bool(await rig.ports.store.claims.held()) and not await ended(rig, site, since=len(record))
        await overtaken(rig, site, f"written after round {at}")
        before, record = tree_at(rig.root(site, "lima")), await rig.ports.store.record.entries()
        said = await woken(process)
        assert tree_at(rig.root(site, "lima")) == before, f"frozen before touch {at}, {what}: {said}"
        if is_under_way:
            assert await rig.ports.store.record.entries() == record, f"frozen before touch {at}, {what}"
            assert said.startswith("1 "), f"frozen before touch {at}, {what}: {said}"
            given_up += 1
    assert {"store", "ssh.run"} <= set(seen)
    assert given_up > 5, f"too few touches to be a whole sync: {seen}"
    assert rig.same(site)

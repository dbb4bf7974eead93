"""An undo frozen before every touch of the world, overtaken by a sync, and woken: nothing older comes back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from frozen import BEFORE_ASKING, MOST_TOUCHES, frozen, woken
from lapsed import let_leases_pass
from sync.harness import tree_at

if TYPE_CHECKING:
    from pathlib import Path

    from sync.harness import Rig


@pytest.mark.timeout(600)
async def test_woken_it_puts_nothing_back_over_what_was_copied_since(rig: Rig, tmp_path: Path) -> None:
    site = await rig.filled(rig.take())
    seen, given_up = [], 0
    for at in range(MOST_TOUCHES):
        rig.write(site, "oslo", {"index.html": f"of round {at}", f"page-{at}": "x"})
        assert (await rig.sync(site)).outcome == "good"
        run = next(iter(await rig.ports.store.undos.since(rig.ports.clock.now().replace(year=2000), 1))).id
        record = len(await rig.ports.store.record.entries())
        process, what = await frozen(
            rig.config, tmp_path / "store.sqlite", rig.lab.env, f"sync --undo {run}", at, BEFORE_ASKING
        )
        if not what:
            assert (await process.wait()) == 0
            break
        seen.append(what)
        is_under_way = bool(await rig.ports.store.claims.held())
        await let_leases_pass(rig.ports.store, f"site:{site.name}")
        rig.write(site, "oslo", {"index.html": f"after round {at}"})
        assert (await rig.sync(site)).outcome == "good"
        before, entries = tree_at(rig.root(site, "lima")), await rig.ports.store.record.entries()
        said = await woken(process)
        where = f"frozen before touch {at}, {what}, with {len(entries) - record} entries since: {said}"
        if is_under_way:
            assert tree_at(rig.root(site, "lima")) == before, where
            assert await rig.ports.store.record.entries() == entries, where
            given_up += 1
    assert {"store", "ssh.run"} <= set(seen)
    assert given_up > 3, f"too few touches to be a whole undo: {seen}"

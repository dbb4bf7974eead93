"""A process frozen before every touch of the world while it keeps paths, overtaken, and woken: it changes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from failback.test_failback_killed import differing
from frozen import BEFORE_ASKING, MOST_TOUCHES, frozen, woken
from lapsed import let_leases_pass
from sync.harness import tree_at

if TYPE_CHECKING:
    from pathlib import Path

    from sync.harness import Rig


@pytest.mark.timeout(600)
async def test_woken_after_somebody_else_kept_the_paths_it_leaves_what_was_written_since(
    rig: Rig, tmp_path: Path
) -> None:
    seen, overtaken = [], 0
    for at in range(MOST_TOUCHES):
        site = await differing(rig)
        line = f"failback {site.name} --keep kept --keep both"
        process, what = await frozen(rig.config, tmp_path / "store.sqlite", rig.lab.env, line, at, BEFORE_ASKING)
        if not what:
            assert (await process.wait()) == 0
            break
        seen.append(what)
        where = f"frozen before touch {at}, {what}"
        await let_leases_pass(rig.ports.store, f"site:{site.name}")
        if any(name == site.name for name, _ in await rig.ports.store.copies.quarantined()):
            again = await rig.say(line)
            assert again.exit_code in (0, 3), (where, again)
            overtaken += 1
        rig.write(site, "lima", {"kept/a": "written since", "new": "as well"})
        rig.write(site, "oslo", {"left": "written on the mirror"})
        before = [tree_at(rig.root(site, server)) for server in site.servers]
        quarantined = await rig.ports.store.copies.quarantined()
        said = await woken(process)
        assert [tree_at(rig.root(site, server)) for server in site.servers] == before, f"{where}: {said}"
        assert await rig.ports.store.copies.quarantined() == quarantined, where
    assert {"store", "ssh.run"} <= set(seen)
    assert overtaken > 8, f"too few touches to be all of it: {seen}"

"""The bot killed with SIGKILL after every touch of the world while it keeps paths: nothing lost, and again goes on."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from lapsed import let_leases_pass
from sync.harness import WHO, contents_at, tree_at

from core.audit import first_broken

if TYPE_CHECKING:
    from sync.harness import Rig

    from core.fleet import Site

KILLED_PROCESS = Path(__file__).parents[1] / "killed_process.py"
SERVED = {"both": "served", "served": "only served"}
RETURNED = {"both": "returned!", "kept/a": "to keep", "left": "to leave"}


async def typed(rig: Rig, store: Path, line: str, at: int) -> str:
    """Type a line in a process that dies after its `at`th touch; return what it wrote."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        KILLED_PROCESS,
        rig.config,
        store,
        line,
        "keep",
        str(at),
        "after",
        env=os.environ | rig.lab.env,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    assert process.returncode == (-signal.SIGKILL if at else 0), err.decode()
    return out.decode()


def everything(rig: Rig, site: Site) -> set[object]:
    """Return every content that is anywhere: on both sides, and kept aside on them."""
    found: set[object] = set()
    for server in site.servers:
        root = rig.root(site, server)
        for folder in (root, *(root.parent / ".sharpnet").glob(f"{site.name}-*/replaced/*")):
            found.update(contents_at(folder).values())
    return found


async def differing(rig: Rig) -> Site:
    """Give a site with a returned copy that differs in every way."""
    site = await rig.filled(rig.take("lima"))
    rig.write(site, "lima", SERVED)
    rig.write(site, "oslo", RETURNED)
    now = rig.ports.clock.now()
    await rig.ports.store.copies.quarantine([(site.name, "oslo")], "left by rollback K7Q2", now, WHO)
    return site


async def killed_and_again(rig: Rig, store: Path, at: int) -> None:
    site, where = await differing(rig), f"killed after touch {at}"
    returned = tree_at(rig.root(site, "oslo"))
    contents = {text.encode() for text in (*SERVED.values(), *RETURNED.values())}
    line = f"failback {site.name} --keep kept --keep both"
    await typed(rig, store, line, at)
    assert contents <= everything(rig, site), where
    if (site.name, "oslo") in await rig.ports.store.copies.quarantined():
        # Its content is put in place before its quarantine ends; until then it is as it was.
        assert tree_at(rig.root(site, "oslo")) in (returned, tree_at(rig.root(site, "lima"))), where
        # A dead process's claim is free when its lease has passed.
        await let_leases_pass(rig.ports.store, f"site:{site.name}")
        again = await rig.say(line)
        assert again.exit_code == 0, (where, again)
    assert rig.same(site), where
    assert (rig.root(site, "lima") / "kept/a").read_text() == "to keep", where
    assert (rig.root(site, "lima") / "both").read_text() == "returned!", where
    assert contents <= everything(rig, site), where
    assert (site.name, "oslo") not in await rig.ports.store.copies.quarantined(), where


@pytest.mark.timeout(480)
async def test_killed_after_every_touch_nothing_is_lost_and_the_same_line_goes_on(rig: Rig, tmp_path: Path) -> None:
    store = tmp_path / "store.sqlite"
    site = await differing(rig)
    touches = int((await typed(rig, store, f"failback {site.name} --keep kept --keep both", 0)).split()[0])
    assert touches > 8, "too few touches to be all of it"
    two_at_a_time = asyncio.Semaphore(2)

    async def one(at: int) -> None:
        async with two_at_a_time:
            await killed_and_again(rig, store, at)

    await asyncio.gather(*(one(at) for at in range(1, touches + 1)))
    assert first_broken(await rig.ports.store.record.entries()) is None

"""Two syncs of one site at once, and a bot that is killed in one: each ends well, or says who is in the way."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from lapsed import let_leases_pass
from sync.harness import arriving_bytes, big_file, contents_at, rigged, slow_source, until

if TYPE_CHECKING:
    from sync.harness import Rig

SHARPNET = Path(sys.executable).parent / "sharpnet"


async def test_of_two_syncs_at_once_one_copies_and_the_other_says_who_is_in_the_way(rig: Rig) -> None:
    site = rig.take()
    rig.write(site, "oslo", {f"page-{number}": "x" for number in range(50)})
    results = await asyncio.gather(rig.sync(site), rig.sync(site))
    good, held = sorted(results, key=lambda result: result.outcome)
    assert (good.outcome, held.outcome) == ("good", "refused")
    assert held.trouble is not None
    assert held.trouble.code == "held"
    assert "a sync to lima" in held.trouble.message
    assert rig.same(site)
    assert await rig.ports.store.claims.held() == ()
    assert (await rig.sync(site)).outcome == "good"


async def test_two_bots_that_sync_one_site_at_once_do_not_meet_on_the_mirror(rig: Rig, tmp_path: Path) -> None:
    site = rig.take("lima")
    rig.write(site, "lima", {f"page-{number}": "x" for number in range(50)})
    async with rigged(rig.shared, tmp_path / "store.sqlite") as other:
        results = await asyncio.gather(rig.sync(site), other.sync(site))
    assert sorted(result.outcome for result in results) == ["good", "refused"]
    assert rig.same(site)


async def test_bots_that_do_not_know_of_each_other_are_kept_apart_by_the_mirror(own_rig: Rig, tmp_path: Path) -> None:
    site = await own_rig.filled(own_rig.take("lima"))
    slow_source(own_rig, "lima", "deploy")
    big_file(own_rig, site)
    async with rigged(own_rig.shared, tmp_path / "another.sqlite") as stranger:
        working = asyncio.create_task(own_rig.sync(site))
        await until(lambda: arriving_bytes(own_rig, site) > 0)
        second = await stranger.sync(site)
        assert second.trouble is not None
        assert (second.outcome, second.trouble.code) == ("refused", "busy")
        assert (await working).outcome == "good"
    assert own_rig.same(site)


async def test_a_bot_killed_in_a_sync_leaves_the_mirror_whole_and_the_next_sync_goes_on(
    own_rig: Rig, tmp_path: Path
) -> None:
    rig = own_rig
    site = await rig.filled(rig.take("lima"))
    slow_source(rig, "lima", "deploy")
    big_file(rig, site)
    served = rig.root(site, "oslo")
    before = contents_at(served)
    bot = await asyncio.create_subprocess_exec(
        SHARPNET,
        "--config",
        rig.config,
        "sync",
        site.name,
        env=os.environ | rig.lab.env | {"DATABASE_URL": f"sqlite:///{tmp_path / 'store.sqlite'}"},
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    await until(lambda: arriving_bytes(rig, site) > 0)
    bot.kill()
    assert await bot.wait() == -signal.SIGKILL
    assert contents_at(served) == before
    held = await rig.sync(site)
    assert held.trouble is not None
    assert held.trouble.code == "held"
    # The dead bot's claim lapses; what it had started on the mirror ends when it is noticed to be gone.
    await let_leases_pass(rig.ports.store)
    async with asyncio.timeout(60):
        while (result := await rig.sync(site)).outcome != "good":
            assert result.trouble is not None
            assert result.trouble.code in ("busy", "held"), result.trouble
            await asyncio.sleep(0.2)
    assert rig.same(site)

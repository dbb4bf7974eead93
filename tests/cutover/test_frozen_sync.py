"""A sync that was frozen between asking whether it may and sending it: the mirror itself refuses what is too old."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from cutover.harness import root_of, write
from cutover.test_frozen import let_go, process_of
from frozen import MOST_TOUCHES, woken

from core.plan.plan import PlanState

if TYPE_CHECKING:
    from asyncio.subprocess import Process
    from collections.abc import AsyncIterator

    from cutover.harness import Stage

SITE = "fjord.example"
# Longer than a frozen process has left to put something in place, as `frozen_process` has it.
OVER_S = 4.0
# As it is with a bot: what it has sent is good for nearly as long as it holds the site, and nobody waits for that.
LEASE_S = 20.0
# Where the turn is taken, the copy is made, the mirror's clock is read, and the folders are exchanged.
FEWEST = 4


async def syncs_frozen_one_command_later_each(stage: Stage, lease_s: float = 0.5) -> AsyncIterator[tuple[int, Process]]:
    """Begin a sync of something new again and again, frozen before its first, its second, … command is sent.

    What was sent is over by its deadline, unless it holds the site for longer than that.
    """
    for at in range(MOST_TOUCHES):
        write(root_of(stage, SITE, "oslo"), "index.html", f"edition {at} of oslo")
        process, what = await process_of(stage, f"sync {SITE}", at, "asked already", lease_s)
        if not what:
            assert (await process.wait()) == 0
            assert page(stage, "lima") == f"edition {at} of oslo"
            assert at > FEWEST, "too few commands to be a sync"
            return
        await asyncio.sleep(OVER_S if lease_s < OVER_S else 0)
        yield at, process


def page(stage: Stage, server: str) -> str:
    return (root_of(stage, SITE, server) / "index.html").read_text()


@pytest.mark.timeout(600)
async def test_woken_after_a_newer_sync_it_puts_nothing_older_in_its_place(stage: Stage) -> None:
    async for at, process in syncs_frozen_one_command_later_each(stage):
        write(root_of(stage, SITE, "oslo"), "index.html", f"a newer one, after edition {at}")
        reply = await stage.say(f"sync {SITE}")
        assert reply.exit_code == 0, reply
        said = await woken(process)
        assert page(stage, "lima") == f"a newer one, after edition {at}", f"frozen before command {at}: {said}"


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("lease_s", "cancelled"),
    [(0.5, False), (LEASE_S, False), (LEASE_S, True)],
    ids=["it had lost the site long before", "which took the site from it", "after it was cancelled"],
)
async def test_woken_after_a_cutover_it_touches_nothing_of_what_is_served_now(
    stage: Stage, lease_s: float, *, cancelled: bool
) -> None:
    async for at, process in syncs_frozen_one_command_later_each(stage, lease_s):
        held = await stage.ports.store.claims.held()
        if cancelled and held:
            await stage.say(f"cancel {SITE}")
        plan_id = await stage.plan(f"failover oslo --to lima --without ceviche.example --force 'round {at}'")
        await stage.say(f"approve {plan_id}")
        assert await stage.state_of(plan_id) == PlanState.CONFIRMED
        write(root_of(stage, SITE, "lima"), "index.html", f"written on lima in round {at}")
        said = await woken(process)
        assert page(stage, "lima") == f"written on lima in round {at}", f"frozen before command {at}: {said}"
        back = await stage.plan(f"rollback {plan_id} --force rehearsal")
        await stage.say(f"approve {back}")
        assert await stage.state_of(back) == PlanState.CONFIRMED
        await let_go(stage)

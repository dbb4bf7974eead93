"""Frozen before every touch of the world, overtaken meanwhile, and woken: it changes nothing any more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from cutover.harness import root_of, trace, traced
from frozen import BEFORE_ASKING, MOST_TOUCHES, frozen, woken

from core.audit import first_broken
from core.plan.plan import PlanState

if TYPE_CHECKING:
    from asyncio.subprocess import Process
    from collections.abc import Awaitable

    from cutover.harness import Stage

# As it is with a bot: longer than what it has sent may be on its way.
LEASE_S = 4.0


def process_of(
    stage: Stage, line: str, at: int, counts: str = "", lease_s: float = 0.5
) -> Awaitable[tuple[Process, str]]:
    """Start a process of this stage that is frozen before its touch `at`."""
    return frozen(stage.config, stage.config.parent / "sharpnet.db", stage.lab.env, line, at, counts, lease_s)


async def everything(stage: Stage, *plans: str) -> dict[str, Any]:
    """Return all that a woken process could change."""
    store = stage.ports.store
    entries = await store.record.entries()
    assert first_broken(entries) is None
    zones = ("fjord.example", "ski.example")
    return {
        "serials": {zone: stage.lab.query("primary", zone, "SOA")[0].split()[2] for zone in zones},
        "answers": [stage.answers(name) for name in ("www.fjord.example", "ski.example")],
        "active": await store.copies.active(),
        "quarantined": set(await store.copies.quarantined()),
        "claims": await store.claims.held(),
        "plans": [(await stage.state_of(plan), (await stage.card(plan)).title) for plan in plans],
        "record": [(entry.kind, entry.subject, entry.body) for entry in entries],
        "hooks": trace(stage, "oslo"),
    }


async def let_go(stage: Stage) -> None:
    """Let the copies go that the round before has left behind."""
    copies = stage.ports.store.copies
    await copies.release(await copies.quarantined(), "the next round", stage.ports.clock.now(), "test")


async def overtaken(stage: Stage, plan_id: str) -> str:
    """Carry the plan out here, whatever the frozen one has done of it, and roll it back; return the rollback's id."""
    if await stage.state_of(plan_id) == PlanState.PLANNED:
        await stage.say(f"approve {plan_id}")
    await stage.ports.engine.wait("cutover", plan_id)
    assert await stage.state_of(plan_id) == PlanState.CONFIRMED
    back = await stage.plan(f"rollback {plan_id} --force rehearsal")
    await stage.say(f"approve {back}")
    assert await stage.state_of(back) == PlanState.CONFIRMED
    return back


@pytest.mark.timeout(900)
async def test_woken_after_a_rollback_it_changes_nothing_wherever_it_was_frozen(stage: Stage) -> None:
    stage.lab.drop("oslo")
    seen = []
    for at in range(MOST_TOUCHES):
        await let_go(stage)
        plan_id = await stage.plan(f"failover oslo --to lima --without ceviche.example --force 'round {at}'")
        process, what = await process_of(stage, f"approve {plan_id}", at, "store,dns,ssh.")
        if not what:
            assert (await process.wait()) == 0
            break
        seen.append(what)
        back = await overtaken(stage, plan_id)
        before = await everything(stage, plan_id, back)
        said = await woken(process)
        assert await everything(stage, plan_id, back) == before, f"frozen before touch {at}, {what}: {said}"
    assert {"store", "dns.update", "dns, asked already"} <= set(seen)
    assert len(seen) > 12, "too few touches to be a whole cutover"


async def carried_out(stage: Stage, line: str) -> str:
    """Have a plan carried out to its end, and return its id."""
    plan_id = await stage.plan(line)
    await stage.say(f"approve {plan_id}")
    assert await stage.state_of(plan_id) == PlanState.CONFIRMED
    return plan_id


@pytest.mark.timeout(900)
async def test_a_rollback_that_is_woken_after_the_sites_moved_again_changes_nothing(stage: Stage) -> None:
    stage.lab.drop("oslo")
    seen = []
    for at in range(MOST_TOUCHES):
        failover = f"failover oslo --to lima --without ceviche.example --force 'round {at}'"
        await let_go(stage)
        plan_id = await carried_out(stage, failover)
        back = await stage.plan(f"rollback {plan_id} --force rehearsal")
        process, what = await process_of(stage, f"approve {back}", at, BEFORE_ASKING)
        if not what:
            assert (await process.wait()) == 0
            break
        seen.append(what)
        if await stage.state_of(back) == PlanState.PLANNED:
            await stage.say(f"approve {back}")
        await stage.ports.engine.wait("cutover", back)
        assert await stage.state_of(back) == PlanState.CONFIRMED
        await let_go(stage)
        again = await carried_out(stage, failover)
        before = await everything(stage, plan_id, back, again)
        said = await woken(process)
        assert await everything(stage, plan_id, back, again) == before, f"frozen before touch {at}, {what}: {said}"
        await carried_out(stage, f"rollback {again} --force rehearsal")
    assert {"store", "dns.update"} <= set(seen)
    assert len(seen) > 12, "too few touches to be a whole rollback"


def with_hooks(tree: dict[str, Any]) -> None:
    traced(tree, "fjord.example", "before_cutover", "freeze", "after_cutover", "thaw")


@pytest.mark.timeout(900)
@pytest.mark.parametrize("change", [with_hooks])
async def test_woken_in_a_planned_move_it_runs_no_hook_and_touches_no_copy(stage: Stage) -> None:
    seen = []
    for at in range(MOST_TOUCHES):
        await let_go(stage)
        plan_id = await stage.plan(f"failover fjord.example --to lima --planned --force 'round {at}'")
        process, what = await process_of(stage, f"approve {plan_id}", at, "ssh.")
        if not what:
            assert (await process.wait()) == 0
            break
        seen.append(what)
        back = await overtaken(stage, plan_id)
        page = root_of(stage, "fjord.example", "lima") / "index.html"
        page.write_text(f"written after round {at}")
        before = await everything(stage, plan_id, back)
        said = await woken(process)
        assert await everything(stage, plan_id, back) == before, f"frozen before touch {at}, {what}: {said}"
        assert page.read_text() == f"written after round {at}", f"frozen before touch {at}, {what}"
    assert len(seen) > 8, "too few commands to be hooks and a copy"
    assert trace(stage, "oslo").count("freeze") == trace(stage, "oslo").count("thaw")


@pytest.mark.timeout(600)
@pytest.mark.parametrize("change", [with_hooks])
async def test_a_hook_that_was_asked_for_before_it_fell_asleep_comes_too_late_once_others_go_on(stage: Stage) -> None:
    for at in range(1, MOST_TOUCHES):
        await let_go(stage)
        plan_id = await stage.plan(f"failover fjord.example --to lima --planned --force 'round {at}'")
        process, what = await process_of(stage, f"approve {plan_id}", at, "asked already, hook", LEASE_S)
        if not what:
            assert (await process.wait()) == 0
            break
        back = await overtaken(stage, plan_id)
        before = await everything(stage, plan_id, back)
        said = await woken(process)
        assert await everything(stage, plan_id, back) == before, f"frozen before hook {at}: {said}"
    assert at > 4

"""A plan whose records are again as they were when it was made: what else has changed since counts all the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.plan.plan import PlanState

if TYPE_CHECKING:
    from cutover.harness import Stage

SITE = "fjord.example"


async def test_a_plan_that_waited_goes_to_no_copy_that_was_quarantined_meanwhile(stage: Stage) -> None:
    waits = await stage.plan(f"failover {SITE} --force 'it burns'")
    other = await stage.plan(f"failover {SITE} --force 'it burns too'")
    await stage.say(f"approve {other}")
    back = await stage.plan(f"rollback {other} --force rehearsal")
    await stage.say(f"approve {back}")
    assert await stage.state_of(back) == PlanState.CONFIRMED
    assert stage.all_answer(SITE, "oslo")
    reply = await stage.say(f"approve {waits}")
    assert await stage.state_of(waits) == PlanState.STALE
    assert f"the copy of {SITE} on lima is quarantined since: left by rollback {back}" in str(reply.parts)
    assert stage.all_answer(SITE, "oslo")


async def test_a_rollback_that_waited_goes_to_what_its_own_cutover_has_left_in_quarantine(stage: Stage) -> None:
    plan_id = await stage.plan(f"failover {SITE} --force 'it burns'")
    await stage.say(f"approve {plan_id}")
    assert (SITE, "oslo") in await stage.ports.store.copies.quarantined()
    back = await stage.plan(f"rollback {plan_id} --force rehearsal")
    await stage.say(f"approve {back}")
    assert await stage.state_of(back) == PlanState.CONFIRMED

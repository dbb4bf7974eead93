"""Killed with SIGKILL before and after every touch of the world, twice in a row: nothing lost, nothing done twice."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from cutover.harness import root_of, trace, traced, write

from core.audit import first_broken
from core.plan.plan import PlanState

if TYPE_CHECKING:
    from typing import Any

    from cutover.harness import Stage

KILLED_PROCESS = Path(__file__).parents[1] / "killed_process.py"
MOST_TOUCHES = 40


async def typed(stage: Stage, line: str, at: int | str, side: str) -> tuple[int, str]:
    """Type a line in a process that dies at its `at`th touch or that step; return its exit status and what it wrote."""
    store = stage.config.parent / "sharpnet.db"
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        KILLED_PROCESS,
        stage.config,
        store,
        line,
        "cutover",
        str(at),
        side,
        env=os.environ | stage.lab.env,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    assert process.returncode in {0, -signal.SIGKILL}, err.decode()
    return process.returncode or 0, out.decode()


def serials(stage: Stage) -> dict[str, int]:
    zones = ("fjord.example", "ski.example")
    return {zone: int(stage.lab.query("primary", zone, "SOA")[0].split()[2]) for zone in zones}


async def assert_done_once(stage: Stage, plan_id: str, before: dict[str, int], where: str) -> None:
    assert await stage.state_of(plan_id) == PlanState.CONFIRMED, where
    # One update a zone raises its serial by one: two would have raised it by two.
    assert serials(stage) == {zone: serial + 1 for zone, serial in before.items()}, where
    entries = await stage.ports.store.record.entries()
    assert first_broken(entries) is None, where
    kinds = Counter(entry.kind for entry in entries if entry.subject == plan_id)
    assert (kinds["plan.made"], kinds["plan.approved"], kinds["plan.confirmed"]) == (1, 1, 1), where
    ended = [
        step["step"]
        for entry in entries
        if entry.subject == plan_id and entry.kind == "step.ended"
        for step in entry.body["steps"]  # type: ignore[attr-defined]
    ]
    outcomes = await stage.ports.store.plans.outcomes(plan_id)
    assert set(ended) == set(outcomes), where
    assert await stage.ports.store.claims.held() == (), where
    assert await stage.ports.store.runs.ended("cutover", plan_id), where


@pytest.mark.parametrize("side", ["before", "after"])
@pytest.mark.timeout(600)
async def test_killed_at_every_touch_twice_in_a_row_the_cutover_is_done_once(stage: Stage, side: str) -> None:
    stage.lab.drop("oslo")
    direction = ["failover oslo --to lima", "failover lima --to oslo --force rehearsal"]
    at = 1
    died = True
    while died:
        assert at < MOST_TOUCHES, "the cutover never ended"
        # To and fro, so that every round moves the same sites; the copies left behind are let go by hand.
        copies = stage.ports.store.copies
        await copies.release(await copies.quarantined(), "the next round", stage.ports.clock.now(), "test")
        plan_id = await stage.plan(f"{direction[(at - 1) % 2]} --without ceviche.example --force 'round {at}'")
        before = serials(stage)
        where = f"killed {side} touch {at}"
        died = (await typed(stage, f"approve {plan_id}", at, side))[0] != 0
        if await stage.state_of(plan_id) in {PlanState.PLANNED, PlanState.APPROVED}:
            await typed(stage, f"approve {plan_id}", min(at, 2), side)
        if await stage.state_of(plan_id) in {PlanState.PLANNED, PlanState.APPROVED}:
            assert (await typed(stage, f"approve {plan_id}", 0, side))[0] == 0, where
        await stage.ports.engine.wait("cutover", plan_id)
        await assert_done_once(stage, plan_id, before, where)
        target = "lima" if at % 2 else "oslo"
        assert stage.all_answer("www.fjord.example", target), where
        at += 1
    assert at > 12, "too few touches to be a whole cutover"


# One process after the other takes the cutover up and dies when it has taken the next of these.
STEPS = (
    "before fjord.example",
    "freeze fjord.example",
    "resync fjord.example",
    "verify",
    "check",
    "catch-up fjord.example",
    "thaw fjord.example",
    "hold wave 2",
    "sync ski.example",
)


def frozen_in_waves(tree: dict[str, Any]) -> None:
    traced(tree, "fjord.example", "before_cutover", "freeze", "after_cutover", "thaw")


@pytest.mark.parametrize("change", [frozen_in_waves])
@pytest.mark.parametrize(("side", "steps"), [("before", STEPS), ("after", STEPS[::3])])
async def test_killed_in_every_step_of_a_planned_move_in_waves_it_is_done_once_and_thawed(
    stage: Stage, side: str, steps: tuple[str, ...]
) -> None:
    plan_id = await stage.plan("failover oslo --planned --wave 1")
    before = serials(stage)
    for step in steps:
        died = (await typed(stage, f"approve {plan_id}", step, side))[0] != 0
        assert died, step
        if step == "verify":
            write(root_of(stage, "fjord.example", "oslo"), "late.txt", "arrived while the bot was dead")
    assert (await typed(stage, f"approve {plan_id}", 0, side))[0] == 0
    await stage.ports.engine.wait("cutover", plan_id)
    await assert_done_once(stage, plan_id, before, side)
    assert stage.all_answer("www.fjord.example", "lima")
    assert stage.all_answer("ski.example", "lima")
    assert (root_of(stage, "fjord.example", "lima") / "late.txt").read_text() == "arrived while the bot was dead"
    # A hook whose end was not on record runs again; none runs out of its turn.
    moments = [line.split()[0] for line in trace(stage, "oslo")]
    again = {step.split()[0] for step in steps} if side == "before" else set()
    expected = {"before_cutover": "before", "freeze": "freeze", "after_cutover": "after", "thaw": "thaw"}
    assert moments == [moment for moment, name in expected.items() for _ in range(2 if name in again else 1)]
    assert await stage.ports.store.copies.active() == {"fjord.example": "lima", "ski.example": "lima"}

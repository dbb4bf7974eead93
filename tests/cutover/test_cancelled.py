"""A cutover that somebody cancels ends at a step's boundary, with the truth; an emergency waits for no copy."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from cutover.harness import BOSS, trace, traced
from frozen import frozen, woken

from core.errors import OvertakenError, RefusedError
from core.people import Person, Role
from core.plan.plan import PlanState
from jobs.interrupted import end_interrupted
from jobs.sync import sync_site
from ops.gather.holding import holding
from ops.store.plans import RUN

if TYPE_CHECKING:
    from cutover.harness import Stage

    from core.sync.result import SyncResult

SHARPNET = Path(sys.executable).parent / "sharpnet"
STRANGER = Person("stranger", "slack", frozenset({Role.OPERATOR}))
NAMES = ("fjord.example", "ski.example")


def with_a_freeze(tree: dict[str, Any]) -> None:
    traced(tree, "ski.example", "before_cutover", "freeze", "after_cutover", "thaw")


class HangingCopies:
    """The copies of cutovers, real ones, until one of `site` hangs: the `at`th."""

    def __init__(self, site: str, at: int = 1) -> None:
        self.hangs = asyncio.Event()
        self._site, self._left = site, at

    async def __call__(self, ports: Any, site: str, *args: Any, **kwargs: Any) -> SyncResult:  # noqa: ANN401 - of sync_site
        self._left -= site == self._site
        if site == self._site and not self._left:
            self.hangs.set()
            await asyncio.Event().wait()
        return await sync_site(ports, site, *args, **kwargs)


async def typed_elsewhere(stage: Stage, *words: str) -> tuple[int | None, str]:
    """Type a line in another process; return how it ended and what it wrote."""
    process = await asyncio.create_subprocess_exec(
        SHARPNET,
        "--config",
        stage.config,
        *words,
        env=os.environ | stage.lab.env | {"DATABASE_URL": f"sqlite:///{stage.config.parent / 'sharpnet.db'}"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    out, _ = await process.communicate()
    return process.returncode, out.decode()


@pytest.mark.parametrize("change", [with_a_freeze])
async def test_cancelled_in_a_copy_that_hangs_it_changes_no_zone_and_thaws_what_was_frozen(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    copies = HangingCopies("ski.example", at=2)
    monkeypatch.setattr("jobs.cutover.steps.sync_site", copies)
    plan_id = await stage.plan("failover ski.example --to lima --planned")
    carried_out = asyncio.create_task(stage.say(f"approve {plan_id}"))
    await copies.hangs.wait()
    with pytest.raises(RefusedError, match="only who asked for it and this fleet's approvers"):
        await stage.say("cancel ski.example", STRANGER)
    code, out = await typed_elsewhere(stage, "cancel", "ski.example")
    assert code == 3, out
    assert "Cancelled: failover of ski.example from oslo to lima. Nothing changed" in out
    assert await stage.state_of(plan_id) == PlanState.CANCELLED
    assert (await carried_out).title.startswith("Cancelled: ")
    assert [line.split()[0] for line in trace(stage, "oslo")] == ["before_cutover", "freeze", "thaw"]
    assert stage.all_answer("ski.example", "oslo")
    assert await stage.ports.store.claims.held() == ()
    assert (await stage.ports.store.copies.active()).get("ski.example", "oslo") == "oslo"
    assert await end_interrupted(stage.ports) == {}
    assert await stage.ports.store.copies.running_syncs() == ()
    with pytest.raises(RefusedError, match=r"was not cancelled. It was cancelled."):
        await stage.say(f"cancel {plan_id}")
    kinds = [entry.kind for entry in await stage.ports.store.record.entries(subject=plan_id)]
    assert kinds.count("plan.cancel-asked") == kinds.count("plan.cancelled") == 1
    # The same can be asked for again at once.
    monkeypatch.setattr("jobs.cutover.steps.sync_site", sync_site)
    again = await stage.plan("failover ski.example --to lima --planned")
    assert (await stage.say(f"approve {again}")).exit_code == 0


async def test_cancelled_in_a_later_wave_it_says_what_has_moved_and_that_can_go_back(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    copies = HangingCopies("ski.example")
    monkeypatch.setattr("jobs.cutover.steps.sync_site", copies)
    plan_id = await stage.plan("failover fjord.example ski.example --to lima --planned --wave 1")
    carried_out = asyncio.create_task(stage.say(f"approve {plan_id}"))
    await copies.hangs.wait()
    first = await stage.say(f"cancel {plan_id}", follow=False)
    assert first.title == "The failover of 2 sites from oslo to lima ends after the step under way"
    second = await stage.say(f"cancel {plan_id}", Person("bob", "slack", frozenset({Role.APPROVER})), follow=False)
    assert "Cancelled by terminal:boss. Under way: " in str(second.parts)
    reply = await carried_out
    assert (reply.exit_code, await stage.state_of(plan_id)) == (1, PlanState.PARTIAL)
    assert reply.title.startswith("Done in part: 1 of 2 waves moved")
    assert "Cancelled by terminal:boss: what had not begun was left as it was." in str(reply.parts)
    assert stage.all_answer("fjord.example", "lima")
    assert stage.all_answer("ski.example", "oslo")
    active = await stage.ports.store.copies.active()
    assert [active.get(site, "oslo") for site in NAMES] == ["lima", "oslo"]
    assert await stage.ports.store.claims.held() == ()
    assert [button.label for button in reply.buttons] == ["Plan the rest", "Roll back"]
    back = await stage.plan(f"rollback {plan_id}")
    assert (await stage.say(f"approve {back}")).exit_code == 0
    assert stage.all_answer("fjord.example", "oslo")


async def test_cancelled_while_it_waits_for_a_copy_it_ends_at_once(stage: Stage) -> None:
    async with holding(stage.ports, "site:ski.example", "run", "a sync to lima"):
        plan_id = await stage.plan("failover ski.example --to lima --planned --force rehearsal")
        carried_out = asyncio.create_task(stage.say(f"approve {plan_id}"))
        await asyncio.sleep(0.5)
        reply = await stage.say(f"cancel {plan_id}")
        assert reply.title == "Cancelled: failover of ski.example from oslo to lima. Nothing changed"
        await carried_out
        assert [claim.owner for claim in await stage.ports.store.claims.held()] == ["run"]


async def test_an_approval_that_nobody_has_taken_up_is_cancelled_before_anything_is_begun(stage: Stage) -> None:
    stage.lab.drop("oslo")
    plan_id = await stage.plan("failover ski.example --to lima --force rehearsal")
    await stage.approve_and_die(plan_id)
    reply = await stage.say("cancel ski.example")
    assert reply.exit_code == 3
    assert await stage.state_of(plan_id) == PlanState.CANCELLED
    assert await stage.ports.store.plans.begun(plan_id) == frozenset()
    assert await stage.ports.store.runs.ended(RUN, plan_id)


@pytest.mark.parametrize(
    ("at", "counts", "state"), [(4, "store", PlanState.CANCELLED), (1, "dns", PlanState.CONFIRMED)]
)
async def test_whose_process_is_frozen_is_cancelled_and_woken_changes_nothing(
    stage: Stage, at: int, counts: str, state: PlanState
) -> None:
    stage.lab.drop("oslo")
    plan_id = await stage.plan("failover ski.example --to lima --force rehearsal")
    store = stage.config.parent / "sharpnet.db"
    process, what = await frozen(stage.config, store, stage.lab.env, f"approve {plan_id}", at, counts)
    assert what
    assert await stage.state_of(plan_id) == PlanState.APPROVED, what
    await stage.say(f"cancel {plan_id}")
    ended, record = await stage.state_of(plan_id), await stage.ports.store.record.entries()
    # A zone change that was begun is carried to its end: only then is it known.
    assert ended == state, what
    said = await woken(process)
    assert await stage.ports.store.record.entries() == record, said
    assert stage.all_answer("ski.example", "lima" if state == PlanState.CONFIRMED else "oslo")
    assert await stage.ports.store.claims.held() == ()


async def test_an_emergency_takes_its_sites_from_a_copy_that_hangs_and_says_so(stage: Stage) -> None:
    stage.lab.drop("oslo")

    async def copy() -> None:
        async with holding(stage.ports, "site:ski.example", "run", "a sync to lima"):
            hangs.set()
            await asyncio.Event().wait()

    hangs = asyncio.Event()
    copying = asyncio.create_task(copy())
    await hangs.wait()
    plan_id = await stage.plan("failover oslo --to lima --without ceviche.example")
    stored = await stage.ports.store.plans.get(plan_id)
    assert stored is not None
    warned = [verdict for verdict in stored.plan.warnings if verdict.check == "other work"]
    assert [verdict.text for verdict in warned] == ["busy: ski.example (a sync to lima)"]
    reply = await stage.say(f"approve {plan_id}")
    assert await stage.state_of(plan_id) == PlanState.CONFIRMED
    ended = "It did not wait for what ran on these sites, and ended that: ski.example (a sync to lima)."
    assert ended in str(reply.parts)
    assert all(stage.all_answer(name, "lima") for name in NAMES)
    async with asyncio.timeout(10):
        with pytest.raises(OvertakenError, match=f"it gave way to plan {plan_id}"):
            await copying
    assert await stage.ports.store.claims.held() == ()
    assert BOSS.label in {entry.who for entry in await stage.ports.store.record.entries(subject=plan_id)}

"""The fleet file changes under a plan that was approved: what is true is said, what was held is let go."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from cutover.harness import MOMENTS, edit, staged, trace, traced
from unit.replies import said

from core.audit import first_broken
from core.errors import RefusedError
from core.plan.plan import PlanState
from jobs.cutover.steps import STEPS
from jobs.recheck import ask_again

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from typing import Any

    from cutover.harness import Stage

    from core.cutover.steps import Step
    from jobs.cutover.step_context import Ended, StepContext

KILLED_PROCESS = Path(__file__).parents[1] / "killed_process.py"
BOTH = ("fjord.example", "ski.example")


def frozen_around(tree: dict[str, Any]) -> None:
    for moment in MOMENTS:
        traced(tree, "ski.example", moment)


def soon_unfinished(tree: dict[str, Any]) -> None:
    tree["dns"]["agree_within"] = "1s"


def without_ski(tree: dict[str, Any]) -> None:
    del tree["sites"]["ski.example"]


def without_ski_and_its_zone(tree: dict[str, Any]) -> None:
    without_ski(tree)
    tree["dns"]["zones"].remove("ski.example")


def without_lima(tree: dict[str, Any]) -> None:
    del tree["servers"]["lima"]
    for site in tree["sites"].values():
        site["home"], site["mirrors"] = "oslo", []


def without_oslo(tree: dict[str, Any]) -> None:
    del tree["servers"]["oslo"]
    for site in tree["sites"].values():
        site["home"], site["mirrors"] = "lima", []


def lima_elsewhere(tree: dict[str, Any]) -> None:
    tree["servers"]["lima"]["ipv4"] = tree["servers"]["lima"]["ipv4"].rpartition(".")[0] + ".77"


def another_root(tree: dict[str, Any]) -> None:
    tree["sites"]["ski.example"]["root"] = "/srv/{server}/www/ski-new"


def without_ns3(tree: dict[str, Any]) -> None:
    del tree["dns"]["nameservers"]["ns3"]


@asynccontextmanager
async def bot_started_anew(stage: Stage) -> AsyncIterator[Stage]:
    """Open the ports of another process, which reads the fleet file as it is now."""
    async with staged(stage.lab, stage.config.parent) as other:
        yield other


async def killed_after(stage: Stage, line: str, step: str, side: str = "after") -> None:
    """Type a line in a process that dies when it has taken that step."""
    store = stage.config.parent / "sharpnet.db"
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *(KILLED_PROCESS, stage.config, store, line, "cutover", step, side),
        env=os.environ | stage.lab.env,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    assert process.returncode == -signal.SIGKILL, (out, err)


async def assert_let_go(stage: Stage, plan_id: str) -> None:
    assert await stage.ports.store.claims.held() == ()
    assert await stage.ports.store.runs.ended("cutover", plan_id)
    assert first_broken(await stage.ports.store.record.entries()) is None
    stored = await stage.ports.store.plans.get(plan_id)
    assert stored is not None
    rows = await stage.ports.store._db.read(lambda opened: opened.query("SELECT plan FROM open_cutovers"))
    assert list(rows) == []


@pytest.mark.parametrize("change", [frozen_around])
@pytest.mark.parametrize("side", ["before", "after"])
async def test_a_site_that_left_the_file_while_it_was_frozen_is_thawed_and_holds_back_nobody(
    stage: Stage, side: str
) -> None:
    plan_id = await stage.plan("failover oslo --planned")
    await killed_after(stage, f"approve {plan_id}", "freeze ski.example", side)
    edit(stage, without_ski)
    async with bot_started_anew(stage) as other:
        assert await other.carry_out(plan_id) == PlanState.STALE
        assert "ski.example is no longer in the fleet file" in said(await other.card(plan_id))
        assert trace(stage, "oslo")[-1] == "thaw ski.example"
        await assert_let_go(other, plan_id)
        assert (await other.say(f"approve {await other.plan('failover fjord.example --planned')}")).exit_code == 0
    assert stage.all_answer("ski.example", "oslo")


@pytest.mark.parametrize("change", [frozen_around])
async def test_what_was_never_frozen_is_not_thawed(stage: Stage) -> None:
    plan_id = await stage.plan("failover oslo --planned")
    await killed_after(stage, f"approve {plan_id}", "before ski.example")
    edit(stage, without_ski)
    async with bot_started_anew(stage) as other:
        assert await other.carry_out(plan_id) == PlanState.STALE
        await assert_let_go(other, plan_id)
    assert trace(stage, "oslo") == ["before_cutover ski.example"]


@pytest.mark.parametrize("change", [frozen_around])
async def test_a_server_that_left_the_file_with_a_frozen_site_is_named(stage: Stage) -> None:
    plan_id = await stage.plan("failover ski.example --planned")
    await killed_after(stage, f"approve {plan_id}", "freeze ski.example")
    edit(stage, without_oslo)
    async with bot_started_anew(stage) as other:
        assert await other.carry_out(plan_id) == PlanState.STALE
        shown = said(await other.card(plan_id))
        assert "oslo is no longer in the fleet file" in shown
        assert "It may still be frozen" in shown
        await assert_let_go(other, plan_id)


@pytest.mark.parametrize(
    ("edited", "why"),
    [
        (without_ski, "ski.example is no longer in the fleet file"),
        (without_ski_and_its_zone, "zone ski.example is no longer in the fleet file"),
        (without_lima, "lima is no longer in the fleet file"),
        (lima_elsewhere, "lima has another address in the fleet file now"),
        (another_root, "ski.example lies elsewhere on lima in the fleet file now"),
        (without_ns3, "the name servers are no longer those of the plan: ns3"),
    ],
)
async def test_an_approval_is_not_carried_out_by_a_fleet_file_that_says_something_else(
    stage: Stage, edited: Callable[[dict[str, Any]], None], why: str
) -> None:
    plan_id = await stage.plan("failover oslo --planned")
    await stage.approve_and_die(plan_id)
    edit(stage, edited)
    async with bot_started_anew(stage) as other:
        assert await other.carry_out(plan_id) == PlanState.STALE
        assert why in said(await other.card(plan_id))
        await assert_let_go(other, plan_id)
    assert stage.all_answer("fjord.example", "oslo")
    assert stage.all_answer("ski.example", "oslo")


async def test_what_is_approved_while_the_file_has_lost_its_zone_is_stale_and_said(stage: Stage) -> None:
    plan_id = await stage.plan("failover oslo --planned")
    edit(stage, without_ski_and_its_zone)
    async with bot_started_anew(stage) as other:
        reply = await other.say(f"approve {plan_id}")
        assert (reply.exit_code, await other.state_of(plan_id)) == (3, PlanState.STALE)
        assert "zone ski.example is no longer in the fleet file" in said(reply)


async def test_a_bot_that_runs_with_an_older_file_changes_no_zone_by_it(stage: Stage) -> None:
    text = stage.config.read_text()
    edit(stage, lima_elsewhere)
    async with bot_started_anew(stage) as old:
        stage.config.write_text(text)
        plan_id = await stage.plan("failover oslo --planned")
        await stage.approve_and_die(plan_id)
        assert await old.carry_out(plan_id) == PlanState.STALE
        assert "the bot was started with an older fleet file" in said(await old.card(plan_id))
    assert stage.all_answer("ski.example", "oslo")


async def test_a_wave_whose_site_left_the_file_stays_and_the_waves_before_it_have_moved(stage: Stage) -> None:
    plan_id = await stage.plan("failover oslo --planned --wave 1")
    await killed_after(stage, f"approve {plan_id}", "sync ski.example")
    edit(stage, without_ski)
    async with bot_started_anew(stage) as other:
        assert await other.carry_out(plan_id) == PlanState.PARTIAL
        shown = said(await other.card(plan_id))
        assert "1 of 2 waves moved" in shown
        assert "ski.example is no longer in the fleet file" in shown
        await assert_let_go(other, plan_id)
        assert (await other.ports.store.copies.active())["fjord.example"] == "lima"
    assert stage.all_answer("fjord.example", "lima")
    assert stage.all_answer("ski.example", "oslo")


async def test_a_site_that_left_the_file_when_dns_had_moved_it_is_said_to_have_moved(stage: Stage) -> None:
    stage.lab.drop("oslo")
    plan_id = await stage.plan()
    stored = await stage.ports.store.plans.get(plan_id)
    assert stored is not None
    await killed_after(stage, f"approve {plan_id}", f"update {stored.plan.zones[0].key}")
    edit(stage, without_ski)
    async with bot_started_anew(stage) as other:
        assert await other.carry_out(plan_id) == PlanState.CONFIRMED
        await assert_let_go(other, plan_id)
        active, quarantined = await other.ports.store.copies.active(), await other.ports.store.copies.quarantined()
        assert [active[site] for site in BOTH] == ["lima", "lima"]
        assert set(quarantined) == {(site, "oslo") for site in BOTH}
    assert stage.all_answer("ski.example", "lima")


async def test_an_update_that_was_begun_before_the_file_changed_is_looked_up_not_sent_again(stage: Stage) -> None:
    stage.lab.drop("oslo")
    plan_id = await stage.plan()
    stored = await stage.ports.store.plans.get(plan_id)
    assert stored is not None
    await killed_after(stage, f"approve {plan_id}", f"update {stored.plan.zones[0].key}", "before")
    edit(stage, lima_elsewhere)
    async with bot_started_anew(stage) as other:
        assert await other.carry_out(plan_id) == PlanState.CONFIRMED
        await assert_let_go(other, plan_id)
    assert stage.all_answer("fjord.example", "lima")


@pytest.mark.parametrize("change", [frozen_around])
@pytest.mark.parametrize("raised", [KeyError("ski.example"), TypeError("None"), RefusedError("never")])
async def test_a_step_that_fails_by_itself_has_an_outcome_and_what_was_frozen_is_thawed(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, raised: Exception
) -> None:
    async def fails(_context: StepContext, _step: Step) -> Ended:
        raise raised

    monkeypatch.setitem(STEPS, "resync", fails)  # type: ignore[arg-type]
    plan_id = await stage.plan("failover ski.example --planned")
    reply = await stage.say(f"approve {plan_id}")
    assert (reply.exit_code, await stage.state_of(plan_id)) == (3, PlanState.STALE)
    assert trace(stage, "oslo") == [f"{moment} ski.example" for moment in ("before_cutover", "freeze", "thaw")]
    await assert_let_go(stage, plan_id)


async def test_what_left_the_file_is_not_rolled_back_and_that_is_said(stage: Stage) -> None:
    plan_id = await stage.plan("failover oslo --planned")
    assert (await stage.say(f"approve {plan_id}")).exit_code == 0
    edit(stage, without_ski_and_its_zone)
    async with bot_started_anew(stage) as other:
        with pytest.raises(RefusedError, match=r"ski\.example is no longer in the fleet file"):
            await other.say(f"rollback {plan_id}")


@pytest.mark.parametrize("change", [soon_unfinished])
async def test_a_bot_that_knows_fewer_name_servers_does_not_say_done_without_the_others(stage: Stage) -> None:
    text = stage.config.read_text()
    edit(stage, without_ns3)
    async with bot_started_anew(stage) as old:
        stage.config.write_text(text)
        plan_id = await stage.plan("failover oslo --planned")
        await stage.approve_and_die(plan_id)
        stage.lab.freeze("ns3")
        assert await old.carry_out(plan_id) == PlanState.UNFINISHED
        assert (await old.card(plan_id)).title.endswith("only 2 of 3 name servers in step; not yet: ns3")


async def unfinished(stage: Stage, line: str) -> str:
    plan_id = await stage.plan(line)
    stage.lab.freeze("ns3")
    assert (await stage.say(f"approve {plan_id}")).exit_code == 5
    assert await stage.state_of(plan_id) == PlanState.UNFINISHED
    return plan_id


async def asked_again(stage: Stage) -> None:
    await ask_again(stage.ports, "", stage.ports.clock.now())


async def ended(stage: Stage, plan_id: str) -> str:
    """Return why the record says that a plan has come to its last state."""
    return [str(e.body["why"]) for e in await stage.ports.store.record.entries(subject=plan_id) if "why" in e.body][-1]


@pytest.mark.parametrize("change", [soon_unfinished])
async def test_a_name_server_that_left_the_file_is_not_waited_for_and_said_so(stage: Stage) -> None:
    plan_id = await unfinished(stage, "failover oslo --planned")
    stage.config.write_text("servers: [" + (text := stage.config.read_text()))
    await asked_again(stage)
    assert await stage.state_of(plan_id) == PlanState.UNFINISHED, "a file that cannot be used takes nobody away"
    stage.config.write_text(text)
    edit(stage, without_ns3)
    async with bot_started_anew(stage) as other:
        await asked_again(other)
        assert await other.state_of(plan_id) == PlanState.CONFIRMED
        card = await other.card(plan_id)
        assert "All 2 name servers agree" in card.title
        assert card.title.endswith("without ns3: no longer in the fleet file")
        assert "ns3 | Kyoto | not waited for: no longer in the fleet file" in said(card)
        assert await ended(other, plan_id) == "all agree that the fleet file still has; without ns3"


@pytest.mark.parametrize("change", [soon_unfinished])
async def test_a_cutover_whose_sites_a_later_plan_moved_on_is_overtaken_and_asks_nobody(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = await unfinished(stage, "failover oslo --planned")
    later = await unfinished(stage, "failover fjord.example ski.example --to oslo --planned --force back")
    told: list[str] = []
    notify = stage.ports.dns.notify

    async def notifying(*args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - whatever `notify` takes
        told.append(str(args))
        await notify(*args, **kwargs)

    await asked_again(stage)
    assert [await stage.state_of(one) for one in (first, later)] == [PlanState.OVERTAKEN, PlanState.UNFINISHED]
    card = await stage.card(first)
    assert card.title.startswith("Overtaken: 2 sites moved from oslo (Oslo) to lima (Lima), and on since by plan")
    assert (later in card.title, card.buttons) == (True, ())
    assert later in await ended(stage, first)
    stage.lab.back("ns3")
    async with asyncio.timeout(60):
        while await stage.state_of(later) != PlanState.CONFIRMED:
            await asked_again(stage)
            await asyncio.sleep(0.2)
    monkeypatch.setattr(stage.ports.dns, "notify", notifying)
    await asked_again(stage)
    assert (told, await stage.state_of(first)) == ([], PlanState.OVERTAKEN)


@pytest.mark.parametrize("change", [soon_unfinished])
async def test_a_cutover_of_which_a_later_plan_moved_one_site_on_waits_for_the_other_only(stage: Stage) -> None:
    first = await unfinished(stage, "failover oslo --planned")
    later = await unfinished(stage, "failover fjord.example --to oslo --planned --force back")
    await asked_again(stage)
    assert await stage.state_of(first) == PlanState.UNFINISHED
    assert f"Moved on since by plan {later}" in said(await stage.card(first))
    stage.lab.back("ns3")
    async with asyncio.timeout(60):
        while await stage.state_of(first) != PlanState.CONFIRMED:
            await asked_again(stage)
            await asyncio.sleep(0.2)
    assert stage.all_answer("ski.example", "lima")
    assert stage.all_answer("fjord.example", "oslo")

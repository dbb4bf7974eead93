"""Many sites move in waves: each when the one before is right, and at the first trouble the rest stays."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from cutover.harness import root_of, trace, traced, while_dns_changes, write

from core.plan.plan import PlanState
from core.reply import Table
from jobs.cutover.unfinished import finish_unfinished

if TYPE_CHECKING:
    from typing import Any

    from cutover.harness import Stage

    from core.dns.records import RecordChange
    from core.fleet import Endpoint
    from core.reply import Reply
    from ops.store.plans import StoredPlan

IN_WAVES = "failover oslo --planned --wave 1"
NAMES = ("fjord.example", "shop.fjord.example", "ski.example")


def own_shop(tree: dict[str, Any]) -> None:
    """Make a name of fjord.example a site of its own: two waves then change one zone."""
    fjord = tree["sites"]["fjord.example"]
    fjord["names"].remove("shop.fjord.example")
    shop = {
        "home": "oslo",
        "mirrors": ["lima"],
        "names": ["shop.fjord.example"],
        "root": "/srv/{server}/www/shop.fjord.example",
    }
    sites = {"fjord.example": fjord, "shop.fjord.example": shop, "ski.example": tree["sites"]["ski.example"]}
    tree["sites"] = {**sites, **{name: site for name, site in tree["sites"].items() if name not in sites}}


def failing_later(tree: dict[str, Any]) -> None:
    own_shop(tree)
    for moment in ("freeze", "thaw"):
        traced(tree, "ski.example", moment)
    tree["sites"]["ski.example"]["hooks"]["freeze"].append({"on": "source", "run": "echo no; exit 1"})


async def stored(stage: Stage, plan_id: str) -> StoredPlan:
    found = await stage.ports.store.plans.get(plan_id)
    assert found is not None
    return found


def waves_in(reply: Reply) -> list[tuple[str, ...]]:
    table = next(part for part in reply.parts if isinstance(part, Table) and part.columns[0] == "wave")
    return [row.cells for row in table.rows]


@pytest.mark.parametrize("change", [own_shop])
async def test_waves_move_one_after_the_other_two_of_them_in_one_zone(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = []

    async def happens() -> None:
        held.extend(claim.name for claim in await stage.ports.store.claims.held())

    while_dns_changes(stage, monkeypatch, happens)
    shown = await stage.say(IN_WAVES)
    assert " in 3 waves? 4 records in 2 zones" in shown.title
    assert waves_in(shown) == [("1", "fjord.example", ""), ("2", "shop.fjord.example", ""), ("3", "ski.example", "")]
    assert shown.facts is not None
    plan_id = shown.facts["id"]
    done = await stage.say(f"approve {plan_id}")
    assert done.exit_code == 0, done
    assert [cells[2] for cells in waves_in(done)] == ["moved"] * 3
    assert all(stage.all_answer(name, "lima") for name in NAMES)
    assert stage.lab.query("primary", "fjord.example", "SOA")[0].split()[2] == "3"
    # Copies of later waves may run meanwhile.
    assert held == ["site:fjord.example"]
    assert await stage.ports.store.claims.held() == ()
    # What two waves changed in one zone goes back in one message.
    back = await stage.plan(f"rollback {plan_id}")
    assert (await stage.say(f"approve {back}")).exit_code == 0
    assert all(stage.all_answer(name, "oslo") for name in NAMES)
    assert stage.lab.query("primary", "fjord.example", "SOA")[0].split()[2] == "4"


@pytest.mark.parametrize("change", [failing_later])
async def test_a_trouble_in_a_wave_leaves_the_rest_and_offers_both_ways_on(stage: Stage) -> None:
    plan_id = await stage.plan("failover www.fjord.example shop.fjord.example ski.example --planned --wave 2")
    reply = await stage.say(f"approve {plan_id}")
    assert (reply.exit_code, await stage.state_of(plan_id)) == (1, PlanState.PARTIAL)
    assert reply.title.startswith("Done in part: 1 of 2 waves moved")
    assert [cells[2] for cells in waves_in(reply)] == ["moved", "stays"]
    assert "the freeze hook" in str(reply.parts)
    assert trace(stage, "oslo") == ["freeze ski.example", "thaw ski.example"]
    assert stage.all_answer("fjord.example", "lima")
    assert stage.all_answer("ski.example", "oslo")
    # What has moved is not asked for again: it would go home.
    assert [button.line for button in reply.buttons] == [
        "failover ski.example --planned --wave 2",
        f"rollback {plan_id}",
    ]
    assert await stage.ports.store.claims.held() == ()
    back = await stage.plan(f"rollback {plan_id}")
    assert (await stage.say(f"approve {back}")).exit_code == 0
    assert stage.all_answer("fjord.example", "oslo")


@pytest.mark.parametrize("change", [own_shop])
async def test_a_site_that_does_not_answer_where_it_has_moved_stops_the_next_wave(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobs.cutover.steps.CHECK_PAUSE_S", 0.1)

    async def happens() -> None:
        write(root_of(stage, "fjord.example", "lima"), "index.html", "somebody else's page")

    while_dns_changes(stage, monkeypatch, happens)
    plan_id = await stage.plan(IN_WAVES)
    reply = await stage.say(f"approve {plan_id}")
    assert (reply.exit_code, await stage.state_of(plan_id)) == (1, PlanState.PARTIAL)
    assert "does not respond correctly: fjord.example on lima" in str(reply.parts)
    assert [cells[2] for cells in waves_in(reply)] == ["moved, with trouble", "stays", "stays"]
    assert stage.all_answer("www.fjord.example", "lima")
    assert stage.all_answer("shop.fjord.example", "oslo")
    # Content flows from where DNS points all the same.
    assert (await stage.ports.store.copies.active())["fjord.example"] == "lima"
    assert reply.buttons[0].line == IN_WAVES


@pytest.mark.parametrize("change", [own_shop])
async def test_a_hand_edit_in_a_later_wave_is_never_overwritten(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    async def happens() -> None:
        edit = ["update delete shop.fjord.example A", "update add shop.fjord.example 300 A 192.0.2.77"]
        stage.lab.nsupdate("fjord.example", edit)

    while_dns_changes(stage, monkeypatch, happens)
    plan_id = await stage.plan(IN_WAVES)
    await stage.say(f"approve {plan_id}")
    assert await stage.state_of(plan_id) == PlanState.PARTIAL
    assert stage.all_answer("fjord.example", "lima")
    assert stage.lab.query("primary", "shop.fjord.example", "A") == ["192.0.2.77"]
    assert stage.all_answer("ski.example", "oslo")


@pytest.mark.parametrize("change", [own_shop])
async def test_a_name_server_that_lags_in_a_wave_stops_the_next(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    stage = stage.agreeing_within(timedelta(seconds=1))

    async def happens() -> None:
        stage.lab.freeze("ns2")

    while_dns_changes(stage, monkeypatch, happens)
    plan_id = await stage.plan(IN_WAVES)
    reply = await stage.say(f"approve {plan_id}")
    assert await stage.state_of(plan_id) == PlanState.PARTIAL
    assert [cells[2] for cells in waves_in(reply)] == ["moved, with trouble", "stays", "stays"]
    assert "not in step in time: ns2" in str(reply.parts)
    stage.lab.back("ns2")


async def test_a_last_wave_that_lags_is_unfinished_until_its_name_server_agrees(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = stage.agreeing_within(timedelta(seconds=2))
    update = stage.ports.dns.update

    async def freezing(server: Endpoint, zone: str, changes: tuple[RecordChange, ...], *, version: str) -> None:
        if zone == "ski.example":
            stage.lab.freeze("ns2")
        await update(server, zone, changes, version=version)

    monkeypatch.setattr(stage.ports.dns, "update", freezing)
    plan_id = await stage.plan(IN_WAVES)
    reply = await stage.say(f"approve {plan_id}")
    assert (reply.exit_code, await stage.state_of(plan_id)) == (5, PlanState.UNFINISHED)
    await finish_unfinished(stage.ports, await stored(stage, plan_id))
    assert await stage.state_of(plan_id) == PlanState.UNFINISHED
    stage.lab.back("ns2")
    async with asyncio.timeout(60):
        while await stage.state_of(plan_id) != PlanState.CONFIRMED:
            await finish_unfinished(stage.ports, await stored(stage, plan_id))
            await asyncio.sleep(0.2)
    assert stage.all_answer("ski.example", "lima")

"""A server drops, a person approves, every name server turns: and all that may go wrong in between."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from cutover.harness import staged
from unit.replies import said

from core.audit import first_broken
from core.errors import NotAllowedError, RefusedError
from core.fleet.target import Target
from core.people import Person, Role
from core.plan.plan import PlanState
from core.reply import Table
from core.wording import stamp
from jobs.plans import expire_plans
from jobs.recheck import ask_again
from ops.store.monitor.states import ObservedState

if TYPE_CHECKING:
    from typing import Any

    from cutover.harness import Stage

STRANGER = Person("U9EVE", "slack", frozenset())
OPERATOR = Person("U1OPS", "slack", frozenset({Role.OPERATOR}))
APPROVERS = [Person(f"U{n}APP", "slack", frozenset({Role.OPERATOR, Role.APPROVER})) for n in (5, 6, 7)]


async def test_a_dead_servers_sites_move_and_come_back_by_rollback(stage: Stage) -> None:
    stage.lab.drop("oslo")
    plan_id = await stage.plan()
    assert stage.all_answer("www.fjord.example", "oslo")
    done = await stage.say(f"approve {plan_id}")
    assert done.title.startswith("Done: 2 sites moved from oslo (Oslo) to lima (Lima). All 3 name servers agree")
    for name in ("fjord.example", "www.fjord.example", "shop.fjord.example", "ski.example"):
        assert stage.all_answer(name, "lima"), name
    assert await stage.ports.store.copies.active() == {"fjord.example": "lima", "ski.example": "lima"}
    assert {server for _, server in await stage.ports.store.copies.quarantined()} == {"oslo"}
    # The copies left behind wait for a choice: they are not counted as copies that nobody ever made.
    assert "1 never made" in str((await stage.say("status")).parts)
    stage.lab.back("oslo")
    back = await stage.plan(f"rollback {plan_id}")
    assert (await stage.say(f"approve {back}")).exit_code == 0
    assert stage.all_answer("ski.example", "oslo")
    assert await stage.state_of(plan_id) == PlanState.ROLLED_BACK
    assert {server for _, server in await stage.ports.store.copies.quarantined()} == {"lima"}
    assert first_broken(await stage.ports.store.record.entries()) is None


async def test_a_site_without_a_mirror_and_a_site_of_another_home_stay_where_they_are(stage: Stage) -> None:
    stage.lab.drop("oslo")
    reply = await stage.say("failover oslo")
    assert reply.facts is not None
    assert reply.facts["left_alone"] == (("attic.example", "it has no mirror"),)
    before = stage.answers("attic.example")
    assert (await stage.say(f"approve {reply.facts['id']}")).exit_code == 0
    assert stage.answers("attic.example") == before


async def test_a_server_that_is_up_is_not_failed_over_by_mistake(stage: Stage) -> None:
    reply = await stage.say("failover oslo")
    assert reply.exit_code == 3
    assert reply.title.startswith("Cannot go ahead, 2 sites stay on oslo: oslo is up, seen from here, lima")
    assert reply.facts is not None
    with pytest.raises(RefusedError, match="1 check in the way"):
        await stage.say(f"approve {reply.facts['id']}")
    assert stage.all_answer("fjord.example", "oslo")


async def test_a_forced_failover_shows_its_reason_and_puts_it_on_record(stage: Stage) -> None:
    plan_id = await stage.plan("failover oslo --force 'smoke in the rack'")
    stored = await stage.ports.store.plans.get(plan_id)
    assert stored is not None
    assert stored.plan.force == "smoke in the rack"
    assert (await stage.say(f"approve {plan_id}")).exit_code == 0
    made = [entry for entry in await stage.ports.store.record.entries() if entry.kind == "plan.made"]
    assert "smoke in the rack" in str(made[0].body)


async def test_a_hand_edit_between_plan_and_approval_makes_the_plan_stale(stage: Stage) -> None:
    stage.lab.drop("oslo")
    plan_id = await stage.plan()
    stage.lab.nsupdate(
        "fjord.example", ["update delete www.fjord.example A", "update add www.fjord.example 300 A 192.0.2.77"]
    )
    reply = await stage.say(f"approve {plan_id}")
    assert reply.exit_code == 3
    assert reply.title.startswith("Nothing changed")
    assert any("192.0.2.77" in str(part) or "www.fjord.example A" in str(part) for part in reply.parts)
    assert [button.line for button in reply.buttons] == ["failover oslo"]
    assert stage.all_answer("ski.example", "oslo")
    with pytest.raises(RefusedError, match="Something had changed"):
        await stage.say(f"approve {plan_id}")


async def test_a_fleet_file_that_changed_since_makes_the_plan_stale(stage: Stage) -> None:
    stage.lab.drop("oslo")
    plan_id = await stage.plan()
    text = stage.config.read_text()
    lima = stage.address("lima")[0]
    stage.config.write_text(text.replace(f"ipv4: {lima}\n", f"ipv4: {lima}9\n"))
    reply = await stage.say(f"approve {plan_id}")
    assert reply.exit_code == 3
    assert f"would become {lima}9" in str(reply.parts)
    again = await stage.plan("failover fjord.example")
    stage.config.write_text("servers: [")
    broken = await stage.say(f"approve {again}")
    assert "cannot be used" in str(broken.parts)
    assert stage.all_answer("fjord.example", "oslo")
    last = await stage.plan("failover ski.example")
    stage.config.write_text(text + "\n# only a comment more\n")
    assert (await stage.say(f"approve {last}")).exit_code == 0


async def test_a_hand_edit_between_approval_and_update_is_never_overwritten(stage: Stage) -> None:
    stage.lab.drop("oslo")
    plan_id = await stage.plan()
    await stage.approve_and_die(plan_id)
    stage.lab.nsupdate(
        "fjord.example", ["update delete www.fjord.example A", "update add www.fjord.example 300 A 192.0.2.77"]
    )
    assert await stage.carry_out(plan_id) == PlanState.PARTIAL
    assert set(map(tuple, stage.answers("www.fjord.example").values())) == {("192.0.2.77",)}
    # A zone changes whole or not at all: the untouched records of that zone are as they were.
    assert stage.all_answer("fjord.example", "oslo")
    assert stage.all_answer("ski.example", "lima")
    assert await stage.ports.store.copies.active() == {"ski.example": "lima"}
    card = await stage.card(plan_id)
    assert card.title.startswith("Done in part: 1 of 2 zones changed")
    assert [button.label for button in card.buttons] == ["Plan the rest", "Roll back"]


async def test_when_the_mirror_dies_too_going_home_needs_no_force(stage: Stage) -> None:
    stage.lab.drop("oslo")
    plan_id = await stage.plan()
    assert (await stage.say(f"approve {plan_id}")).exit_code == 0
    stage.lab.back("oslo")
    stage.lab.drop("lima")
    back = await stage.plan(f"rollback {plan_id}")
    assert (await stage.say(f"approve {back}")).exit_code == 0
    assert stage.all_answer("fjord.example", "oslo")


async def test_rolling_back_a_partial_cutover_takes_back_only_what_moved(stage: Stage) -> None:
    stage.lab.drop("oslo")
    plan_id = await stage.plan()
    await stage.approve_and_die(plan_id)
    stage.lab.nsupdate("fjord.example", ["update add www.fjord.example 300 A 192.0.2.77"])
    assert await stage.carry_out(plan_id) == PlanState.PARTIAL
    back = await stage.plan(f"rollback {plan_id} --force 'oslo is still down'")
    assert (await stage.say(f"approve {back}")).exit_code == 0
    assert stage.all_answer("ski.example", "oslo")
    assert "192.0.2.77" in stage.answers("www.fjord.example")["ns1"]
    # fjord.example never left, so its copy on lima is a mirror as before.
    assert list(await stage.ports.store.copies.quarantined()) == [("ski.example", "lima")]


@pytest.mark.parametrize("fault", ["drop", "freeze", "cut_off"])
async def test_a_name_server_that_does_not_answer_leaves_it_unfinished_until_it_returns(
    stage: Stage, fault: str
) -> None:
    stage = stage.agreeing_within(timedelta(seconds=1))
    stage.lab.drop("oslo")
    plan_id = await stage.plan()
    getattr(stage.lab, fault)("ns2")
    reply = await stage.say(f"approve {plan_id}")
    assert reply.exit_code == 5
    assert reply.title.endswith("2 of 3 name servers in step; not yet: ns2")
    stage.lab.back("ns2")
    async with asyncio.timeout(60):
        while await stage.state_of(plan_id) != PlanState.CONFIRMED:
            await ask_again(stage.ports, "", stage.ports.clock.now())
            await asyncio.sleep(0.2)
    assert stage.all_answer("fjord.example", "lima")
    card = await stage.card(plan_id)
    assert card.title.startswith("Done: ")


async def test_a_primary_that_dies_before_the_update_leaves_every_zone_as_it_was(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobs.cutover.update.UPDATE_PATIENCE_S", 1.0)
    stage.lab.drop("oslo")
    plan_id = await stage.plan()
    await stage.approve_and_die(plan_id)
    stage.lab.drop("primary")
    assert await stage.carry_out(plan_id) == PlanState.STALE
    assert stage.all_answer("fjord.example", "oslo")
    card = await stage.card(plan_id)
    assert card.title.startswith("Nothing changed")
    stage.lab.back("primary")
    again = await stage.plan()
    assert (await stage.say(f"approve {again}")).exit_code == 0


async def test_what_a_dead_process_may_have_sent_is_never_called_untouched(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobs.cutover.update.UPDATE_PATIENCE_S", 1.0)
    stage.lab.drop("oslo")
    plan_id = await stage.plan("failover ski.example")
    await stage.approve_and_die(plan_id)
    stored = await stage.ports.store.plans.get(plan_id)
    assert stored is not None
    (zone,) = stored.plan.zones
    # It sent the update and died before it could put the answer on record; then the primary died too.
    plans, now = stage.ports.store.plans, stage.ports.clock.now()
    await plans.begin_steps(plan_id, [f"update {zone.key}"], now, "dead")
    await stage.ports.dns.update(zone.update, zone.zone, zone.changes)
    stage.lab.drop("primary")
    assert await stage.carry_out(plan_id) == PlanState.PARTIAL
    assert "It may or may not have changed" in str((await stage.card(plan_id)).parts)


async def test_a_primary_that_comes_back_in_time_is_waited_for(stage: Stage) -> None:
    stage.lab.drop("oslo")
    plan_id = await stage.plan()
    await stage.approve_and_die(plan_id)
    stage.lab.drop("primary")
    going_on = asyncio.create_task(stage.carry_out(plan_id))
    await asyncio.sleep(1.5)
    await asyncio.to_thread(stage.lab.back, "primary")
    assert await going_on == PlanState.CONFIRMED
    assert stage.all_answer("fjord.example", "lima")


async def test_an_update_server_that_stops_answering_is_in_the_plan_as_a_block(stage: Stage) -> None:
    stage.lab.drop("oslo")
    stage.lab.drop("primary")
    with pytest.raises(RefusedError, match=r"No plan can be made: the zones cannot be read\."):
        await stage.say("failover oslo")


async def test_a_primary_whose_clock_is_minutes_off_refuses_and_nothing_changes(stage: Stage) -> None:
    stage.lab.drop("oslo")
    plan_id = await stage.plan()
    await stage.approve_and_die(plan_id)
    stage.lab.restart_host("primary", faketime="+20m")
    assert await stage.carry_out(plan_id) == PlanState.STALE
    assert stage.all_answer("fjord.example", "oslo")
    card = await stage.card(plan_id)
    assert "clock" in str(card.parts)


async def test_a_primary_that_refuses_the_key_blocks_the_plan(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    stage.lab.drop("oslo")
    tsig = stage.ports.fleet.dns.tsig
    assert tsig is not None
    async with staged(stage.lab, stage.config.parent) as other:
        with monkeypatch.context() as changed:
            changed.setenv(tsig.secret.where, "d3Jvbmcga2V5IQ==")
            with pytest.raises(RefusedError, match="BADSIG"):
                await other.say("failover oslo")
    assert stage.all_answer("fjord.example", "oslo")


@pytest.mark.parametrize("person", [STRANGER, OPERATOR])
async def test_only_an_approver_can_approve_or_roll_back(stage: Stage, person: Person) -> None:
    stage.lab.drop("oslo")
    plan_id = await stage.plan()
    for line in (f"approve {plan_id}", f"rollback {plan_id}"):
        with pytest.raises(NotAllowedError, match="Nothing changed"):
            await stage.say(line, person)
    assert await stage.state_of(plan_id) == PlanState.PLANNED
    assert stage.all_answer("fjord.example", "oslo")
    refused = [entry.who for entry in await stage.ports.store.record.entries() if entry.kind == "command.refused"]
    assert refused == [person.label, person.label]


async def test_a_stranger_can_neither_ask_nor_cancel(stage: Stage) -> None:
    stage.lab.drop("oslo")
    with pytest.raises(NotAllowedError):
        await stage.say("failover oslo", STRANGER)
    plan_id = await stage.plan()
    with pytest.raises(RefusedError, match="only who asked for it"):
        await stage.say(f"cancel {plan_id}", STRANGER)
    assert await stage.state_of(plan_id) == PlanState.PLANNED


async def test_a_cancelled_plan_cannot_be_approved(stage: Stage) -> None:
    stage.lab.drop("oslo")
    plan_id = await stage.plan()
    await stage.say(f"cancel {plan_id}")
    with pytest.raises(RefusedError, match="It was cancelled"):
        await stage.say(f"approve {plan_id}")
    assert stage.all_answer("fjord.example", "oslo")


async def test_an_expired_plan_cannot_be_approved_and_its_card_says_so(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.lab.drop("oslo")
    plan_id = await stage.plan()
    late = stage.ports.clock.now() + timedelta(minutes=11)
    monkeypatch.setattr(stage.ports.clock, "now", lambda: late)
    with pytest.raises(RefusedError, match="It expired 1 min ago"):
        await stage.say(f"approve {plan_id}")
    await expire_plans(stage.ports, "", late)
    assert await stage.state_of(plan_id) == PlanState.EXPIRED
    card = await stage.card(plan_id)
    assert card.title.startswith("Expired: ")
    assert [button.line for button in card.buttons] == ["failover oslo"]
    assert stage.all_answer("fjord.example", "oslo")


async def age_the_approval(stage: Stage, plan_id: str, by: timedelta) -> None:
    at = stamp(stage.ports.clock.now() - by)
    await stage.ports.store._db.write(
        lambda opened: opened.execute("UPDATE plans SET approved_at = ? WHERE id = ?", [at, plan_id])
    )


async def test_an_approval_that_is_found_days_later_moves_nothing(stage: Stage) -> None:
    stage.lab.drop("oslo")
    plan_id = await stage.plan("failover oslo --to lima --without ceviche.example")
    await stage.approve_and_die(plan_id)
    await age_the_approval(stage, plan_id, timedelta(days=3))
    assert await stage.carry_out(plan_id) == PlanState.STALE
    assert stage.all_answer("www.fjord.example", "oslo")
    assert await stage.ports.store.claims.held() == ()
    assert "it was approved 3 d ago, and is begun within 5 min or not at all" in said(await stage.card(plan_id))
    # Its sites are free for the next plan.
    assert (
        await stage.say(f"approve {await stage.plan('failover oslo --to lima --without ceviche.example')}")
    ).exit_code == 0


async def test_an_approval_that_is_taken_up_a_minute_later_is_compared_with_the_world_again(stage: Stage) -> None:
    stage.lab.drop("oslo")
    plan_id = await stage.plan("failover oslo --to lima --without ceviche.example")
    await stage.approve_and_die(plan_id)
    await age_the_approval(stage, plan_id, timedelta(minutes=1))
    stage.lab.nsupdate(
        "fjord.example", ["update delete www.fjord.example A", "update add www.fjord.example 300 A 192.0.2.77"]
    )
    assert await stage.carry_out(plan_id) == PlanState.STALE
    assert stage.all_answer("ski.example", "oslo")


async def test_ten_presses_at_once_by_several_people_carry_it_out_once(stage: Stage) -> None:
    stage.lab.drop("oslo")
    plan_id = await stage.plan()
    line = (await stage.card(plan_id)).buttons[0].line
    presses = [stage.say(line, person, follow=False) for person in APPROVERS * 3]
    results = await asyncio.gather(*presses, return_exceptions=True)
    assert all(isinstance(result, RefusedError) or not isinstance(result, BaseException) for result in results), results
    assert await stage.carry_out(plan_id) == PlanState.CONFIRMED
    kinds = [(entry.kind, str(entry.body.get("steps"))) for entry in await stage.ports.store.record.entries()]
    assert len([kind for kind, steps in kinds if kind == "step.ended" and "update" in steps]) == 1
    assert [kind for kind, _ in kinds].count("plan.confirmed") == 1


async def test_asking_twice_gives_the_same_plan(stage: Stage) -> None:
    stage.lab.drop("oslo")
    assert await stage.plan(person=APPROVERS[0]) == await stage.plan(person=APPROVERS[1])


async def test_two_plans_for_the_same_sites_cannot_both_be_carried_out(stage: Stage) -> None:
    stage.lab.drop("oslo")
    first = await stage.plan()
    second = await stage.plan("failover fjord.example")
    assert (await stage.say(f"approve {first}")).exit_code == 0
    assert (await stage.say(f"approve {second}")).exit_code == 3
    assert await stage.state_of(second) == PlanState.STALE


async def test_a_digest_of_something_else_is_not_approved(stage: Stage) -> None:
    stage.lab.drop("oslo")
    plan_id = await stage.plan()
    with pytest.raises(RefusedError, match="What you were shown is not this plan"):
        await stage.say(f"approve {plan_id} --digest {'0' * 16}")


async def test_a_source_that_came_back_since_makes_the_plan_stale(stage: Stage) -> None:
    stage.lab.drop("oslo")
    plan_id = await stage.plan()
    stage.lab.back("oslo")
    now = stage.ports.clock.now()
    await stage.ports.store.states.saw([ObservedState(Target.server("oslo"), "up", now, now)], gap=timedelta(seconds=5))
    reply = await stage.say(f"approve {plan_id}")
    assert reply.exit_code == 3
    assert "oslo is up again" in str(reply.parts)


async def test_every_changed_record_is_in_the_plan_as_shown(stage: Stage) -> None:
    stage.lab.drop("oslo")
    reply = await stage.say("failover oslo")
    table = next(part for part in reply.parts if isinstance(part, Table) and part.columns[0] == "now → then")
    oslo, lima = stage.address("oslo")[0], stage.address("lima")[0]
    names = "fjord.example, www.fjord.example, shop.fjord.example, ski.example"
    assert [row.cells for row in table.rows] == [(f"A {oslo} → {lima}", "300 s", names)]


def need_two(tree: dict[str, Any]) -> None:
    tree["slack"]["approvals_needed"] = 2


@pytest.mark.parametrize("change", [need_two])
async def test_with_two_needed_approvals_two_others_have_to_approve(stage: Stage) -> None:
    stage.lab.drop("oslo")
    asker, first, second = APPROVERS
    plan_id = await stage.plan(person=asker)
    with pytest.raises(RefusedError, match="You asked for it"):
        await stage.say(f"approve {plan_id}", asker)
    waiting = await stage.say(f"approve {plan_id}", first)
    assert "approved so far: slack:U6APP" in str(waiting.parts)
    with pytest.raises(RefusedError, match="You have approved it already"):
        await stage.say(f"approve {plan_id}", first)
    assert stage.all_answer("fjord.example", "oslo")
    assert (await stage.say(f"approve {plan_id}", second)).exit_code == 0
    assert stage.all_answer("fjord.example", "lima")


async def test_other_names_that_point_at_the_source_are_listed_and_stay(stage: Stage) -> None:
    oslo = stage.address("oslo")[0]
    stage.lab.nsupdate("fjord.example", [f"update add ftp.fjord.example 300 A {oslo}"])
    stage.lab.drop("oslo")
    reply = await stage.say("failover oslo")
    assert reply.facts is not None
    assert reply.facts["mentions"] == (f"ftp.fjord.example A {oslo} (oslo)",)
    assert (await stage.say(f"approve {reply.facts['id']}")).exit_code == 0
    assert stage.all_answer("ftp.fjord.example", "oslo")

"""Cutovers whose update server has somebody before it, who knows no key: what he says is never what is told."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import dns.rcode
import pytest
from forger import everything, forging, is_update, unsigned

from core.errors import DnsError, DnsRefusedError
from core.plan.plan import PlanState
from jobs.cutover import carry_out
from ops.store.plans import RUN

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from cutover.harness import Stage
    from forger import Forger

    from core.fleet import Endpoint

REFUSED = unsigned(dns.rcode.REFUSED)


def by_way_of(stage: Stage, way: Endpoint) -> Stage:
    """Return a stage whose update server is reached by way of somebody."""
    fleet = replace(stage.ports.fleet, dns=replace(stage.ports.fleet.dns, update=(way,)))
    ports = replace(stage.ports, fleet=fleet, live_fleet=lambda: fleet)
    ports.engine.carries({RUN: partial(carry_out, ports)})
    return replace(stage, ports=ports)


@asynccontextmanager
async def approved(stage: Stage) -> AsyncIterator[tuple[Stage, str, Forger]]:
    """Give a stage with a plan that was approved before anybody forged anything, and who will."""
    stage.lab.drop("oslo")
    async with forging(stage.ports.fleet.dns.update[0], REFUSED) as (way, forger):
        forger.forges = lambda _: False
        here = by_way_of(stage, way)
        plan_id = await here.plan("failover ski.example")
        await here.approve_and_die(plan_id)
        yield here, plan_id, forger


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jobs.cutover.update.UPDATE_PATIENCE_S", 1.0)


async def test_a_zone_that_has_changed_is_said_to_have_whatever_he_answers(stage: Stage) -> None:
    async with approved(stage) as (here, plan_id, forger):
        forger.forges = is_update
        assert await here.carry_out(plan_id) == PlanState.CONFIRMED
        assert forger.forged
    assert stage.all_answer("ski.example", "lima")


async def test_where_he_refuses_reading_too_it_may_or_may_not_have_changed(stage: Stage) -> None:
    async with approved(stage) as (here, plan_id, forger):
        forger.forges = lambda query: is_update(query) or forger.forged > 0
        assert await here.carry_out(plan_id) == PlanState.PARTIAL
        assert "It may or may not have changed" in str((await here.card(plan_id)).parts)


async def test_where_nothing_could_be_sent_nothing_changed(stage: Stage) -> None:
    async with approved(stage) as (here, plan_id, forger):
        forger.forges = everything
        assert await here.carry_out(plan_id) == PlanState.STALE
    assert stage.all_answer("ski.example", "oslo")


async def test_what_he_holds_back_may_still_be_carried_out_and_is_said_to(stage: Stage) -> None:
    async with approved(stage) as (here, plan_id, forger):
        forger.forges, forger.holds_back = is_update, True
        assert await here.carry_out(plan_id) == PlanState.PARTIAL
        assert "may still be carried out until" in str((await here.card(plan_id)).parts)
        await forger.release()
    assert stage.lab.query("primary", "ski.example", "A") == stage.address("lima")


@pytest.mark.parametrize("kind", [DnsRefusedError, DnsError])
async def test_what_he_holds_back_is_said_to_be_open_however_the_next_one_is_answered(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, kind: type[DnsError]
) -> None:
    stage.lab.drop("oslo")
    async with forging(stage.ports.fleet.dns.update[0], REFUSED) as (way, forger):
        forger.forges = lambda _: False
        here = by_way_of(stage, way)
        plan_id = await here.plan("failover ski.example")
        await here.approve_and_die(plan_id)
        sent = here.ports.dns.update

        async def refused_later(*about: Any, **more: Any) -> None:  # noqa: ANN401  those of `update`
            if forger.held:
                raise kind("The primary itself says no.")
            await sent(*about, **more)

        monkeypatch.setattr(here.ports.dns, "update", refused_later)
        monkeypatch.setattr("jobs.cutover.update.UPDATE_PATIENCE_S", 20.0)
        forger.forges, forger.holds_back = is_update, True
        assert await here.carry_out(plan_id) == PlanState.PARTIAL
        said = str((await here.card(plan_id)).parts)
        assert "The primary itself says no." in said
        assert "may still be carried out until" in said
        await forger.release()
    assert stage.lab.query("primary", "ski.example", "A") == stage.address("lima")

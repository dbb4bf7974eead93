"""Whatever had been sent to where a site moves is refused there; where that cannot be said, it is waited for."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

import pytest
from given_ports import ports_with

from core.errors import StoreError, UnreachableError
from core.plan.progress import CutoverProgress
from jobs.cutover.overtaking import overtake
from jobs.cutover.step_context import StepContext
from ops.contracts import Ran

if TYPE_CHECKING:
    from core.errors import SharpnetError
    from core.fleet import Fleet
    from core.plan.plan import Plan

PATIENCE_S = 20


@dataclass
class Servers:
    """Say the same to everything: that it is so, or why it is not."""

    fails: dict[str, SharpnetError | Ran] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    async def run(self, server: str, _command: str, **_: object) -> Ran:
        self.asked.append(server)
        said = self.fails.get(server, Ran(0, b"1 run\n1781442127\n", b""))
        if isinstance(said, Ran):
            return said
        raise said


@dataclass
class Clock:
    slept_s: list[float] = field(default_factory=list)

    async def sleep(self, seconds: float) -> None:
        self.slept_s.append(seconds)


async def waits(fleet: Fleet, plan: Plan, servers: Servers) -> list[float]:
    """Overtake what was sent to the targets of a plan, and return for how long anything was waited for."""
    clock = Clock()
    context = StepContext(ports_with(fleet, ssh=servers, clock=clock), plan, "who", {}, CutoverProgress(), None)  # type: ignore[arg-type]
    await overtake(context, plan.moves)
    return clock.slept_s


async def test_targets_that_are_told_so_are_waited_for_no_longer(fleet: Fleet, plan: Plan) -> None:
    servers = Servers()
    assert await waits(fleet, plan, servers) == []
    assert set(servers.asked) == {"south", "east"}


async def test_one_target_that_does_not_answer_is_waited_for_and_the_others_are_told(fleet: Fleet, plan: Plan) -> None:
    servers = Servers({"south": UnreachableError("south cannot be reached.")})
    assert await waits(fleet, plan, servers) == [PATIENCE_S]
    assert "east" in servers.asked


async def test_a_target_that_refuses_the_turn_is_waited_for(fleet: Fleet, plan: Plan) -> None:
    assert await waits(fleet, plan, Servers({"east": Ran(1, b"", b"no space left")})) == [PATIENCE_S]


async def test_a_site_that_left_the_fleet_file_is_waited_for(fleet: Fleet, plan: Plan) -> None:
    cast("dict[str, object]", fleet.sites).pop("shop")
    assert await waits(fleet, plan, Servers()) == [PATIENCE_S]


async def test_a_store_that_fails_is_no_answer_of_a_server(fleet: Fleet, plan: Plan) -> None:
    with pytest.raises(StoreError):
        await waits(fleet, plan, Servers({"south": StoreError("the disk is full")}))

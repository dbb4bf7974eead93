"""A cutover that has ended is on the pages at once, without a bot too; what keeps a page back holds up nothing else."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import TYPE_CHECKING, Any

import pytest
from cutover.harness import Stage, copy_to_mirrors, staged
from pages.conftest import two_pages

from core.plan.plan import PlanState
from lab import Lab
from lab.small_fleet import address_blocks, write_small_fleet

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

BLOCKS = address_blocks()


@pytest.fixture
async def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Stage]:
    """Open a process on a lab whose servers carry pages and whose mirrors are filled; no bot runs."""
    config = write_small_fleet(tmp_path, next(BLOCKS), two_pages)
    with Lab(config, tmp_path / ".lab") as lab:
        for name, value in lab.env.items():
            monkeypatch.setenv(name, value)
        async with staged(lab, tmp_path) as stage:
            copy_to_mirrors(lab, stage.ports)
            yield stage


def page_on(stage: Stage, server: str) -> Path:
    """Say where this machine has the folder of a server's page."""
    where = stage.ports.fleet.servers[server].status_page
    assert where is not None
    return stage.lab.path_on(server, where.root)


async def moved(stage: Stage) -> str:
    """Let oslo die and its sites move, and return the plan's id."""
    stage.lab.drop("oslo")
    plan_id = await stage.plan()
    done = await stage.say(f"approve {plan_id}")
    assert done.title.startswith("Done: 2 sites moved from oslo (Oslo) to lima (Lima)")
    return plan_id


async def test_the_page_of_the_surviving_server_tells_the_move_when_the_cutover_has_ended(stage: Stage) -> None:
    await moved(stage)
    # Nobody else writes it: no bot runs.
    told = json.loads((page_on(stage, "lima") / "status.json").read_text())
    assert {one["name"]: one["served_from"] for one in told["sites"]} == {
        "fjord.example": "lima",
        "ski.example": "lima",
        "ceviche.example": "lima",
    }
    assert {one["name"]: one["state"] for one in told["servers"]} == {"oslo": "down", "lima": "up"}
    assert told["planned_work"] == []
    page = (page_on(stage, "lima") / "index.html").read_text()
    assert "its home is oslo" in page
    assert "3 sites served from here" in page
    assert not list(page_on(stage, "oslo").iterdir())


async def test_a_page_that_is_refused_leaves_the_cutover_as_it_ended_and_is_logged(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    (page_on(stage, "lima") / "index.html" / "in the way").mkdir(parents=True)
    with caplog.at_level(logging.WARNING, "jobs.pages"):
        plan_id = await moved(stage)
    assert await stage.state_of(plan_id) == PlanState.CONFIRMED
    assert [record.message for record in caplog.records if "page=lima failed" in record.message]


async def test_a_page_that_never_gets_there_is_given_up(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def never(*_args: Any, **_more: Any) -> None:  # noqa: ANN401 - whatever `put` takes
        await asyncio.Event().wait()

    monkeypatch.setattr("jobs.pages.NOW_S", 2.0)
    monkeypatch.setattr(stage.ports.ssh, "put", never)
    with caplog.at_level(logging.WARNING, "jobs.pages"):
        plan_id = await moved(stage)
    assert await stage.state_of(plan_id) == PlanState.CONFIRMED
    assert await stage.ports.store.claims.held() == ()
    assert [record.message for record in caplog.records if "not written within 2 s" in record.message]

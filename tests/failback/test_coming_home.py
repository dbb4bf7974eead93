"""A server drops, its sites are written to elsewhere, it comes back: they go home, and no byte is lost."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from cutover.harness import BOSS

from commands import answer, split_line
from core.errors import RefusedError
from core.failback.compare import DifferenceKind
from core.plan.plan import PlanState
from jobs.failback.compare import compare_returned, failback_state_now

if TYPE_CHECKING:
    from cutover.harness import Stage

    from core.failback.compare import ReturnedCopy

SITE, OTHER = "fjord.example", "ski.example"


def write(stage: Stage, server: str, site: str, name: str, text: str, *, later_s: int) -> None:
    """Write a file as the server's SSH user, so much later than what is there."""
    root = stage.lab.path_on(server, f"/srv/{server}/www/{site}")
    path = root / name
    before = (root / "index.html").stat()
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    for made in (path.parent, path):
        os.chown(made, before.st_uid, before.st_gid)
    os.utime(path, (before.st_mtime + later_s,) * 2)


def texts(stage: Stage, server: str, site: str) -> dict[str, str]:
    root = stage.lab.path_on(server, f"/srv/{server}/www/{site}")
    return {str(path.relative_to(root)): path.read_text() for path in sorted(root.rglob("*")) if path.is_file()}


async def dropped_and_back(stage: Stage) -> None:
    """Move all that Oslo serves to Lima in an emergency, write on both sides, and bring Oslo back."""
    await stage.say("sync --all")
    write(stage, "oslo", SITE, "up/last.jpg", "the last upload", later_s=50)
    write(stage, "oslo", SITE, "order.txt", "the last order", later_s=60)
    stage.lab.drop("oslo")
    assert (await stage.say(f"approve {await stage.plan()}")).exit_code == 0
    write(stage, "lima", SITE, "news.html", "written in Lima", later_s=100)
    write(stage, "lima", OTHER, "news.html", "written in Lima too", later_s=100)
    stage.lab.back("oslo")


async def test_a_server_comes_home_and_every_byte_is_served_or_kept_aside_and_listed(stage: Stage) -> None:
    await dropped_and_back(stage)

    many = await stage.say("failback oslo")
    assert many.title.startswith("2 returned copies: 1 with files that the served copy lacks")
    one = await stage.say(f"failback {SITE}")
    assert [button.label for button in one.buttons] == ["Publish 2 files", "Overwrite the copy on oslo"]

    kept = await stage.say(f"failback {SITE} --keep up")
    assert kept.exit_code == 0, kept
    assert texts(stage, "lima", SITE)["up/last.jpg"] == "the last upload"
    runs = await stage.say(f"sync {SITE} --runs")
    (run,) = [run["run"] for run in runs.facts["runs"]] if runs.facts is not None else [""]  # type: ignore[attr-defined]
    assert "order.txt" in str((await stage.say(f"sync --undo {run} --dry-run")).parts)
    aside = stage.lab.path_on("oslo", "/srv/oslo/www/.sharpnet")
    assert [path.read_text() for path in aside.rglob("replaced/*/order.txt")] == ["the last order"]

    still = await stage.say("failback oslo")
    assert f"1 site can go home: {SITE}" in str(still.parts)
    taken = await stage.say(f"failback {OTHER} --take-active")
    assert [button.line for button in taken.buttons] == [f"failback {OTHER}"]
    assert await stage.ports.store.copies.quarantined() == {}

    plan = await stage.say("failback oslo --wave 1")
    assert plan.facts is not None
    assert plan.facts["may_be_approved"], plan
    done = await stage.say(f"approve {plan.facts['id']}")
    assert done.exit_code == 0, done
    assert await stage.state_of(str(plan.facts["id"])) == PlanState.CONFIRMED
    assert stage.all_answer(SITE, "oslo")
    assert stage.all_answer(OTHER, "oslo")
    assert texts(stage, "oslo", SITE)["up/last.jpg"] == "the last upload"
    assert texts(stage, "oslo", SITE)["news.html"] == "written in Lima"
    assert "at home" in (await stage.say("failback oslo")).title


async def test_a_home_that_is_down_is_refused_for_the_way_home_and_compares_nothing(stage: Stage) -> None:
    await dropped_and_back(stage)
    assert (await stage.say(f"failback {OTHER} --take-active")).exit_code == 0
    stage.lab.drop("oslo")
    with pytest.raises(RefusedError, match="oslo does not answer"):
        await stage.say(f"failback {OTHER}")
    compared = await stage.say(f"failback {SITE}")
    assert compared.exit_code == 1
    assert "oslo does not answer" in compared.title
    taken = await stage.say(f"failback {SITE} --take-active")
    assert taken.exit_code == 1
    assert list(await stage.ports.store.copies.quarantined()) == [(SITE, "oslo")]


async def test_a_server_that_dies_while_it_is_compared_is_said_and_what_was_compared_holds(stage: Stage) -> None:
    await dropped_and_back(stage)
    ports = stage.ports
    one_by_one = replace(ports.fleet, sync=replace(ports.fleet.sync, parallel=1))
    ports = replace(ports, fleet=one_by_one)
    found = await failback_state_now(ports, {SITE: (), OTHER: ()}, "test")

    def on_step(_copy: ReturnedCopy, step: str) -> None:
        if step == "done":
            stage.lab.drop("oslo")

    first, second = await compare_returned(ports, found.returned, every_byte=False, on_step=on_step)
    assert first.tallies[DifferenceKind.ONLY_RETURNED].files == 2
    assert first.trouble is None
    assert second.trouble is not None
    assert second.trouble.code in {"unreachable", "timed-out"}
    assert len(await ports.store.copies.quarantined()) == 2


async def test_one_site_that_cannot_be_taken_does_not_stop_the_others(stage: Stage) -> None:
    await dropped_and_back(stage)
    root = stage.lab.path_on("lima", f"/srv/lima/www/{SITE}")
    for path in root.rglob("*"):
        if path.is_file():
            path.unlink()
    shown = []
    words = split_line("failback oslo --take-active")
    reply = await answer(words, BOSS, BOSS.via, stage.ports, show=shown.append)
    assert reply.exit_code == 3
    assert reply.title == "1 of 2 copies are fresh, 1 refused"
    assert shown
    assert list(await stage.ports.store.copies.quarantined()) == [(SITE, "oslo")]
    assert texts(stage, "oslo", SITE)["order.txt"] == "the last order"

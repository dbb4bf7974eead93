"""The word once a day says what needs attention, and nothing where nothing does."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from incidents.conftest import play, run_jobs, type_in

from core.fleet import Alerts
from core.reply import Heading, Table, Text, Tone
from jobs.digest import JOB
from ops.store.copies.proofs import ProofRun
from ops.store.copies.served import SyncRun

if TYPE_CHECKING:
    from watch.conftest import Stage

    from core.reply import Reply

KEY = "summary:2026-06-14"


async def copies_are_fresh(stage: Stage) -> None:
    at = stage.clock.now()
    for site in stage.fleet.sites.values():
        for mirror in site.mirrors:
            run = SyncRun(f"{site.name}-{mirror}", site.name, site.home, mirror, at, None, None, {})
            await stage.store.copies.begin_sync(run, "bot")
            await stage.store.copies.end_sync(run.id, "good", {}, at, "bot")


async def summary(stage: Stage) -> Reply | None:
    await JOB.run(stage.ports, "daily", stage.clock.now())
    card = await stage.store.cards.get(KEY)
    return card.reply if card is not None else None


def said(reply: Reply) -> list[str]:
    return [part.text for part in reply.parts if isinstance(part, Text | Heading)]


async def test_a_day_on_which_all_was_well_is_quiet(stage: Stage) -> None:
    await copies_are_fresh(stage)
    assert await summary(stage) is None


async def test_an_outage_of_the_day_is_in_it_with_its_cause(stage: Stage) -> None:
    await copies_are_fresh(stage)
    stage.world.dead.add("one")
    await play(stage, 30)
    await type_in(stage, 'cause 1 "a disk died"')
    stage.world.dead.clear()
    await play(stage, 30)
    reply = await summary(stage)
    assert reply is not None
    assert reply.title == "test, the last day: 1 incident, nothing needs attention"
    (row,) = [row for part in reply.parts if isinstance(part, Table) for row in part.rows]
    assert (row.cells[1], row.cells[4]) == ("one", "a disk died")


async def test_what_nobody_looks_after_waits_for_somebody(stage: Stage) -> None:
    await copies_are_fresh(stage)
    stage.world.dead.add("one")
    await play(stage, 30)
    reply = await summary(stage)
    assert reply is not None
    assert reply.tone is Tone.WARN
    assert any(line.startswith("Outage 1, one: open for ") for line in said(reply))


async def test_yesterdays_outage_is_not_in_it(stage: Stage) -> None:
    stage.world.dead.add("one")
    await play(stage, 30)
    stage.world.dead.clear()
    await play(stage, 30)
    await stage.stop()
    await stage.play(86400)
    await copies_are_fresh(stage)
    await JOB.run(stage.ports, "daily", stage.clock.now())
    assert await stage.store.cards.get("summary:2026-06-15") is None


async def test_copies_that_are_late_or_were_never_made_wait_for_somebody(stage: Stage) -> None:
    reply = await summary(stage)
    assert reply is not None
    assert any("No copy anywhere: site0, site1, site2, site3, site4 and 6 more." in line for line in said(reply))
    assert "1 site with no copy anywhere, as app.yaml has it." in said(reply)


async def test_a_copy_that_differs_waits_for_somebody(stage: Stage) -> None:
    await copies_are_fresh(stage)
    proof = ProofRun("p1", "site0", "one", "two", stage.clock.now(), "differs", {"paths": ["a"]})
    await stage.store.proofs.add(proof, stage.clock.now(), "bot")
    reply = await summary(stage)
    assert reply is not None
    assert any(line.startswith("Copies that differ: site0 on two.") for line in said(reply))


async def test_a_maintenance_that_overruns_waits_and_a_planned_one_is_told(stage: Stage) -> None:
    await copies_are_fresh(stage)
    await type_in(stage, 'maintenance one 1m "new disks"')
    await type_in(stage, 'maintenance two 1h "new disks" --at 22:00')
    await stage.play(120)
    await run_jobs(stage)
    reply = await summary(stage)
    assert reply is not None
    assert reply.title == "test, the last day: 1 incident (1 open), 1 thing needs attention, 1 planned"
    assert "M2, two: planned from 22:00:00 BST: new disks" in said(reply)


async def test_it_comes_when_app_yaml_says_and_never_by_itself(stage: Stage) -> None:
    assert list(JOB.triggers(stage.fleet)) == []
    stage.change(alerts=Alerts(remind=timedelta(minutes=30), summary="0 8 * * *"))
    assert list(JOB.triggers(stage.fleet)) == [("daily", "0 8 * * *")]


async def test_it_ends_with_where_the_record_is(stage: Stage) -> None:
    await stage.store.record.add(stage.clock.now(), "test.done", "one", "bot:test")
    reply = await summary(stage)
    assert reply is not None
    (last,) = await stage.store.record.entries(last=1)
    assert (
        said(reply)[-1]
        == f"The record is at entry {last.seq}: `history --verify --anchor {last.seq}:{last.hash[:32]}`."
    )

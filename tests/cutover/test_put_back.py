"""A store that is put back from a copy: what was approved in it is not done again, and a person is asked first."""

from __future__ import annotations

import asyncio
import re
import shutil
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from cutover.harness import copy_to_mirrors, staged

from core.errors import RefusedError, StoreDoubtError
from core.plan.plan import PlanState
from core.reply import Tone
from core.store_standing import note_from_json, note_to_json
from jobs import standing
from ops.durable.witnesses import BESIDE
from ops.store.sqlite.driver import sqlite3

if TYPE_CHECKING:
    from pathlib import Path

    from cutover.harness import Stage

    from lab import Lab

MOST_LOOKS = 600
ZONE, NAME = "fjord.example", "www.fjord.example"


def copied(stage: Stage) -> Path:
    """Take a copy of the store as the handbook says, while it is open."""
    copy = stage.config.parent / "copy"
    with closing(sqlite3.connect(stage.config.parent / "sharpnet.db")) as store, closing(sqlite3.connect(copy)) as to:
        store.backup(to)
    return copy


def put_back(copy: Path, *, machine: bool) -> None:
    """Put the copy in the place of the store, which nobody has open; machine: on another one."""
    folder = copy.parent
    for file in folder.glob("sharpnet.db*"):
        file.unlink()
    if machine:
        (folder / ".sharpnet.db.known").unlink()
    shutil.copy(copy, folder / "sharpnet.db")


def serial(lab: Lab) -> str:
    return lab.query("primary", ZONE, "SOA")[0].split()[2]


async def moved_there_and_back(stage: Stage) -> tuple[str, Path]:
    """Move sites by a plan and back by its rollback; return the plan, and a copy taken right after its approval."""
    copy_to_mirrors(stage.lab, stage.ports)
    stage.lab.drop("oslo")
    plan_id = await stage.plan("failover oslo --to lima --without ceviche.example")
    await stage.approve_and_die(plan_id)
    copy = copied(stage)
    assert await stage.carry_out(plan_id) == PlanState.CONFIRMED
    back = await stage.plan(f"rollback {plan_id} --force rehearsal")
    await stage.say(f"approve {back}")
    assert await stage.state_of(back) == PlanState.CONFIRMED
    stage.lab.back("oslo")
    return plan_id, copy


@pytest.mark.parametrize("machine", [False, True], ids=["the same machine", "another machine"])
async def test_what_was_approved_in_a_store_that_is_put_back_is_not_done_again(
    lab: Lab, tmp_path: Path, machine: bool
) -> None:
    async with staged(lab, tmp_path) as stage:
        plan_id, copy = await moved_there_and_back(stage)
        told = await stage.ports.store.copies.quarantined()
        assert (ZONE, "lima") in told
    put_back(copy, machine=machine)
    before = serial(lab)
    async with staged(lab, tmp_path) as stage:
        assert await stage.ports.store.copies.quarantined() == {}
        with pytest.raises(StoreDoubtError, match="went back in time"):
            await stage.ports.engine.submit("cutover", plan_id)
        for line in (f"approve {plan_id}", "failover lima", f"rollback {plan_id}", f"sync {ZONE}"):
            with pytest.raises(StoreDoubtError, match=r"back in time: it ends with entry \d+ .* Nothing changed\."):
                await stage.say(line)
        status = await stage.say("status")
        assert (status.exit_code, status.tone) == (1, Tone.BAD)
        assert "went back in time" in str(status.parts[0])
        proof = await stage.say("history --verify")
        assert (proof.exit_code, proof.tone) == (1, Tone.BAD)
        assert "is whole" in proof.title
        assert "went back in time" in proof.title
        assert "went back in time" in (await stage.say("store")).title
        assert "is accepted by terminal:boss" in (await stage.say("store accept")).title
        assert await stage.state_of(plan_id) == PlanState.LOST
        await stage.ports.engine.wait("cutover", plan_id)
        assert await stage.state_of(plan_id) == PlanState.LOST
        card = await stage.card(plan_id)
        assert card.title.startswith(f"Lost track of plan {plan_id} (")
        assert "may have been carried out" in card.title
        assert (ZONE, "lima") in await stage.ports.store.copies.quarantined()
        assert await stage.ports.store.claims.held() == ()
        assert serial(lab) == before
        assert stage.all_answer(NAME, "oslo")
        assert (await stage.say("store")).exit_code == 0
        other = await stage.plan("failover ceviche.example --planned")
        await stage.say(f"approve {other}")
        assert await stage.state_of(other) == PlanState.CONFIRMED


async def test_the_newer_store_is_behind_once_its_copy_was_accepted_in_its_place(lab: Lab, tmp_path: Path) -> None:
    async with staged(lab, tmp_path) as stage:
        _, copy = await moved_there_and_back(stage)
    shutil.copy(tmp_path / "sharpnet.db", tmp_path / "newer")
    put_back(copy, machine=True)
    async with staged(lab, tmp_path) as stage:
        await stage.say("store accept")
    put_back(tmp_path / "newer", machine=True)
    async with staged(lab, tmp_path) as stage:
        with pytest.raises(StoreDoubtError, match=r"went back in time: (lima|oslo) was told at .* took its place"):
            await stage.say("failover lima")


async def test_an_empty_store_beside_a_fleet_that_knows_another_one_is_said_to_be_that(
    lab: Lab, tmp_path: Path
) -> None:
    async with staged(lab, tmp_path) as stage:
        await moved_there_and_back(stage)
    for name in ("sharpnet.db", ".sharpnet.db.known"):
        (tmp_path / name).unlink()
    async with staged(lab, tmp_path) as stage:
        reply = await stage.say("store")
        assert re.match(r"The fleet knows another store than this one: (lima|oslo) was told", reply.title)
        assert (ZONE, "lima") in await stage.ports.store.copies.quarantined()
        await stage.plan("failover ceviche.example --planned --force rehearsal")


async def test_a_store_that_nobody_knows_yet_or_knows_as_it_is_is_acted_upon(stage: Stage) -> None:
    assert stage.ports.standing is not None
    asked = await stage.ports.standing.look()
    assert asked.told == {BESIDE: None, "oslo": None, "lima": None}
    with pytest.raises(RefusedError, match="There is no doubt about this store"):
        await stage.say("store accept")
    await stage.ports.standing.tell()
    assert (await stage.ports.standing.tell()).verdict.knowing == 3
    await stage.say("failover fjord.example --planned")


async def test_a_server_that_does_not_answer_has_no_say_and_keeps_nobody_for_long(stage: Stage) -> None:
    assert stage.ports.standing is not None
    await stage.ports.standing.tell()
    stage.lab.freeze("oslo")
    began_s = stage.ports.clock.monotonic()
    asked = await stage.ports.standing.look()
    assert (asked.verdict.answered, asked.verdict.silent, asked.why) == (2, ("oslo",), "")
    assert stage.ports.clock.monotonic() - began_s < 2 * 2.0


def hidden(tree: dict[str, Any]) -> None:
    tree["status_pages"] = {"hide": ["ski.example"]}


@pytest.mark.parametrize("change", [hidden])
async def test_the_note_on_a_server_is_nobody_elses_to_read(stage: Stage) -> None:
    assert stage.ports.standing is not None
    await stage.ports.store.copies.quarantine([("ski.example", "oslo")], "why", stage.ports.clock.now(), "who")
    await stage.ports.standing.tell()
    for server in ("oslo", "lima"):
        root = stage.lab.path_on(server, stage.ports.fleet.sites["ski.example"].root_on(server))
        (note,) = (root.parent / ".sharpnet").glob("store-*.json")
        assert "ski.example" in note.read_text()
        assert note.stat().st_mode & 0o777 == 0o600
        assert not list((root.parent / ".sharpnet").glob("*.part"))


async def test_a_bot_notices_while_it_runs_that_another_one_goes_on_with_a_newer_store(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("LOOK_EVERY_S", "SERVERS_EVERY_S", "AT_LEAST_EVERY_S"):
        monkeypatch.setattr(standing, name, 0.1)
    keeping = asyncio.create_task(standing.keep_told(stage.ports, "", stage.ports.clock.now()))
    root = stage.lab.path_on("lima", stage.ports.fleet.sites[ZONE].root_on("lima"))
    for _ in range(MOST_LOOKS):
        if notes := list((root.parent / ".sharpnet").glob("store-*.json")):
            break
        await stage.ports.clock.sleep(0.1)
    told = note_from_json(notes[0].read_bytes())
    newer = replace(told, number=told.number + 9)
    notes[0].write_bytes(note_to_json(newer))
    for _ in range(MOST_LOOKS):
        if doubt := await stage.ports.store.identity.doubt():
            break
        await stage.ports.clock.sleep(0.1)
    assert doubt is not None
    assert f"lima was told of entry {newer.number}" in doubt.why
    await stage.ports.store.record.add(stage.ports.clock.now(), "kind", "subject", "who")
    await stage.ports.clock.sleep(1)
    assert note_from_json(notes[0].read_bytes()) == newer
    with pytest.raises(StoreDoubtError):
        await stage.say("failover oslo --planned")
    keeping.cancel()

"""Asking and telling witnesses: who is silent, who knows more, and what is told to whom."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from core.errors import StoreDoubtError, UnreachableError
from core.reply import Reply
from ops.clock import SystemClock
from ops.durable import standing as module
from ops.durable.engine import StoreEngine
from ops.durable.standing import StoreStanding
from ops.durable.witnesses import BESIDE, FileWitness

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from pathlib import Path

    from core.store_standing import StoreNote
    from ops.durable.witnesses import Witness
    from ops.store import Store

CLOCK = SystemClock()


class Far:
    """A witness whose answer a test chooses."""

    def __init__(self, note: StoreNote | None = None, *, silent: bool = False, hangs: bool = False) -> None:
        self.note = note
        self.silent = silent
        self.hangs = hangs
        self.asked = 0

    async def read(self, within_s: float) -> StoreNote | None:
        del within_s
        self.asked += 1
        if self.hangs:
            await asyncio.Event().wait()
        if self.silent:
            raise UnreachableError("Nobody there.")
        return self.note

    async def write(self, note: StoreNote, within_s: float) -> None:
        del within_s
        self.note = note


def standing_of_store(store: Store, witnesses: Mapping[str, Witness], *, trusts_note: bool = True) -> StoreStanding:
    return StoreStanding(store, CLOCK, witnesses, "UTC", trusts_note=trusts_note)


async def later(store: Store) -> StoreNote:
    own = await store.identity.own(CLOCK.now())
    return replace(own, number=own.number + 1, hash="f" * 64)


@pytest.fixture
def store(empty_store: Store) -> Store:
    """Give one of which all is its own: these tests count its entries."""
    return empty_store


async def test_who_answers_is_told_and_who_knew_more_makes_a_doubt_that_tells_nobody_anything(store: Store) -> None:
    empty, dead = Far(), Far(silent=True)
    one = standing_of_store(store, {"empty": empty, "dead": dead})
    asked = await one.tell()
    assert (asked.why, asked.verdict.silent, asked.heard) == ("", ("dead",), {"empty"})
    assert (empty.note, dead.note) == (await store.identity.own(asked.verdict.own.at), None)
    await one.ask()
    newer = await later(store)
    dead.note, dead.silent = newer, False
    known, told = empty.note, await one.tell()
    assert "dead was told of entry 1" in told.why
    assert (empty.note, dead.note) == (known, newer)
    with pytest.raises(StoreDoubtError, match=r"went back in time.*Nothing changed\."):
        await one.ask()


async def test_a_witness_that_hangs_keeps_nobody_longer_than_the_others_may(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "WITHIN_S", 0.05)
    asked = await standing_of_store(store, {"hangs": Far(hangs=True), "knows": Far(await later(store))}).look()
    assert asked.told["hangs"] == "no answer within 0.05 s"
    assert "knows was told of entry 1" in asked.why


async def test_everybody_is_asked_once_by_a_process_and_not_before_it_does_something(store: Store) -> None:
    far = Far()
    one = standing_of_store(store, {"far": far})
    assert far.asked == 0
    await asyncio.gather(*(one.ask() for _ in range(3)))
    await one.ask()
    assert far.asked == 1


async def fits(at: datetime, store: Store, path: Path) -> bool:
    """Return whether a note beside the store, told at that time, spares a process asking a witness elsewhere."""
    await FileWitness(path).write(await store.identity.own(at), 1)
    far = Far()
    await standing_of_store(store, {BESIDE: FileWitness(path), "far": far}).ask()
    return far.asked == 0


async def test_a_fresh_note_beside_the_store_that_fits_is_enough_for_a_terminal_and_not_for_a_bot(
    store: Store, tmp_path: Path
) -> None:
    path, now = tmp_path / "known", CLOCK.now()
    assert await fits(now, store, path)
    assert not await fits(now - timedelta(minutes=3), store, path)
    assert not await fits(now + timedelta(minutes=3), store, path)
    far = Far()
    await FileWitness(path).write(await store.identity.own(now), 1)
    await standing_of_store(store, {BESIDE: FileWitness(path), "far": far}, trusts_note=False).ask()
    assert far.asked == 1


async def test_a_fresh_note_beside_the_store_that_knows_more_is_believed(store: Store, tmp_path: Path) -> None:
    beside = FileWitness(tmp_path / "known")
    await beside.write(await later(store), 1)
    with pytest.raises(StoreDoubtError):
        await standing_of_store(store, {BESIDE: beside}).ask()


async def test_a_note_that_cannot_be_read_has_no_say_and_is_written_anew(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "known"
    path.write_bytes(b"\x00" * 10)
    one = standing_of_store(store, {BESIDE: FileWitness(path)})
    asked = await one.tell()
    assert "cannot be read: it is no note of a store" in str(asked.told[BESIDE])
    assert asked.why == ""
    assert (await one.look()).verdict.knowing == 1
    assert path.stat().st_mode & 0o777 == 0o600
    assert await asyncio.to_thread(lambda: [file.name for file in tmp_path.glob("*known*")]) == ["known"]


async def test_a_run_is_taken_up_only_by_whose_store_is_in_no_doubt(store: Store, second: Store) -> None:
    done = []

    async def work(subject: str, _at: datetime) -> None:
        done.append(subject)

    await store.runs.submit("cutover", "K7Q2", CLOCK.now())
    far = Far(await later(store))
    engine = StoreEngine(store, CLOCK, "one", standing_of_store(store, {"far": far}))
    engine.carries({"cutover": work})
    sweeping = asyncio.create_task(engine.sweep())
    with pytest.raises(StoreDoubtError):
        await engine.wait("cutover", "K7Q2")
    await store.identity.accept([far.note.store] if far.note else [], Reply("accepted"), CLOCK.now(), "who")
    other = StoreEngine(second, CLOCK, "two", standing_of_store(second, {"far": far}))
    other.carries({"cutover": work})
    await other.wait("cutover", "K7Q2")
    assert done == ["K7Q2"]
    sweeping.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await sweeping
    await engine.close()
    await other.close()

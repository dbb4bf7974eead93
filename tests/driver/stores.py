"""Stores that are lost: deleted or replaced under whoever has them open, and what then takes their place."""

from __future__ import annotations

import json
import shutil
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from cutover.harness import staged
from driver.sight import SERVERS, SITES, root_of, serials

from ops.store.sqlite.driver import sqlite3

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import Any

    from driver.world import World

    from core.audit import Entry

STORE, KEPT, ASIDE, BESIDE = "sharpnet.db", "kept.db", "aside", ".sharpnet.db.known"
Loss = Literal["moved back", "an older one", "a new one"]
"""What stands where the store was in the end."""


def keep_store(world: World) -> None:
    """Take a copy of the store, as the handbook says."""
    (world.folder / KEPT).unlink(missing_ok=True)
    here, kept = (closing(sqlite3.connect(world.folder / name)) for name in (STORE, KEPT))
    with here as store, kept as to:
        store.backup(to)


async def lose_store(world: World, loss: Loss, *, machine: bool) -> str:
    """Take the store away from all who have it open, wake who stood still, and go on with what there is then.

    machine: what stands beside the store is lost with it. Returns what was said to who had it open.
    """
    before, known = serials(world), await world.stage.ports.store.record.entries()
    (world.folder / ASIDE).mkdir(exist_ok=True)
    for file in _files(world.folder):
        file.rename(world.folder / ASIDE / file.name)
    if loss == "an older one":
        shutil.copy(world.folder / KEPT, world.folder / STORE)
    said = await world.type(f"sync {SITES[0]}")
    assert "while this process had the store open" in said, said
    if loss == "moved back":
        for file in _files(world.folder / ASIDE):
            file.rename(world.folder / file.name)
        return said
    await world.wake_all()
    await world.close()
    assert serials(world) == before, f"{before} before the store was lost, {serials(world)} since"
    for file in (*_files(world.folder / ASIDE), *world.folder.glob(f"{STORE}-*")):
        file.unlink()
    if machine:
        (world.folder / BESIDE).unlink(missing_ok=True)
    world.stage = await world.opened.enter_async_context(staged(world.lab, world.folder))
    await _goes_on(world, known)
    return said


async def _goes_on(world: World, known: tuple[Entry, ...]) -> None:
    """Note what the store that stands there now does not know."""
    here = await world.stage.ports.store.record.entries()
    common = sum(1 for one, other in zip(known, here, strict=False) if one.hash == other.hash)
    world.past += known[world.known :]
    world.known = common
    own = await world.stage.ports.store.identity.own(world.stage.ports.clock.now())
    newer = (note for note in _notes(world) if note["store"] == own.store and note["number"] > common)
    world.has_to_ask[:] = [number for number in world.has_to_ask if number < common]
    if any(newer) or any(own.store in note["earlier"] for note in _notes(world)):
        world.has_to_ask.append(common)
    world.looks[:] = [replace(world.looks[-1], entries=common)]
    await world.look()


def _files(folder: Path) -> tuple[Path, ...]:
    return tuple(
        folder / f"{STORE}{journal}" for journal in ("", "-wal", "-shm") if (folder / f"{STORE}{journal}").exists()
    )


def _notes(world: World) -> Iterator[dict[str, Any]]:
    """Yield what those witnesses keep who can be asked now."""
    beside = world.folder / BESIDE
    folders = [root_of(world.stage, SITES[0], server).parent for server in SERVERS if server not in world.dropped]
    for note in (beside, *(note for folder in folders for note in (folder / ".sharpnet").glob("store-*.json"))):
        if note.exists():
            yield json.loads(note.read_bytes())

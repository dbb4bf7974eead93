"""Work on a site that somebody else cancels, in another process: it stops at once, and says who wanted that."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sync.harness import contents_at, hanging_source, until

from core.errors import NotAllowedError, RefusedError, UsageError
from core.people import Person, Role
from jobs.interrupted import end_interrupted

if TYPE_CHECKING:
    from sync.harness import Rig

    from core.fleet import Site

SHARPNET = Path(sys.executable).parent / "sharpnet"
STRANGER = Person("stranger", "slack", frozenset())
OPERATOR = Person("night", "slack", frozenset({Role.OPERATOR}))


async def typed(rig: Rig, tmp_path: Path, *words: str) -> asyncio.subprocess.Process:
    """Start another process on the test's own store that types a line."""
    return await asyncio.create_subprocess_exec(
        SHARPNET,
        "--config",
        rig.config,
        *words,
        env=os.environ | rig.lab.env | {"DATABASE_URL": f"sqlite:///{tmp_path / 'store.sqlite'}"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )


async def said(process: asyncio.subprocess.Process) -> tuple[int | None, str]:
    out, _ = await process.communicate()
    return process.returncode, out.decode()


async def hanging(rig: Rig) -> Site:
    """Give a site that was copied once, and whose source will say nothing from now on."""
    site = await rig.filled(rig.take("lima"))
    hanging_source(rig, "lima", "deploy")
    return site


async def held(rig: Rig, *names: str) -> None:
    """Wait until something is claimed; until just these names are, where some are given."""
    async with asyncio.timeout(30):
        while True:
            found = tuple(claim.name for claim in await rig.ports.store.claims.held())
            if found and (not names or found == names):
                return
            await asyncio.sleep(0.02)


def asks_source() -> bool:
    """Return whether a copy has come so far that it waits for the source."""
    return "sleep 60" in subprocess.run(["ps", "-ww", "-eo", "args"], capture_output=True, text=True, check=True).stdout


async def kinds(rig: Rig, site: Site) -> list[tuple[str, str]]:
    return [(entry.kind, entry.who) for entry in await rig.ports.store.record.entries(subject=site.name)]


async def test_a_sync_that_hangs_is_cancelled_from_another_process_and_ends_at_once(
    own_rig: Rig, tmp_path: Path
) -> None:
    rig = own_rig
    site = await hanging(rig)
    before = contents_at(rig.root(site, "oslo"))
    rig.write(site, "lima", {"new.html": "x"})
    syncing = asyncio.create_task(rig.sync(site))
    await held(rig)
    code, out = await said(await typed(rig, tmp_path, "cancel", site.name))
    assert code == 0, out
    assert "Cancelled: a sync to oslo" in out
    assert "the mirror is as it was, or whole" in out
    # It would hang for minutes otherwise.
    async with asyncio.timeout(10):
        result = await syncing
    assert result.trouble is not None
    who = next(entry.who for entry in await rig.ports.store.record.entries() if entry.kind == "claim.cancelled")
    assert (result.outcome, result.trouble.code) == ("refused", "cancelled")
    assert result.trouble.message == f"cancelled by {who}"
    assert await rig.ports.store.claims.held() == ()
    assert await rig.ports.store.copies.running_syncs() == ()
    assert (await kinds(rig, site))[-3:] == [
        ("sync.begun", "terminal:boss"),
        ("claim.cancelled", who),
        ("sync.interrupted", who),
    ]
    assert contents_at(rig.root(site, "oslo")) == before


async def test_who_is_in_the_way_is_said_with_the_line_that_ends_it_and_that_line_works_once(own_rig: Rig) -> None:
    rig = own_rig
    site, other = await hanging(rig), rig.take("oslo")
    rig.write(site, "lima", {"new.html": "x"})
    syncing = asyncio.create_task(rig.sync(site))
    await held(rig)
    second = await rig.sync(site)
    assert second.trouble is not None
    line = second.trouble.hint.split("`")[1]
    assert second.trouble.hint == f"Sync again when that has ended, or end it: `{line}`."
    with pytest.raises(NotAllowedError, match="only this fleet's operators and approvers"):
        await rig.say(line, STRANGER)
    assert not syncing.done()
    assert (await rig.say(line, OPERATOR)).title == f"Cancelled: a sync to oslo of {site.name}"
    assert (await syncing).summary == "cancelled by slack:night"
    with pytest.raises(RefusedError, match="Nothing is under way"):
        await rig.say(line)
    with pytest.raises(UsageError, match="no plan, run or site 'nobody' to cancel"):
        await rig.say("cancel nobody")
    assert (await rig.sync(other)).outcome == "good"


async def test_one_cancelled_site_leaves_the_others_of_its_batch_alone(own_rig: Rig) -> None:
    rig = own_rig
    site, other = await hanging(rig), rig.take("oslo")
    rig.write(site, "lima", {"new.html": "x"})
    rig.write(other, "oslo", {"index.html": "y"})
    syncing = asyncio.create_task(rig.say(f"sync {site.name} {other.name} --checksum"))
    await held(rig, *sorted([f"site:{site.name}", f"site:{other.name}"]))
    await held(rig, f"site:{site.name}")
    await rig.say(f"cancel {site.name}", OPERATOR)
    reply = await syncing
    assert reply.title == "1 of 2 copies are fresh, 1 refused"
    assert "cancelled by slack:night" in str(reply.parts)
    assert rig.same(other)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP])
async def test_a_sync_whose_process_is_dead_or_frozen_is_cancelled_all_the_same(
    own_rig: Rig, tmp_path: Path, how: signal.Signals
) -> None:
    rig = own_rig
    site = await hanging(rig)
    rig.write(site, "lima", {"new.html": "x"})
    process = await typed(rig, tmp_path, "sync", site.name, "--checksum")
    await held(rig)
    await until(asks_source)
    # Frozen within a transaction it would keep everybody else out of the store.
    await asyncio.sleep(1)
    process.send_signal(how)
    reply = await rig.say(f"cancel {site.name}", OPERATOR)
    assert reply.title == f"Cancelled: a sync to oslo of {site.name}"
    assert await rig.ports.store.claims.held() == ()
    assert (await kinds(rig, site))[-1] == ("sync.interrupted", "slack:night")
    entries = await rig.ports.store.record.entries()
    if how == signal.SIGSTOP:
        process.send_signal(signal.SIGCONT)
        _, out = await said(process)
        assert "cancelled by slack:night" in out
    else:
        await process.wait()
    assert await end_interrupted(rig.ports) == {}
    assert await rig.ports.store.record.entries() == entries


async def test_an_undo_is_cancelled_by_the_id_of_its_run(own_rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    rig = own_rig
    site = await rig.filled(rig.take())
    rig.write(site, "oslo", {"index.html": "newer"})
    await rig.sync(site)
    await rig.sync(site)
    run = next(iter(await rig.ports.store.undos.since(rig.ports.clock.now().replace(year=2000), 1))).id

    async def hangs(*_args: object) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr("jobs.sync.undo.replaced.put_back", hangs)
    undoing = asyncio.create_task(rig.say(f"sync --undo {run}"))
    await held(rig)
    (claim,) = await rig.ports.store.claims.held()
    reply = await rig.say(f"cancel {claim.owner}", OPERATOR)
    assert reply.title == f"Cancelled: an undo on lima of {site.name}"
    assert "every path is as it was, or put back" in str(reply.parts)
    async with asyncio.timeout(10):
        ended = (await asyncio.gather(undoing, return_exceptions=True))[0]
    assert "cancelled by slack:night" in str(ended)
    assert [kind for kind, _ in await kinds(rig, site)][-3:] == ["undo.begun", "claim.cancelled", "undo.interrupted"]
    assert await rig.ports.store.undos.without_end() == ()

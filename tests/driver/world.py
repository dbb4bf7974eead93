"""The lab that a random driver works on, the processes it has started there, and what a checker is shown of it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections import Counter, defaultdict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from cutover.harness import copy_to_mirrors, root_of, staged
from driver.sight import NOTES, PAGE, SITES, answers, look_at, seen_of, serials, served
from driver.stores import KEPT, STORE
from driver.typist import Fate, Typist
from frozen import first_said, started

from core.errors import SharpnetError
from core.plan.plan import PlanState
from jobs.sync.serving import serving_now
from ops.store.plans import RUN

if TYPE_CHECKING:
    from pathlib import Path

    from cutover.harness import Stage
    from driver.history import Copy, Look, Seen

    from core.audit import Entry
    from lab import Lab

PATIENCE_S = 120.0
# Longer than what was sent may be on its way, as it is with a bot.
LEASE_S = "4"
SETTLED_LOOKS, SETTLED_PAUSE_S = 120, 0.5
# A command that has reached a server goes on for a moment when whoever sent it is dead.
LAST_WORD_S = 0.3


@dataclass
class World:
    """A lab, what befalls it, and everything that was seen of it since. Its folder holds fleet file and store.

    past, known, has_to_ask, notes, saved: as `driver.history.Seen` has them. began: each zone's serial at the start.
    """

    lab: Lab
    folder: Path
    stage: Stage = field(init=False)
    past: tuple[Entry, ...] = ()
    known: int = 0
    has_to_ask: list[int] = field(default_factory=list)
    notes: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    saved: dict[str, int] = field(default_factory=dict)
    began: dict[str, int] = field(default_factory=dict)
    opened: contextlib.AsyncExitStack = field(default_factory=contextlib.AsyncExitStack)
    dropped: set[str] = field(default_factory=set)
    typists: list[Typist] = field(default_factory=list)
    looks: list[Look] = field(default_factory=list)
    by_hand: Counter[str] = field(default_factory=Counter)
    version: int = 0
    _number: int = 0
    _bot: asyncio.Task[None] | None = None
    _choosing: list[tuple[str, Typist | None]] = field(default_factory=list)
    _written: set[Copy] = field(default_factory=set)

    async def begin(self) -> None:
        """Open a process that works on it, fill the mirrors, and note how all of it is."""
        self.stage = await self.opened.enter_async_context(staged(self.lab, self.folder))
        for site in SITES:
            self.note((site, self.stage.ports.fleet.sites[site].home))
        copy_to_mirrors(self.lab, self.stage.ports)
        self.began = serials(self)
        await self.look()

    # What befalls it

    async def type(self, line: str) -> str:
        """Type a line here, and return what was said."""
        try:
            reply = await self.stage.say(line)
        except SharpnetError as error:
            return f"refused: {error.message}"
        return reply.title

    async def plan(self, line: str) -> tuple[str | None, str]:
        """Ask for a plan; return its id where it may be approved, and what was said."""
        try:
            reply = await self.stage.say(line)
        except SharpnetError as error:
            return None, f"refused: {error.message}"
        facts = reply.facts or {}
        return (str(facts["id"]) if facts.get("may_be_approved") else None), reply.title

    async def start(self, line: str, fate: Fate, off_s: int) -> Typist:
        """Have a process type a line, and return when that has befallen it, or it has ended.

        A fate without touches befalls nobody: then this returns at once.
        """
        self._number += 1
        clock = self.folder / f"clock-{self._number}"
        clock.write_text(str(off_s))
        arguments = [line, str(fate.at), fate.counts, fate.name, str(clock), LEASE_S]
        process = await started(self.stage.config, self.folder / STORE, self.lab.env, *arguments)
        typist = Typist(process, line, clock)
        self.typists.append(typist)
        if fate.at:
            typist.said = await first_said(process)
            typist.halted = typist.said.startswith(f"{fate.name} ")
        if typist.halted and fate.name == "killed":
            await process.wait()
            await asyncio.sleep(LAST_WORD_S)
        return typist

    def chooses(self, site: str, typist: Typist | None) -> None:
        """Note that somebody (None: who has done it already) lets the served copy of a site be put over the other."""
        self._choosing.append((site, typist))

    def drop(self, host: str) -> None:
        """Have a server or name server die."""
        self.lab.drop(host)
        self.dropped.add(host)

    def restore(self, host: str) -> None:
        """Bring it back."""
        self.lab.back(host)
        self.dropped.discard(host)

    def edit(self, zone: str) -> None:
        """Change a record of a zone that no plan is about, by hand."""
        self.by_hand[zone] += 1
        self.lab.nsupdate(zone, [f"update add hand-{self.by_hand[zone]}.{zone}. 300 A 127.0.0.9"])

    def write(self, site: str) -> str:
        """Have somebody write a newer page where the site is served, and return where that is."""
        server = served(self)[site]
        self.version += 1
        self._put((site, server), PAGE, str(self.version))
        return server

    def note(self, copy: Copy) -> str:
        """Have somebody send a file of its own to a copy, and return its name."""
        site, _ = copy
        name = f"note-{sum(map(len, self.notes.values()))}"
        self.notes[site].add(name)
        self._put(copy, f"{NOTES}/{name}", name)
        return name

    def _put(self, copy: Copy, name: str, text: str) -> None:
        root = root_of(self.stage, *copy)
        owner = root.stat()
        new = self.folder / "page.new"
        new.write_text(text)
        if not (root / name).parent.exists():
            (root / name).parent.mkdir()
            os.chown((root / name).parent, owner.st_uid, owner.st_gid)
        os.chown(new, owner.st_uid, owner.st_gid)
        # Whole at once, as it may be copied meanwhile.
        new.replace(root / name)
        self._written.add(copy)

    @property
    def has_kept(self) -> bool:
        """Whether there is a copy of the store."""
        return (self.folder / KEPT).exists()

    @property
    def bot_runs(self) -> bool:
        """Whether there is a bot that takes up what others have left."""
        return self._bot is not None

    async def run_bot(self, *, runs: bool) -> None:
        """Have a bot take up what others have left, or stop it."""
        if runs and self._bot is None:
            self._bot = asyncio.create_task(self.stage.ports.engine.sweep())
        elif not runs and self._bot is not None:
            self._bot.cancel()
            await asyncio.wait([self._bot])
            self._bot = None

    @property
    def is_quiet(self) -> bool:
        """Whether nobody works, but for those who stand still."""
        works = [one for one in self.typists if one.process.returncode is None and not one.is_frozen]
        return not works and not self.stage.ports.engine._tasks

    async def rest(self) -> None:
        """Bring all hosts back, wake all who are frozen, and wait until everything has ended; no store is in doubt."""
        for host in sorted(self.dropped):
            self.restore(host)
        await self.wake_all()
        await self.accept_store()
        await self.run_bot(runs=True)
        async with asyncio.timeout(PATIENCE_S):
            for stored in await self.stage.ports.store.plans.in_state(PlanState.APPROVED):
                await self.stage.ports.engine.wait(RUN, stored.id)
        await self.run_bot(runs=False)
        sites = [self.stage.ports.fleet.sites[site] for site in SITES]
        await serving_now(self.stage.ports, sites, "bot:watch")
        for stored in await self.stage.ports.store.plans.in_state(PlanState.UNFINISHED):
            await self.type(f"approve {stored.id}")
        # What the dead have claimed holds until their leases have passed; then a checker says what still does not fit.
        for _ in range(SETTLED_LOOKS):
            differ = any(len(set(found.values())) > 1 for found in answers(self).values())
            if not differ and not await self.stage.ports.store.claims.held():
                break
            await asyncio.sleep(SETTLED_PAUSE_S)
        await self.look()

    async def wake_all(self) -> None:
        """Wake all who are frozen, and wait until every process has ended."""
        for typist in self.typists:
            if typist.is_frozen:
                typist.wake()
        for typist in self.typists:
            await self._ended(typist)
        self.typists.clear()

    async def accept_store(self) -> str | None:
        """Have a person accept the store where there is doubt about it; None: there is none."""
        assert self.stage.ports.standing is not None
        asked = await self.stage.ports.standing.look()
        return await self.type("store accept") if asked.why else None

    async def tell_witnesses(self) -> None:
        """Have the witnesses told how far the store is, as a bot does four times a minute."""
        assert self.stage.ports.standing is not None
        await self.stage.ports.standing.tell()

    async def _ended(self, typist: Typist) -> None:
        try:
            out, err = await asyncio.wait_for(typist.process.communicate(), PATIENCE_S)
        except TimeoutError:
            typist.process.kill()
            raise AssertionError(f"`{typist.line}` does not come to an end") from None
        killed = typist.halted and typist.process.returncode == -signal.SIGKILL
        assert killed or typist.process.returncode == 0, f"`{typist.line}` failed inside: {err.decode()}{out.decode()}"

    async def end(self) -> None:
        """End every process that is still there, frozen or not."""
        for typist in self.typists:
            if typist.process.returncode is None:
                typist.process.kill()
                await typist.process.communicate()
        await self.close()

    async def close(self) -> None:
        """End the process that works here, and the bot."""
        await self.run_bot(runs=False)
        await self.opened.aclose()

    # What is seen of it

    async def plans_that_are(self, *states: PlanState) -> list[str]:
        """Return the plans in one of these states."""
        return [stored.id for state in states for stored in await self.stage.ports.store.plans.in_state(state)]

    async def look(self) -> None:
        """Note what is to be seen now."""
        choosing = frozenset(site for site, _ in self._choosing)
        self._choosing = [(site, one) for site, one in self._choosing if one and one.process.returncode is None]
        written, self._written = frozenset(self._written), set()
        self.looks.append(replace(await look_at(self), choosing=choosing, written=written))

    async def seen(self) -> Seen:
        """Return everything that a checker goes by."""
        return await seen_of(self)

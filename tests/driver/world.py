"""The lab that a random driver works on, the processes it has started there, and what a checker is shown of it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cutover.harness import copy_to_mirrors, root_of, staged
from driver.checker import Look, Seen
from driver.typist import Fate, Typist
from frozen import first_said, started

from core.errors import SharpnetError
from core.plan.plan import PlanState
from jobs.sync.serving import serving_now
from lab import LabError
from ops.store.plans import RUN
from ops.store.replies import reply_to_text

if TYPE_CHECKING:
    from pathlib import Path

    from cutover.harness import Stage

    from core.audit import Entry
    from lab import Lab

SITES = ("fjord.example", "ski.example", "ceviche.example")
ZONES = SITES
SERVERS = ("oslo", "lima")
NAME_SERVERS = ("ns1", "ns2", "ns3")
PAGE = "version.txt"
STORE, KEPT = "sharpnet.db", "kept.db"
PATIENCE_S = 120.0
SETTLED_LOOKS, SETTLED_PAUSE_S = 120, 0.5
# A command that has reached a server goes on for a moment when whoever sent it is dead.
LAST_WORD_S = 0.3


@dataclass
class World:
    """A lab, what befalls it, and everything that was seen of it since. Its folder holds fleet file and store."""

    lab: Lab
    folder: Path
    stage: Stage = field(init=False)
    lost: tuple[Entry, ...] = ()
    dropped: set[str] = field(default_factory=set)
    typists: list[Typist] = field(default_factory=list)
    looks: list[Look] = field(default_factory=list)
    by_hand: Counter[str] = field(default_factory=Counter)
    version: int = 0
    _number: int = 0
    _bot: asyncio.Task[None] | None = None
    _choosing: list[tuple[str, Typist | None]] = field(default_factory=list)
    _began: dict[str, int] = field(default_factory=dict)
    _opened: contextlib.AsyncExitStack = field(default_factory=contextlib.AsyncExitStack)

    async def begin(self) -> None:
        """Open a process that works on it, fill the mirrors, and note how all of it is."""
        self.stage = await self._opened.enter_async_context(staged(self.lab, self.folder))
        copy_to_mirrors(self.lab, self.stage.ports)
        self._began = self._serials()
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
        arguments = [line, str(fate.at), fate.counts, fate.name, str(clock)]
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
        server = self.served()[site]
        root = root_of(self.stage, site, server)
        owner = root.stat()
        self.version += 1
        new = self.folder / "page.new"
        new.write_text(str(self.version))
        os.chown(new, owner.st_uid, owner.st_gid)
        # Whole at once, as it may be copied meanwhile.
        new.replace(root / PAGE)
        return server

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
        """Bring all hosts back, wake all who are frozen, and wait until everything has ended."""
        for host in sorted(self.dropped):
            self.restore(host)
        for typist in self.typists:
            if typist.is_frozen:
                typist.wake()
        for typist in self.typists:
            await self._ended(typist)
        self.typists.clear()
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
            differ = any(len(set(answers.values())) > 1 for answers in self.answers().values())
            if not differ and not await self.stage.ports.store.claims.held():
                break
            await asyncio.sleep(SETTLED_PAUSE_S)
        await self.look()

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
        await self.run_bot(runs=False)
        for typist in self.typists:
            if typist.process.returncode is None:
                typist.process.kill()
                await typist.process.communicate()
        await self._opened.aclose()

    async def keep_store(self) -> None:
        """Make a copy of the store; nobody else has it open."""
        await self._opened.aclose()
        shutil.copy(self.folder / STORE, self.folder / KEPT)
        self.stage = await self._opened.enter_async_context(staged(self.lab, self.folder))

    async def lose_store(self) -> bool:
        """Put the copy in its place, where there is one; nobody else has it open."""
        if not (self.folder / KEPT).exists():
            return False
        known = await self.stage.ports.store.record.entries()
        await self._opened.aclose()
        for file in self.folder.glob(f"{STORE}-*"):
            file.unlink()
        shutil.copy(self.folder / KEPT, self.folder / STORE)
        self.stage = await self._opened.enter_async_context(staged(self.lab, self.folder))
        entries = len(await self.stage.ports.store.record.entries())
        self.lost += known[entries:]
        self.looks.clear()
        await self.look()
        return True

    # What is seen of it

    async def plans_that_are(self, *states: PlanState) -> list[str]:
        """Return the plans in one of these states."""
        return [stored.id for state in states for stored in await self.stage.ports.store.plans.in_state(state)]

    async def look(self) -> None:
        """Note what is to be seen now."""
        entries = len(await self.stage.ports.store.record.entries())
        versions = {(site, server): self._version(site, server) for site in SITES for server in SERVERS}
        choosing = frozenset(site for site, _ in self._choosing)
        self._choosing = [(site, one) for site, one in self._choosing if one and one.process.returncode is None]
        served = {} if "primary" in self.dropped else self.served()
        self.looks.append(Look(entries, served, versions, choosing))

    async def seen(self) -> Seen:
        """Return everything that a checker goes by."""
        store = self.stage.ports.store
        quarantined = await store.copies.quarantined()
        record = await store.record.entries()
        plans = [entry.subject for entry in record if entry.kind == "plan.made"]
        cards = {plan: (await self.stage.card(plan)) for plan in plans}
        said = [reply_to_text(card) for card in cards.values()]
        serials = self._serials()
        return Seen(
            homes={site: self.stage.ports.fleet.sites[site].home for site in SITES},
            record=record,
            looks=tuple(self.looks),
            rose={zone: serials[zone] - self._began[zone] for zone in ZONES},
            by_hand=self.by_hand,
            answers=self.answers(),
            active={site: server for site, server in (await store.copies.active()).items() if site in SITES},
            quarantined=frozenset(quarantined),
            cards={plan: card.title for plan, card in cards.items()},
            # By the card of the plan that has left it behind, or by one that names the site.
            told=frozenset(
                copy
                for copy, one in quarantined.items()
                if any(plan in one.why for plan in plans) or any(one.site in words for words in said)
            ),
            lost=self.lost,
            works=tuple(f"{claim.name} ({claim.purpose})" for claim in await store.claims.held()),
        )

    def served(self) -> dict[str, str]:
        """Return the server that the update server names for each site."""
        return {site: self._named_by("primary", site) for site in SITES}

    def answers(self) -> dict[str, dict[str, str]]:
        """Return the server that each name server, the update server too, names for each site."""
        return {site: {one: self._named_by(one, site) for one in ("primary", *NAME_SERVERS)} for site in SITES}

    def _named_by(self, name_server: str, site: str) -> str:
        servers = {tuple(self.stage.address(server)): server for server in SERVERS}
        try:
            found = tuple(self.lab.query(name_server, site, "A"))
        except LabError as error:
            return str(error)
        return servers.get(found, str(found))

    def _serials(self) -> dict[str, int]:
        return {zone: int(self.lab.query("primary", zone, "SOA")[0].split()[2]) for zone in ZONES}

    def _version(self, site: str, server: str) -> int:
        try:
            return int((root_of(self.stage, site, server) / PAGE).read_text())
        except FileNotFoundError:
            return 0

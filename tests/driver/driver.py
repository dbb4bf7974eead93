"""A driver that does to a lab whatever can be done, at random: what it chooses follows from its seed alone."""

from __future__ import annotations

import random
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from driver.checker import whats_wrong
from driver.typist import Fate
from driver.world import NAME_SERVERS, SERVERS, SITES, ZONES

from core.plan.approval import CARRIED_OUT
from core.plan.plan import PlanState

if TYPE_CHECKING:
    from driver.typist import Typist
    from driver.world import World

REST_EVERY = 12
# By what is typed, and what is counted: everything, updates of DNS, commands on servers.
MOST_TOUCHES = {"approve": {"": 40, "dns": 4, "ssh": 10}, "sync": {"": 20, "ssh": 6}, "cancel": {"": 2}}
# By how many seconds a process's clock is off; most are right.
CLOCKS_S = (0, 0, 0, 0, 0, 0, 120, -120, 260, -260, 1200, -1200)
FATES = ("here", "beside", "killed", "frozen")
HOW_OFTEN = (3, 1, 3, 4)
MOST_FROZEN = 3
MOSTLY = 0.8
LAST = 5
HOW_OFTEN_LOST = 0.4

Operation = Callable[[], Awaitable[str]]


@dataclass
class Driver:
    """Takes steps in a world. loses_stores: at rest an older copy of the store may take its place.

    made: the plans that it has asked for, and forth those of them that are no rollbacks. open: the plans that wait or
    are carried out; done: those that can be rolled back. log: what it has done.
    """

    world: World
    seed: int
    loses_stores: bool = False
    made: list[str] = field(default_factory=list)
    forth: list[str] = field(default_factory=list)
    open: list[str] = field(default_factory=list)
    done: list[str] = field(default_factory=list)
    log: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.rng = random.Random(self.seed)  # noqa: S311 - it is to be the same each time

    async def run(self, steps: int) -> None:
        """Take so many steps, and see that all is well whenever it comes to rest, and at the end."""
        for number in range(1, steps + 1):
            operation = await self._choose()
            name = operation.__name__.strip("_").replace("_", " ")
            self._note(f"{number}. {name}: {await operation()}")
            await self.world.look()
            if number % REST_EVERY == 0 or number == steps:
                await self._rest()

    async def _rest(self) -> None:
        await self.world.rest()
        seen = await self.world.seen()
        wrong = whats_wrong(seen)
        self._note(f"at rest: {seen.looks[-1].served} {dict(seen.looks[-1].versions)}")
        assert not wrong, "\n".join([f"seed {self.seed}", *self.log, *wrong])
        if self.loses_stores and self.rng.random() < HOW_OFTEN_LOST and await self.world.lose_store():
            self._note("the store went back to an older copy of it")
        elif self.loses_stores:
            await self.world.keep_store()

    def _note(self, line: str) -> None:
        self.log.append(line)
        sys.stdout.write(f"{line}\n")

    async def _choose(self) -> Operation:
        world = self.world
        self.open = await world.plans_that_are(PlanState.PLANNED, PlanState.APPROVED)
        self.done = [plan for plan in await world.plans_that_are(*CARRIED_OUT) if plan in self.forth]
        is_down, may_freeze = world.dropped & {*SERVERS}, len(self._frozen) < MOST_FROZEN
        possible: list[tuple[Operation, float]] = [
            (self._write, 4 if world.is_quiet and "primary" not in world.dropped else 0),
            (self._sync, 2 if may_freeze else 0),
            (self._take_the_active, 2 if may_freeze else 0),
            (self._emergency, 3),
            (self._planned_move, 3),
            (self._overtaken, 2 if may_freeze else 0),
            (self._approve, (5 if self.open else 0.5) if self.made and may_freeze else 0),
            (self._cancel, 1 if self.open and may_freeze else 0),
            (self._roll_back, (4 if self.done else 0.2) if self.made else 0),
            (self._drop_a_server, 0 if is_down else 1),
            (self._drop_a_name_server, 0 if world.dropped & {*NAME_SERVERS} else 0.5),
            (self._drop_the_update_server, 0 if "primary" in world.dropped else 0.2),
            (self._restore, 2 if world.dropped else 0),
            (self._wake, 2 if self._frozen else 0),
            (self._bot, 1 if world.bot_runs else 3),
            (self._edit_by_hand, 0.5 if "primary" not in world.dropped else 0),
        ]
        return self.rng.choices([one for one, _ in possible], [weight for _, weight in possible])[0]

    @property
    def _frozen(self) -> list[Typist]:
        return [one for one in self.world.typists if one.is_frozen]

    # The operations; each returns what came of it.

    async def _write(self) -> str:
        site = self.rng.choice(SITES)
        server = self.world.write(site)
        return f"version {self.world.version} of {site} on {server}"

    async def _sync(self) -> str:
        what = self.rng.choice(["--all", *SITES])
        return (await self._typed(f"sync {what}"))[0]

    async def _take_the_active(self) -> str:
        site = self.rng.choice(SITES)
        said, typist = await self._typed(f"sync {site} --take-active")
        self.world.chooses(site, typist)
        return said

    async def _emergency(self) -> str:
        source = self.rng.choice(SERVERS)
        if self.rng.random() < 0.6 and source not in self.world.dropped:
            self.world.drop(source)
        what = self.rng.choice([source, *SITES])
        return await self._asked(f"failover {what} --force 'step {len(self.log)}'")

    async def _planned_move(self) -> str:
        what = self.rng.choice([*SERVERS, *SITES])
        return await self._asked(f"failover {what} --planned --force 'step {len(self.log)}'")

    async def _roll_back(self) -> str:
        return await self._asked(f"rollback {self._one_of(self.done)} --force 'step {len(self.log)}'")

    async def _overtaken(self) -> str:
        """Have others carry out what one who is frozen has begun, and roll it back."""
        line = f"failover {self.rng.choice(SITES)} {self.rng.choice(['', '--planned '])}--force 'step {len(self.log)}'"
        plan, said = await self.world.plan(line)
        if plan is None:
            return f"{line}: {said}"
        self._asked_for(line, plan)
        begun = await self._befalls(f"approve {plan}", "frozen")
        done = await self.world.type(f"approve {plan}")
        back, said = await self.world.plan(f"rollback {plan} --force 'step {len(self.log)}'")
        if back is not None:
            self._asked_for("rollback", back)
            said = await self.world.type(f"approve {back}")
        return f"{line}: {plan}; {begun[0]}; {done}; {back}: {said}"

    def _asked_for(self, line: str, plan: str) -> None:
        self.made.append(plan)
        self.forth += [plan] if line.startswith("failover ") else []

    async def _asked(self, line: str) -> str:
        plan, said = await self.world.plan(line)
        if plan is None:
            return f"{line}: {said}"
        self._asked_for(line, plan)
        approved = (await self._typed(f"approve {plan}"))[0] if self.rng.random() < 0.6 else "waits"
        return f"{line}: {plan}; {approved}"

    async def _approve(self) -> str:
        return (await self._typed(f"approve {self._one_of(self.open)}"))[0]

    async def _cancel(self) -> str:
        return (await self._typed(f"cancel {self._one_of(self.open)}"))[0]

    async def _drop_a_server(self) -> str:
        return self._dropped(self.rng.choice(SERVERS))

    async def _drop_a_name_server(self) -> str:
        return self._dropped(self.rng.choice(NAME_SERVERS))

    async def _drop_the_update_server(self) -> str:
        return self._dropped("primary")

    def _dropped(self, host: str) -> str:
        self.world.drop(host)
        return host

    async def _restore(self) -> str:
        host = self.rng.choice(sorted(self.world.dropped))
        self.world.restore(host)
        return host

    async def _wake(self) -> str:
        typist = self.rng.choice(self._frozen)
        off_s = self.rng.choice(CLOCKS_S)
        typist.set_clock(off_s)
        typist.wake()
        return f"`{typist.line}`, its clock off by {off_s} s"

    async def _bot(self) -> str:
        await self.world.run_bot(runs=not self.world.bot_runs)
        return "runs" if self.world.bot_runs else "stops"

    async def _edit_by_hand(self) -> str:
        zone = self.rng.choice(ZONES)
        self.world.edit(zone)
        return zone

    async def _typed(self, line: str) -> tuple[str, Typist | None]:
        """Type a line, here or in a process of its own; return what came of it."""
        name = self.rng.choices(FATES, HOW_OFTEN)[0]
        if name == "here":
            return f"`{line}`: {await self.world.type(line)}", None
        return await self._befalls(line, name)

    async def _befalls(self, line: str, name: str) -> tuple[str, Typist]:
        """Type a line in a process of its own that something befalls; return what came of it."""
        most = MOST_TOUCHES[line.split(maxsplit=1)[0]]
        counts = self.rng.choice(list(most))
        at, off_s = self.rng.randint(1, most[counts]), self.rng.choice(CLOCKS_S)
        fate = Fate("frozen", 0) if name == "beside" else Fate(name, at, counts)
        typist = await self.world.start(line, fate, off_s)
        return f"`{line}` with a clock off by {off_s} s: {typist.said or 'goes on'}", typist

    def _one_of(self, fitting: list[str]) -> str:
        """Return one of the last plans, mostly one that fits where any does."""
        return self.rng.choice(fitting if fitting and self.rng.random() < MOSTLY else self.made[-LAST:])

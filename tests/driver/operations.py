"""Everything that can be done to a fleet, each thing by itself; what is drawn follows from the seed alone."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from driver.sight import NAME_SERVERS, NOTES, SERVERS, SITES, ZONES, served
from driver.stores import keep_store, lose_store
from driver.typist import Fate

if TYPE_CHECKING:
    from driver.stores import Loss
    from driver.typist import Typist
    from driver.world import World

# By what is typed, and what is counted: everything, updates of DNS, commands on servers.
MOST_TOUCHES = {
    "approve": {"": 40, "dns": 4, "ssh": 10},
    "sync": {"": 20, "ssh": 6},
    "cancel": {"": 2},
    "failback": {"": 40, "ssh": 12},
    "backup": {"": 20, "ssh": 6},
}
# By how many seconds a process's clock is off; most are right.
CLOCKS_S = (0, 0, 0, 0, 0, 0, 120, -120, 260, -260, 1200, -1200)
FATES = ("here", "beside", "killed", "frozen")
HOW_OFTEN = (3, 1, 3, 4)
MOSTLY = 0.8
LAST = 5


@dataclass
class Operations:
    """Does things in a world.

    made: the plans that it has asked for, and forth those of them that are no rollbacks. open: the plans that wait or
    are carried out; done: those that can be rolled back. backed_up: the sites that have a backup on record. log:
    what it has done.
    """

    world: World
    seed: int
    made: list[str] = field(default_factory=list)
    forth: list[str] = field(default_factory=list)
    open: list[str] = field(default_factory=list)
    done: list[str] = field(default_factory=list)
    backed_up: list[str] = field(default_factory=list)
    log: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.rng = random.Random(self.seed)  # noqa: S311 - it is to be the same each time

    # Each returns what came of it.

    async def _write(self) -> str:
        site = self.rng.choice(SITES)
        server = self.world.write(site)
        return f"version {self.world.version} of {site} on {server}"

    async def _send_a_file(self) -> str:
        """Have somebody send a file to where a site is served, or, by an address of yesterday, to what it has left."""
        left = sorted(self.world.looks[-1].quarantined)
        site = self.rng.choice(SITES)
        copy = self.rng.choice(left) if left and self.rng.random() < MOSTLY else (site, served(self.world)[site])
        return f"{self.world.note(copy)} of {copy[0]} on {copy[1]}"

    async def _sync(self) -> str:
        what = self.rng.choice(["--all", *SITES])
        return (await self._typed(f"sync {what}"))[0]

    async def _take_the_active(self) -> str:
        site = self.rng.choice(SITES)
        how = self.rng.choice(["sync {} --take-active", "failback {} --take-active"]).format(site)
        said, typist = await self._typed(how + self.rng.choice(["", " --allow-delete"]))
        self.world.chooses(site, typist)
        return said

    async def _keep(self) -> str:
        """Choose what lies in a copy that was left, where there is one, and let the served one win otherwise."""
        left = sorted(site for site, _ in self.world.looks[-1].quarantined)
        site = self.rng.choice(left or SITES)
        said, typist = await self._typed(f"failback {site} --keep {NOTES}{self.rng.choice(['', ' --allow-delete'])}")
        self.world.chooses(site, typist)
        return said

    async def _go_home(self) -> str:
        return await self._asked(f"failback {self.rng.choice([*SERVERS, *SITES])} --force 'step {len(self.log)}'")

    async def _back_up(self) -> str:
        return (await self._typed(f"backup run {self.rng.choice(SITES)}"))[0]

    async def _bring_back(self) -> str:
        site, server = self.rng.choice(self.backed_up or SITES), self.rng.choice(SERVERS)
        return await self._asked(f"backup restore {site} --to {server}")

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
        self.forth += [plan] if line.startswith(("failover ", "failback ")) else []

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

    async def _keep_store(self) -> str:
        await self.world.tell_witnesses()
        keep_store(self.world)
        return "a copy of it was taken"

    async def _lose_store(self) -> str:
        """Take the store away under all who have it open; mostly the witnesses have been told how far it was."""
        told, machine = self.rng.random() < MOSTLY, self.rng.random() >= MOSTLY
        losses: tuple[Loss, ...] = ("moved back", "an older one", "an older one", "a new one")
        loss = self.rng.choice(losses)
        if loss == "an older one" and not self.world.has_kept:
            loss = "moved back"
        if told:
            await self.world.tell_witnesses()
        said = await lose_store(self.world, loss, machine=machine)
        return f"{loss}{', told' if told else ''}{', with all beside it' if machine else ''}: {said}"

    async def _accept_store(self) -> str:
        return await self.world.accept_store() or "there is no doubt"

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

    @property
    def _frozen(self) -> list[Typist]:
        return [one for one in self.world.typists if one.is_frozen]

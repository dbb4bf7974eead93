"""A driver that does to a lab whatever can be done, at random: what it chooses follows from its seed alone."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from driver.checker import whats_wrong
from driver.operations import Operations
from driver.sight import NAME_SERVERS, SERVERS

from core.plan.approval import CARRIED_OUT
from core.plan.plan import PlanState
from ops.store.copies.backups import SAVE

REST_EVERY = 12
MOST_FROZEN = 3

Operation = Callable[[], Awaitable[str]]


@dataclass
class Driver(Operations):
    """Takes steps in a world."""

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

    def _note(self, line: str) -> None:
        self.log.append(line)
        sys.stdout.write(f"{line}\n")

    async def _choose(self) -> Operation:
        world = self.world
        self.open = await world.plans_that_are(PlanState.PLANNED, PlanState.APPROVED)
        self.done = [plan for plan in await world.plans_that_are(*CARRIED_OUT) if plan in self.forth]
        self.backed_up = sorted(await world.stage.ports.store.backups.newest(SAVE, ("good",)))
        may_write = world.is_quiet and "primary" not in world.dropped
        left, in_doubt = world.looks[-1].quarantined, await world.stage.ports.store.identity.doubt()
        is_down, may_freeze = world.dropped & {*SERVERS}, len(self._frozen) < MOST_FROZEN
        possible: list[tuple[Operation, float]] = [
            (self._write, 4 if may_write else 0),
            (self._send_a_file, 3 if may_write else 0),
            (self._sync, 2 if may_freeze else 0),
            (self._take_the_active, (2 if left else 1) if may_freeze else 0),
            (self._keep, (3 if left else 0.2) if may_freeze else 0),
            (self._go_home, 1),
            (self._back_up, (0.7 if self.backed_up else 2) if may_freeze else 0),
            (self._bring_back, (2.5 if self.backed_up else 0.1) if may_freeze else 0),
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
            (self._keep_store, 0.7),
            (self._lose_store, 0.7 if world.is_quiet and "primary" not in world.dropped else 0),
            (self._accept_store, 2 if in_doubt else 0),
        ]
        return self.rng.choices([one for one, _ in possible], [weight for _, weight in possible])[0]

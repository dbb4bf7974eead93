"""A lab, the ports of a process that works on it, and the lines that a test types."""

from __future__ import annotations

import os
import shutil
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING
from unittest.mock import patch

from bot.settings import Settings
from bot.wiring import open_ports
from commands import answer, split_line
from core.people import Person, Role
from jobs.cutover import carry_out
from ops.store.plans import RUN

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from datetime import timedelta
    from pathlib import Path

    from core.plan.plan import PlanState
    from core.reply import Reply
    from lab import Lab
    from ops.ports import Ports

BOSS = Person("boss", "terminal", frozenset(Role))


@dataclass(frozen=True)
class Stage:
    """A lab, the ports of a process that works on it, and what a test says to it."""

    lab: Lab
    ports: Ports
    config: Path

    async def say(self, line: str, person: Person = BOSS, *, follow: bool = True) -> Reply:
        """Type a line and return the reply."""
        return await answer(split_line(line), person, person.via, self.ports, follow=follow)

    async def plan(self, line: str = "failover oslo", person: Person = BOSS) -> str:
        """Ask for a plan and return its id."""
        reply = await self.say(line, person)
        assert reply.facts is not None
        assert reply.facts["may_be_approved"], reply.title
        return str(reply.facts["id"])

    def answers(self, name: str, rdtype: str = "A") -> dict[str, list[str]]:
        """Return what every public name server answers."""
        servers = [server.name for server in self.ports.fleet.dns.nameservers]
        return {server: sorted(self.lab.query(server, name, rdtype)) for server in servers}

    def address(self, server: str) -> list[str]:
        """Return the address that DNS gives for what a server serves."""
        return [str(self.ports.fleet.servers[server].ipv4)]

    def all_answer(self, name: str, server: str) -> bool:
        """Return whether every name server sends visitors of `name` to `server`."""
        return all(found == self.address(server) for found in self.answers(name).values())

    def agreeing_within(self, length: timedelta) -> Stage:
        """Return the same stage, where a cutover waits only so long for its name servers."""
        fleet = replace(self.ports.fleet, dns=replace(self.ports.fleet.dns, agree_within=length))
        ports = replace(self.ports, fleet=fleet, live_fleet=lambda: fleet)
        self.ports.engine.carries({RUN: partial(carry_out, ports)})
        return replace(self, ports=ports)

    async def state_of(self, plan_id: str) -> PlanState:
        """Return the state of a plan that is there."""
        stored = await self.ports.store.plans.get(plan_id)
        assert stored is not None
        return stored.state

    async def approve_and_die(self, plan_id: str) -> None:
        """Approve as `approve` does, and stop where a process that dies right then would."""
        stored = await self.ports.store.plans.get(plan_id)
        assert stored is not None
        await self.ports.store.plans.approve(stored.plan, BOSS.label, 1, self.ports.clock.now())

    async def carry_out(self, plan_id: str) -> PlanState:
        """Have an approved plan carried out to its end, and return how it ended."""
        await self.ports.engine.wait(RUN, plan_id)
        return await self.state_of(plan_id)

    async def card(self, plan_id: str) -> Reply:
        """Return what a plan's card shows."""
        card = await self.ports.store.cards.get(f"plan:{plan_id}")
        assert card is not None
        return card.reply


def copy_to_mirrors(lab: Lab, ports: Ports) -> None:
    """Put every site's content on its mirrors, as a sync that ran last night would have."""
    for site in ports.fleet.sites.values():
        for mirror in site.mirrors:
            home = lab.path_on(site.home, site.root_on(site.home))
            copy = lab.path_on(mirror, site.root_on(mirror))
            owner = copy.stat()
            shutil.copytree(home, copy, dirs_exist_ok=True)
            for path in copy.rglob("*"):
                os.chown(path, owner.st_uid, owner.st_gid, follow_symlinks=False)


@asynccontextmanager
async def staged(lab: Lab, folder: Path) -> AsyncIterator[Stage]:
    """Open the ports of one process on a lab, whose secrets are in the environment meanwhile."""
    config = folder / "app.yaml"
    with patch.dict(os.environ, lab.env):
        async with open_ports(Settings(config, folder / "sharpnet.db")) as ports:
            yield Stage(lab, ports, config)

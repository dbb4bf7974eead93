"""A lab, the ports of a process that works on it, the lines that a test types, and what happens while DNS changes."""

from __future__ import annotations

import os
import shutil
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from ruamel.yaml import YAML

from bot.settings import Settings
from bot.wiring import open_ports
from commands import answer, split_line
from core.people import Person, Role
from jobs.cutover import carry_out
from ops.store.plans import RUN

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from datetime import timedelta
    from pathlib import Path

    import pytest

    from core.plan.plan import PlanState
    from core.reply import Reply
    from lab import Lab
    from ops.ports import Ports

MOMENTS = ("before_cutover", "freeze", "after_cutover", "thaw")
TRACE = 'echo "{moment} $SITE $SOURCE $TARGET $ROOT" >>"$ROOT/../trace.log"'
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

    async def approve_and_die(self, plan_id: str, person: Person = BOSS) -> None:
        """Approve as `approve` does, and stop where a process that dies right then would."""
        stored = await self.ports.store.plans.get(plan_id)
        assert stored is not None
        entry = person.approves_as or None
        await self.ports.store.plans.approve(stored.plan, person.label, 1, self.ports.clock.now, entry=entry)

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


def edit(stage: Stage, change: Callable[[dict[str, Any]], object]) -> None:
    """Change the fleet file."""
    tree = YAML().load(stage.config)
    change(tree)
    YAML().dump(tree, stage.config)


def traced(tree: dict[str, Any], site: str, *moments: str, on: str = "source") -> None:
    """Have `site` leave a line in trace.log beside its root at each of the moments."""
    hooks = tree["sites"][site].setdefault("hooks", {})
    for moment in moments:
        hooks.setdefault(moment, []).append({"on": on, "run": TRACE.format(moment=moment), "timeout": "10s"})


def trace(stage: Stage, server: str) -> list[str]:
    """Return the moments and sites of which a server has a trace, in order."""
    file = root_of(stage, "ski.example", server).parent / "trace.log"
    lines = file.read_text().splitlines() if file.exists() else []
    return [" ".join(line.split()[:2]) for line in lines]


def root_of(stage: Stage, site: str, server: str) -> Path:
    """Say where this machine has the content that a site has on a server."""
    return stage.lab.path_on(server, stage.ports.fleet.sites[site].root_on(server))


def write(root: Path, name: str, text: str, *, at: int | None = None) -> None:
    """Write a file as whoever owns the root, with a time of its own where one is given."""
    path = root / name
    owner = root.stat()
    for folder in reversed([part for part in path.parents if not part.exists()]):
        folder.mkdir()
        os.chown(folder, owner.st_uid, owner.st_gid)
    path.write_text(text)
    os.chown(path, owner.st_uid, owner.st_gid)
    if at is not None:
        os.utime(path, (at, at))


def while_dns_changes(stage: Stage, monkeypatch: pytest.MonkeyPatch, happens: Callable[[], Awaitable[None]]) -> None:
    """Have something happen once, right before the first zone is changed: every copy is made by then."""
    update = stage.ports.dns.update
    pending = [happens]

    async def updating(*args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - whatever `update` takes
        if pending:
            await pending.pop()()
        await update(*args, **kwargs)

    monkeypatch.setattr(stage.ports.dns, "update", updating)

"""A process whose fleet is the sites that a test has taken, with repositories of the test's own."""

from __future__ import annotations

import os
import posixpath
import shutil
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from commands import answer, split_line
from core.backup.repositories import SERVERS, repository_path
from core.people import Person, Role
from jobs.backup.many import back_up_sites
from jobs.backup.one import BackupRequest
from jobs.cutover import carry_out
from jobs.plans.prepare import differences_now
from ops.fleetfile import secret_reader
from ops.restic.repository import ResticRepository
from ops.store.copies.backups import UPKEEP, BackupRun

if TYPE_CHECKING:
    from pathlib import Path

    from sync.harness import Rig

    from core.backup.result import BackupResult
    from core.fleet import Site
    from core.plan.plan import PlanState
    from core.reply import Reply
    from jobs.backup.many import BackupBatchResult
    from lab import Lab
    from ops.ports import Ports

BOSS = Person("boss", "terminal", frozenset(Role))
WHO = BOSS.label


def offsite(tree: dict[str, Any]) -> dict[str, Any]:
    """Return what a fleet file says of an off-site host, which is beside its servers."""
    block = tree["servers"]["oslo"]["ipv4"].rpartition(".")[0]
    login = {"user": "keeper", "port": 2322, "key": "file:keys/bot", "known_hosts": "keys/known_hosts"}
    server = {"address": f"{block}.3", "ssh": login}
    return {"server": server, "path": "/srv/vault", "password": "env:SHARPNET_TEST_RESTIC"}


@dataclass(frozen=True)
class Vault:
    """What a test has at hand."""

    rig: Rig
    ports: Ports

    @staticmethod
    def of(rig: Rig, name: str) -> Vault:
        """Give a vault without any site, and with a repository that nobody has used."""
        offsite = rig.ports.fleet.offsite
        assert offsite is not None
        fleet = replace(rig.ports.fleet, sites={}, offsite=replace(offsite, path=f"{offsite.path}/{name}"))
        return Vault(rig, rig.ports).on(fleet)

    def on(self, fleet: Any) -> Vault:  # noqa: ANN401  a Fleet
        """Give the same where the fleet file says something else."""
        restic = ResticRepository(fleet, fleet.offsite, self.rig.ports.ssh, secret_reader(fleet))
        ports = replace(self.ports, fleet=fleet, live_fleet=lambda: fleet, restic=restic)
        return replace(self, ports=ports, rig=replace(self.rig, ports=ports))

    def with_offsite(self, **changes: Any) -> Vault:  # noqa: ANN401  fields of Offsite
        """Give the same with another off-site section."""
        fleet = self.ports.fleet
        assert fleet.offsite is not None
        return self.on(replace(fleet, offsite=replace(fleet.offsite, **changes)))

    def taking(self, home: str = "oslo", **changes: Any) -> tuple[Vault, Site]:  # noqa: ANN401  fields of Site
        """Give the same with one more site, and that site."""
        site = replace(self.rig.take(home), **changes)
        fleet = self.ports.fleet
        return self.on(replace(fleet, sites={**fleet.sites, site.name: site})), site

    async def kept_up(self) -> Vault:
        """Give the same where the repository is there, and was pruned just now."""
        run = BackupRun("pruned", UPKEEP, "", "oslo", self.ports.clock.now())
        await self.ports.store.backups.begin(run, WHO)
        await self.ports.store.backups.end(run, "done", None, {}, self.ports.clock.now(), WHO)
        made = self.with_offsite(path=f"{posixpath.dirname(self.place)}/made")
        restic, there = made.ports.restic, self.lab.path_on("offsite", made.place)
        assert restic is not None
        for server in ("oslo", "lima"):
            if not (there / SERVERS / server).exists():
                assert await restic.make(server) is None
        own = self.lab.path_on("offsite", self.place)
        shutil.copytree(there, own)
        for path in (own, *own.rglob("*")):
            os.chown(path, there.stat().st_uid, there.stat().st_gid)
        return self

    @property
    def place(self) -> str:
        """What the off-site host calls the folder of the repositories."""
        offsite = self.ports.fleet.offsite
        assert offsite is not None
        return offsite.path

    @property
    def lab(self) -> Lab:
        """The lab."""
        return self.rig.lab

    @property
    def repository(self) -> Path:
        """Where this machine has the repository of Oslo."""
        return self.repository_of("oslo")

    def repository_of(self, server: str) -> Path:
        """Where this machine has the repository of a server; SHARED: the one of before."""
        return self.lab.path_on("offsite", repository_path(self.place, server))

    async def say(self, line: str, person: Person = BOSS, *, follow: bool = False) -> Reply:
        """Type a line and return the reply."""
        return await answer(split_line(line), person, person.via, self.ports, follow=follow)

    async def run(self, **options: Any) -> BackupBatchResult:  # noqa: ANN401  fields of BackupRequest
        """Back up every site."""
        return await back_up_sites(self.ports, tuple(self.ports.fleet.sites.values()), BackupRequest(WHO, **options))

    async def saved(self) -> BackupResult:
        """Back up the one site, and have it well."""
        backed = await self.run()
        assert [result.outcome for result in backed.results] == ["good"], backed
        assert backed.upkeep is None, backed
        return backed.results[0]


async def approved(vault: Vault, reply: Reply) -> PlanState:
    """Approve a plan by its button, carry it out as the engine does, and return how it ended."""
    assert reply.facts is not None
    plan_id = str(reply.facts["id"])
    stored = await vault.ports.store.plans.get(plan_id)
    assert stored is not None
    assert await differences_now(vault.ports, stored.plan) == ()
    await vault.ports.store.plans.approve(stored.plan, "terminal:boss", 1, vault.ports.clock.now)
    await carry_out(vault.ports, plan_id, vault.ports.clock.now())
    stored = await vault.ports.store.plans.get(plan_id)
    assert stored is not None
    return stored.state

"""A backup or a restore that somebody cancels: it ends at once, others go on, and nothing that is there is touched."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from sync.harness import tree_at

from core.errors import OvertakenError
from core.people import Person, Role
from core.plan.plan import PlanState
from jobs.cutover import carry_out
from ops.store.plans import RUN

if TYPE_CHECKING:
    from backup.harness import Vault

OPERATOR = Person("night", "slack", frozenset({Role.OPERATOR}))


class Hanging:
    """What stands in the place of one call and never returns. `begun` is set once it is called."""

    def __init__(self, vault: Vault, name: str, site: str = "") -> None:
        self.begun = asyncio.Event()
        self._site = site
        self._real = getattr(vault.ports.restic, name)
        setattr(vault.ports.restic, name, self)

    async def __call__(self, place: Any, *args: Any, **kwargs: Any) -> object:  # noqa: ANN401 - of any of them
        if self._site in {"", place.site.name}:
            self.begun.set()
            await asyncio.Event().wait()
        return await self._real(place, *args, **kwargs)


async def test_a_backup_is_cancelled_by_its_site_and_the_others_of_the_run_are_saved(vault: Vault) -> None:
    vault, site = vault.taking()
    vault, other = vault.taking()
    hanging = Hanging(vault, "save", site.name)
    running = asyncio.create_task(vault.run())
    await hanging.begun.wait()
    reply = await vault.say(f"cancel {site.name}", OPERATOR)
    assert reply.title == f"Cancelled: a backup of {site.name}"
    assert "older backups are as they were" in str(reply.parts)
    results = {result.site: result for result in (await running).results}
    assert (results[site.name].outcome, results[other.name].outcome) == ("refused", "good")
    assert results[site.name].trouble is not None
    assert results[site.name].trouble.message == "cancelled by slack:night"
    kinds = [entry.kind for entry in await vault.ports.store.record.entries(subject=site.name)]
    assert kinds == ["backup.begun", "claim.cancelled", "backup.interrupted"]
    assert await vault.ports.store.claims.held() == ()


async def test_a_whole_run_is_cancelled_by_its_id_and_leaves_no_claim(vault: Vault) -> None:
    vault, site = vault.taking()
    vault, _ = vault.taking("lima")
    hanging = Hanging(vault, "save")
    running = asyncio.create_task(vault.run())
    await hanging.begun.wait()
    run = next(claim.owner for claim in await vault.ports.store.claims.held() if claim.name == "backup")
    reply = await vault.say(f"cancel {run}", OPERATOR)
    assert reply.title == "Cancelled: a backup run"
    async with asyncio.timeout(20):
        with pytest.raises(OvertakenError, match="cancelled by slack:night"):
            await running
    assert await vault.ports.store.claims.held() == ()
    assert await vault.ports.store.backups.newest_whole(site.name) is None


async def test_a_restore_by_plan_is_cancelled_while_what_is_there_is_as_it_was(vault: Vault) -> None:
    vault, site = vault.taking()
    vault.rig.write(site, "oslo", {"page": "before"})
    await vault.saved()
    vault.rig.write(site, "oslo", {"page": "after"})
    before = tree_at(vault.rig.root(site, "oslo"))
    reply = await vault.say(f"backup restore {site.name} --to oslo")
    assert reply.facts is not None
    hanging = Hanging(vault, "restore")
    vault.ports.engine.carries({RUN: partial(carry_out, vault.ports)})
    approving = asyncio.create_task(vault.say(f"approve {reply.facts['id']}", follow=True))
    await hanging.begun.wait()
    ended = await vault.say(f"cancel {site.name}", follow=True)
    assert ended.title.startswith(f"Cancelled: restore of {site.name}")
    assert (await approving).title == ended.title
    stored = await vault.ports.store.plans.get(str(reply.facts["id"]))
    assert stored is not None
    assert stored.state == PlanState.CANCELLED
    assert tree_at(vault.rig.root(site, "oslo")) == before
    assert await vault.ports.store.claims.held() == ()

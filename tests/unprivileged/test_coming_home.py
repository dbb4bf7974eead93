"""A server of several users drops and comes back: what was written there is kept, whosever it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from backup.harness import approved
from unprivileged.conftest import SITES, install

from core.plan.plan import PlanState

if TYPE_CHECKING:
    from backup.harness import Vault

SITE = "ann.ski.example"


async def test_what_a_returned_server_has_is_kept_with_its_owner(vault: Vault) -> None:
    assert (await vault.say("sync --all")).exit_code == 0
    root = vault.rig.root(vault.ports.fleet.sites[SITE], "oslo")
    vault.rig.write(vault.ports.fleet.sites[SITE], "oslo", {"order.txt": "the last order"})
    (root / "order.txt").chmod(0o600)
    vault.lab.drop("oslo")
    plan = await vault.say("failover oslo")
    assert await approved(vault, plan) == PlanState.CONFIRMED
    vault.lab.back("oslo")
    install(vault.lab, "oslo")

    compared = await vault.say(f"failback {SITE}")
    assert "order.txt" in str(compared.parts), compared
    kept = await vault.say(f"failback {SITE} --keep order.txt")
    assert kept.exit_code == 0, kept
    brought = vault.rig.root(vault.ports.fleet.sites[SITE], "lima") / "order.txt"
    assert (brought.read_text(), brought.stat().st_uid, oct(brought.stat().st_mode)[-3:]) == (
        "the last order",
        SITES[SITE],
        "600",
    )
    home = await vault.say(f"failback {SITE}")
    assert await approved(vault, home) == PlanState.CONFIRMED
    assert {path.lstat().st_uid for path in (root, *root.rglob("*"))} == {SITES[SITE]}

"""The whole cycle on tens of thousands of files: out, written on both sides, and home without losing a byte."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from story.conftest import DOCUMENTATION
from story.harness import Ledger, tree_of

from core.audit import first_broken
from core.plan.plan import PlanState

if TYPE_CHECKING:
    from cutover.harness import Stage

JAVA, RUST = DOCUMENTATION


@pytest.mark.timeout(300)
async def test_documentation_moves_out_and_comes_home_without_losing_a_byte(documented: Stage) -> None:
    stage, ledger = documented, Ledger(documented)
    copied = await stage.say("sync --all")
    assert copied.exit_code == 0, copied
    for site in DOCUMENTATION:
        tree = tree_of(ledger.root(site, "lima"))
        assert len(tree) > 10_000
        assert tree == tree_of(ledger.root(site, "oslo"))

    # Oslo's last seconds: nobody has a copy of this.
    ledger.write(JAVA, "oslo", "last words.html", b"only oslo has this")
    ledger.write(JAVA, "oslo", "index.html", b"<html>edited in oslo's last second</html>")
    ledger.write(RUST, "oslo", "notes/kept.txt", b"wanted after all")
    stage.lab.drop("oslo")
    plan = await stage.plan("failover oslo")
    assert (await stage.say(f"approve {plan}")).exit_code == 0
    assert all(stage.all_answer(site, "lima") for site in DOCUMENTATION)

    # Written where it is served now.
    ledger.write(JAVA, "lima", "index.html", b"<html>edited in lima</html>")
    ledger.write(JAVA, "lima", "new in lima.html", b"<html>only lima has this</html>")
    ledger.write(RUST, "lima", "all.html", b"<html>replaced in lima</html>")
    (ledger.root(RUST, "lima") / "marker" / "index.html").unlink()

    stage.lab.back("oslo")
    quarantined = await stage.ports.store.copies.quarantined()
    assert set(quarantined) == {(site, "oslo") for site in DOCUMENTATION}
    refused = await stage.say(f"sync {JAVA}")
    assert refused.exit_code == 3
    assert (ledger.root(JAVA, "oslo") / "last words.html").exists()

    shown = await stage.say("failback oslo")
    said = str(shown)
    assert "last words.html" in said
    assert "notes/kept.txt" in said
    assert ledger.all_of(JAVA) == ledger.served_by(JAVA, "oslo") | ledger.served_by(JAVA, "lima"), (
        "looking changes nothing"
    )

    kept = await stage.say(f"failback {RUST} --keep notes/kept.txt")
    assert kept.exit_code == 0, kept
    taken = await stage.say("failback oslo --take-active")
    assert taken.exit_code == 0, taken
    assert await stage.ports.store.copies.quarantined() == {}
    ledger.write(JAVA, "lima", "later.html", b"<html>written while the way home was planned</html>")
    home = await stage.plan("failback oslo")
    assert (await stage.say(f"approve {home}")).exit_code == 0
    assert await stage.state_of(home) == PlanState.CONFIRMED
    assert all(stage.all_answer(site, "oslo") for site in DOCUMENTATION)

    for site in DOCUMENTATION:
        assert ledger.all_of(site) == ledger.served_by(site, "oslo") | ledger.kept_aside(site)
        assert tree_of(ledger.root(site, "oslo")) == tree_of(ledger.root(site, "lima"))
    assert ledger.kept_aside(JAVA) >= {
        ("last words.html", b"only oslo has this"),
        ("index.html", b"<html>edited in oslo's last second</html>"),
    }
    assert ("notes/kept.txt", b"wanted after all") in ledger.served_by(RUST, "oslo")
    assert not (ledger.root(RUST, "oslo") / "marker" / "index.html").exists()
    listed = await stage.say(f"sync {JAVA} --runs")
    assert "oslo" in str(listed.parts)
    assert first_broken(await stage.ports.store.record.entries()) is None

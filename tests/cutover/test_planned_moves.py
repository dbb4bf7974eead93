"""Sites move on purpose: hooks around it, a last copy, what arrives meanwhile, and what stops it before DNS."""

from __future__ import annotations

import asyncio
import fcntl
import time
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from cutover.harness import MOMENTS, root_of, trace, traced, while_dns_changes, write

from core.errors import RefusedError, UsageError
from core.fleet import Database
from core.plan.plan import PlanState
from core.reply import Table

if TYPE_CHECKING:
    from typing import Any

    from cutover.harness import Stage

HOSTILE = "-rf '$(touch pwned)' #;\n* ?"
FUTURE = int(time.time()) + 3600


def every_hook(tree: dict[str, Any]) -> None:
    for moment in MOMENTS:
        traced(tree, "ski.example", moment)
    traced(tree, "ski.example", "after_cutover", on="target")


def failing_before(tree: dict[str, Any]) -> None:
    every_hook(tree)
    run = "seq 1000000; echo no such pool >&2; exit 3"
    tree["sites"]["ski.example"]["hooks"]["before_cutover"].append({"on": "target", "run": run})


def failing_freeze(tree: dict[str, Any]) -> None:
    every_hook(tree)
    tree["sites"]["ski.example"]["hooks"]["freeze"].append({"on": "source", "run": "sleep 60", "timeout": "300ms"})


def told_elsewhere(tree: dict[str, Any]) -> None:
    oslo = tree["servers"]["oslo"]
    peer = {"key": "/srv/quito/keys/peer", "known_hosts": "/srv/quito/keys/known_hosts"}
    address = f"{oslo['ipv4'].rpartition('.')[0]}.3"
    quito = {"location": "Quito", "ipv4": address, "ssh": dict(oslo["ssh"]), "peer": peer, "web": {"http": 8080}}
    tree["servers"]["quito"] = quito
    traced(tree, "ski.example", "before_cutover", on="quito")


def failing_thaw(tree: dict[str, Any]) -> None:
    every_hook(tree)
    tree["sites"]["ski.example"]["hooks"]["thaw"] = [{"on": "source", "run": "exit 1"}]


def excluding(tree: dict[str, Any]) -> None:
    for site in ("ski.example", "ceviche.example"):
        tree["sites"][site]["exclude"] = ["cache/", "*.tmp"]


@pytest.mark.parametrize("change", [every_hook])
async def test_hooks_run_in_order_each_on_its_server_and_are_on_record(stage: Stage) -> None:
    shown = await stage.say("failover ski.example --planned")
    table = next(part for part in shown.parts if isinstance(part, Table) and part.columns[0] == "when")
    assert [row.cells[:2] for row in table.rows] == [
        ("before_cutover", "oslo"),
        ("freeze", "oslo"),
        ("after_cutover", "oslo"),
        ("after_cutover", "lima"),
        ("thaw", "oslo"),
    ]
    assert shown.facts is not None
    done = await stage.say(f"approve {shown.facts['id']}")
    assert done.exit_code == 0, done
    assert trace(stage, "oslo") == [f"{moment} ski.example" for moment in MOMENTS]
    assert trace(stage, "lima") == ["after_cutover ski.example"]
    log = root_of(stage, "ski.example", "lima").parent / "trace.log"
    assert log.read_text() == "after_cutover ski.example oslo lima /srv/lima/www/ski.example\n"
    kinds = [entry.kind for entry in await stage.ports.store.record.entries(subject="ski.example")]
    assert (kinds.count("hook.begun"), kinds.count("hook.ran"), kinds.count("hook.failed")) == (5, 5, 0)
    assert await stage.ports.store.claims.held() == ()


@pytest.mark.parametrize("change", [failing_before])
async def test_a_failing_before_hook_stops_it_before_dns_and_says_its_last_line_only(stage: Stage) -> None:
    plan_id = await stage.plan("failover ski.example --planned")
    reply = await stage.say(f"approve {plan_id}")
    assert (reply.exit_code, await stage.state_of(plan_id)) == (3, PlanState.STALE)
    assert "on lima failed: status 3: no such pool" in str(reply.parts)
    assert stage.all_answer("ski.example", "oslo")
    assert trace(stage, "oslo") == ["before_cutover ski.example"]
    assert await stage.ports.store.claims.held() == ()
    failed = [entry.body for entry in await stage.ports.store.record.entries() if entry.kind == "hook.failed"]
    assert [(body["status"], body["said"]) for body in failed] == [(3, "no such pool")]


@pytest.mark.parametrize("change", [failing_freeze])
async def test_a_freeze_that_takes_too_long_stops_it_before_dns_and_is_thawed(stage: Stage) -> None:
    plan_id = await stage.plan("failover ski.example --planned")
    reply = await stage.say(f"approve {plan_id}")
    assert (reply.exit_code, await stage.state_of(plan_id)) == (3, PlanState.STALE)
    assert "the freeze hook `sleep 60` on oslo failed" in str(reply.parts)
    assert stage.all_answer("ski.example", "oslo")
    assert trace(stage, "oslo") == [f"{moment} ski.example" for moment in ("before_cutover", "freeze", "thaw")]


@pytest.mark.parametrize("change", [failing_thaw])
async def test_a_thaw_that_fails_is_told_although_the_site_has_moved(stage: Stage) -> None:
    plan_id = await stage.plan("failover ski.example --planned")
    reply = await stage.say(f"approve {plan_id}")
    assert (reply.exit_code, await stage.state_of(plan_id)) == (1, PlanState.CONFIRMED)
    assert reply.title.endswith("but not all else went well")
    assert "It may still be frozen" in str(reply.parts)
    assert stage.all_answer("ski.example", "lima")


@pytest.mark.parametrize("change", [excluding])
@pytest.mark.parametrize(
    ("site", "source", "target"), [("ski.example", "oslo", "lima"), ("ceviche.example", "lima", "oslo")]
)
async def test_what_arrives_meanwhile_is_brought_over_and_nothing_newer_is_lost(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, site: str, source: str, target: str
) -> None:
    old, new = root_of(stage, site, source), root_of(stage, site, target)
    for name in ("both.txt", "older.txt", "gone.txt"):
        write(old, name, "from the last copy", at=1_600_000_000)
    outside = new.parent / "outside"
    write(new.parent, "outside/kept.txt", "outside")

    async def happens() -> None:
        write(old, "new.txt", "arrived")
        write(old, "made/deep/new.txt", "arrived deep")
        (old / "made").chmod(0o750)
        write(old, HOSTILE, "hostile")
        write(old, "older.txt", "changed at the old server")
        write(old, "both.txt", "changed at the old server")
        write(new, "both.txt", "newer where it is served", at=FUTURE)
        write(old, "cache/new.txt", "excluded")
        write(old, "new.tmp", "excluded")
        write(old, "way/out.txt", "must not leave the site")
        (new / "way").symlink_to(outside)
        (new / "gone.txt").unlink()
        (old / "link").symlink_to("new.txt")

    while_dns_changes(stage, monkeypatch, happens)
    plan_id = await stage.plan(f"failover {site} --planned")
    reply = await stage.say(f"approve {plan_id}")
    assert reply.exit_code == 0, reply
    assert (new / "new.txt").read_text() == "arrived"
    assert (new / "made/deep/new.txt").read_text() == "arrived deep"
    assert (new / "made").stat().st_mode & 0o777 == 0o750
    assert (new / HOSTILE).read_text() == "hostile"
    assert str((new / "link").readlink()) == "new.txt"
    assert (new / "older.txt").read_text() == "changed at the old server"
    assert (new / "both.txt").read_text() == "newer where it is served"
    assert not (new / "cache").exists()
    assert not (new / "new.tmp").exists()
    # What people have deleted since at the new server does not come back: it was there before.
    assert not (new / "gone.txt").exists()
    assert [path.name for path in outside.iterdir()] == ["kept.txt"]
    kept = [path for path in (new.parent / ".sharpnet").rglob("replaced/*/older.txt") if path.is_file()]
    assert [path.read_text() for path in kept] == ["from the last copy"]
    assert plan_id in str(kept[0])
    assert not list(new.parent.rglob("pwned"))
    runs = str((await stage.say(f"sync {site} --runs")).parts)
    assert f"brought over from {source}" in runs
    assert plan_id in runs
    said = str(reply.parts)
    assert "5 files that arrived meanwhile were brought over" in said
    assert "2 files that arrived meanwhile stayed" in said
    ended = [
        entry.body for entry in await stage.ports.store.record.entries(subject=site) if entry.kind == "catch-up.ended"
    ]
    assert [(body["files"], body["left"]) for body in ended] == [(5, 2)]
    assert await stage.ports.store.copies.quarantined() == {}


async def test_what_cannot_be_brought_over_is_told_and_nothing_of_it_is_lost(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def happens() -> None:
        await asyncio.to_thread(stage.lab.drop, "oslo")

    while_dns_changes(stage, monkeypatch, happens)
    plan_id = await stage.plan("failover ski.example --planned")
    reply = await stage.say(f"approve {plan_id}")
    assert (reply.exit_code, await stage.state_of(plan_id)) == (1, PlanState.CONFIRMED)
    assert "what arrived on oslo meanwhile could not be brought over" in str(reply.parts)
    assert stage.all_answer("ski.example", "lima")
    assert list(await stage.ports.store.copies.quarantined()) == [("ski.example", "oslo")]


async def test_a_sync_of_a_site_that_is_being_moved_is_refused(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    said = []

    async def happens() -> None:
        said.append(await stage.say("sync ski.example"))

    while_dns_changes(stage, monkeypatch, happens)
    plan_id = await stage.plan("failover ski.example --planned")
    assert (await stage.say(f"approve {plan_id}")).exit_code == 0
    assert said[0].exit_code == 3
    assert "a cutover" in str(said[0])


async def test_a_cutover_waits_for_a_sync_that_runs(stage: Stage) -> None:
    claims, clock = stage.ports.store.claims, stage.ports.clock
    plan_id = await stage.plan("failover ski.example --planned")
    await claims.take(["site:ski.example"], "a-run", "a sync to lima", clock.now(), timedelta(minutes=1))
    going_on = asyncio.create_task(stage.say(f"approve {plan_id}"))
    await asyncio.sleep(1)
    assert stage.all_answer("ski.example", "oslo")
    await claims.release("a-run")
    assert (await going_on).exit_code == 0
    assert stage.all_answer("ski.example", "lima")


@pytest.mark.parametrize("change", [every_hook])
async def test_hooks_that_were_changed_since_make_the_plan_stale(stage: Stage) -> None:
    plan_id = await stage.plan("failover ski.example --planned")
    stage.config.write_text(stage.config.read_text().replace("echo ", "printf '%s\\n' ", 1))
    reply = await stage.say(f"approve {plan_id}")
    assert (reply.exit_code, await stage.state_of(plan_id)) == (3, PlanState.STALE)
    assert "the hooks of ski.example are no longer those of the plan" in str(reply.parts)


@pytest.mark.parametrize("change", [every_hook])
async def test_in_an_emergency_hooks_on_the_dead_server_are_left_out_and_the_plan_says_so(stage: Stage) -> None:
    stage.lab.drop("oslo")
    shown = await stage.say("failover ski.example")
    assert "before_cutover of ski.example on oslo" in str(shown.parts)
    assert shown.facts is not None
    plan_id = shown.facts["id"]
    assert (await stage.say(f"approve {plan_id}")).exit_code == 0
    assert trace(stage, "lima") == ["after_cutover ski.example"]
    # Going back while what is left is up runs its hooks too, the other way round.
    stage.lab.back("oslo")
    back = await stage.plan(f"rollback {plan_id}")
    assert (await stage.say(f"approve {back}")).exit_code == 0
    assert trace(stage, "lima")[1:] == ["before_cutover ski.example", "after_cutover ski.example"]
    assert trace(stage, "oslo") == ["after_cutover ski.example"]


@pytest.mark.parametrize("change", [told_elsewhere])
async def test_in_an_emergency_a_hook_on_another_dead_server_stops_nothing(stage: Stage) -> None:
    stage.lab.drop("oslo")
    stage.lab.drop("quito")
    shown = await stage.say("failover ski.example")
    assert "before_cutover of ski.example on quito" in str(shown.parts)
    assert shown.facts is not None
    assert (await stage.say(f"approve {shown.facts['id']}")).exit_code == 0
    assert stage.all_answer("ski.example", "lima")


@pytest.mark.parametrize("change", [failing_before])
async def test_hooks_can_be_left_out_by_hand(stage: Stage) -> None:
    plan_id = await stage.plan("failover ski.example --planned --without-hooks")
    assert (await stage.say(f"approve {plan_id}")).exit_code == 0
    assert trace(stage, "oslo") == []
    assert stage.all_answer("ski.example", "lima")


async def test_after_its_window_a_rollback_is_refused_and_a_planned_move_is_named(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan_id = await stage.plan("failover ski.example --planned")
    done = await stage.say(f"approve {plan_id}")
    assert "It can be rolled back until" in str(done.parts)
    later = stage.ports.clock.now() + timedelta(days=7, minutes=1)
    monkeypatch.setattr(stage.ports.clock, "now", lambda: later)
    with pytest.raises(RefusedError, match=r"It ended 7 d ago, and for 7 d it could be\.") as refused:
        await stage.say(f"rollback {plan_id}")
    assert refused.value.hint.endswith("`failover ski.example --to oslo --planned`.")
    again = await stage.plan("failover ski.example --to oslo --planned")
    assert again != plan_id


@pytest.mark.parametrize("line", ["failover oslo --wave 1", "failover oslo --planned --wave 0"])
async def test_waves_are_for_planned_moves_of_at_least_one_site(stage: Stage, line: str) -> None:
    with pytest.raises(UsageError, match="--wave needs --planned"):
        await stage.say(line)


async def test_a_copy_that_a_dead_bot_had_begun_is_waited_for(stage: Stage) -> None:
    root = root_of(stage, "ski.example", "lima")
    write(root_of(stage, "ski.example", "oslo"), "changed.txt", "something to copy")
    assert (await stage.say("sync ski.example")).exit_code == 0
    write(root_of(stage, "ski.example", "oslo"), "changed.txt", "something more to copy")
    (lock,) = (root.parent / ".sharpnet").glob("ski.example-*/lock")
    plan_id = await stage.plan("failover ski.example --planned")
    with lock.open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        going_on = asyncio.create_task(stage.say(f"approve {plan_id}"))
        await asyncio.sleep(2)
        assert stage.all_answer("ski.example", "oslo")
    assert (await going_on).exit_code == 0
    assert stage.all_answer("ski.example", "lima")


async def test_a_plan_warns_of_unfrozen_databases_and_of_a_backup_that_reads_the_site(stage: Stage) -> None:
    fleet, clock = stage.ports.fleet, stage.ports.clock
    ski = replace(fleet.sites["ski.example"], databases=(Database("mariadb", "ski"),))
    with_one = replace(stage.ports, fleet=replace(fleet, sites={**fleet.sites, "ski.example": ski}))
    await stage.ports.store.claims.take(["backup:ski.example"], "run", "a backup", clock.now(), timedelta(minutes=1))
    shown = await replace(stage, ports=with_one).say("failover ski.example --planned")
    assert shown.facts is not None
    assert shown.facts["may_be_approved"]
    assert "rows written at oslo between the last copy and the switch stay there: ski.example" in str(shown.parts)
    assert "a backup reads ski.example" in str(shown.parts)

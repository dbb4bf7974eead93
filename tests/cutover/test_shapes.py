"""Fleets of other shapes: several update servers, three servers, two address families, names full of shell."""

from __future__ import annotations

import shlex
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from core.plan.plan import PlanState

if TYPE_CHECKING:
    from cutover.harness import Stage

HORRID = 'it\'s; $(touch /tmp/pwned) "q" `id` & | > * ?\\ ü'


def block_of(tree: dict[str, Any]) -> str:
    return str(tree["servers"]["oslo"]["ipv4"]).rpartition(".")[0]


def two_update_servers(tree: dict[str, Any]) -> None:
    tree["dns"]["update"].append({"address": f"{block_of(tree)}.21", "port": 5300})


def three_servers(tree: dict[str, Any]) -> None:
    tree["servers"]["quito"] = {
        "location": "Quito",
        "ipv4": f"{block_of(tree)}.3",
        "ssh": {"user": "web", "port": 2222, "key": "file:keys/bot", "known_hosts": "keys/known_hosts"},
        "peer": {"key": "/srv/quito/keys/peer", "known_hosts": "/srv/quito/keys/known_hosts"},
        "web": {"http": 8080},
    }
    tree["sites"]["ski.example"]["mirrors"] = ["quito", "lima"]


def two_families(tree: dict[str, Any]) -> None:
    tree["servers"]["oslo"]["ipv6"] = "fd00:77::1"


def horrid_name(tree: dict[str, Any]) -> None:
    site = tree["sites"].pop("ski.example")
    site["root"] = f"/srv/{{server}}/www/{HORRID.replace('/', '_')}"
    site["exclude"] = ["$(touch pwned)", "a'b/", '*."x"']
    tree["sites"][HORRID] = site


@pytest.mark.parametrize("change", [two_update_servers])
async def test_each_of_several_update_servers_gets_its_own_update(stage: Stage) -> None:
    stage.lab.drop("oslo")
    plan_id = await stage.plan()
    assert (await stage.say(f"approve {plan_id}")).exit_code == 0
    for primary in ("primary", "primary2"):
        assert stage.lab.query(primary, "www.fjord.example", "A") == stage.address("lima")
        assert stage.lab.query(primary, "fjord.example", "SOA")[0].split()[2] == "2"


@pytest.mark.parametrize("change", [two_update_servers])
async def test_an_update_server_that_was_edited_by_hand_is_told_apart_from_the_other(stage: Stage) -> None:
    stage.lab.drop("oslo")
    plan_id = await stage.plan()
    await stage.approve_and_die(plan_id)
    edit = ["update delete ski.example A", "update add ski.example 300 A 192.0.2.77"]
    stage.lab.nsupdate("ski.example", edit, at="primary2")
    assert await stage.carry_out(plan_id) == PlanState.PARTIAL
    assert stage.lab.query("primary2", "ski.example", "A") == ["192.0.2.77"]
    assert stage.lab.query("primary", "ski.example", "A") == stage.address("lima")
    # Not everywhere, so not switched: content still flows from where it did.
    assert "ski.example" not in await stage.ports.store.copies.active()


@pytest.mark.parametrize("change", [three_servers])
async def test_each_site_goes_to_its_own_first_mirror(stage: Stage) -> None:
    stage.lab.drop("oslo")
    plan_id = await stage.plan()
    assert (await stage.say(f"approve {plan_id}")).exit_code == 0
    assert stage.all_answer("fjord.example", "lima")
    assert stage.all_answer("ski.example", "quito")
    stage.lab.drop("quito")
    again = await stage.plan("failover quito")
    assert (await stage.say(f"approve {again}")).exit_code == 0
    # Its home is quarantined since the first move, so the next mirror takes it.
    assert stage.all_answer("ski.example", "lima")


@pytest.mark.parametrize("change", [three_servers])
async def test_where_to_go_can_be_said(stage: Stage) -> None:
    stage.lab.drop("oslo")
    plan_id = await stage.plan("failover oslo --to lima --without www.fjord.example")
    assert (await stage.say(f"approve {plan_id}")).exit_code == 0
    assert stage.all_answer("ski.example", "lima")
    assert stage.all_answer("fjord.example", "oslo")


@pytest.mark.parametrize("change", [two_families])
async def test_an_address_family_that_the_target_lacks_goes_and_comes_back_by_rollback(stage: Stage) -> None:
    assert set(map(tuple, stage.answers("ski.example", "AAAA").values())) == {("fd00:77::1",)}
    stage.lab.drop("oslo")
    plan_id = await stage.plan()
    assert (await stage.say(f"approve {plan_id}")).exit_code == 0
    assert set(map(tuple, stage.answers("ski.example", "AAAA").values())) == {()}
    assert stage.all_answer("ski.example", "lima")
    stage.lab.back("oslo")
    back = await stage.plan(f"rollback {plan_id}")
    assert (await stage.say(f"approve {back}")).exit_code == 0
    assert set(map(tuple, stage.answers("ski.example", "AAAA").values())) == {("fd00:77::1",)}


@pytest.mark.parametrize("change", [horrid_name])
async def test_names_full_of_shell_characters_are_only_names(stage: Stage) -> None:
    quoted = shlex.quote(HORRID)
    synced = await stage.say(f"sync {quoted}")
    assert synced.exit_code == 0, synced
    stage.lab.drop("oslo")
    plan_id = await stage.plan(f"failover {quoted}")
    assert (await stage.say(f"approve {plan_id}")).exit_code == 0
    assert stage.all_answer("ski.example", "lima")
    for server in ("oslo", "lima"):
        assert not stage.lab.path_on(server, "/tmp/pwned").exists()
        assert not list(stage.lab.host(server).folder.rglob("pwned"))


async def test_a_planned_move_copies_once_more_and_quarantines_nothing(stage: Stage) -> None:
    home = stage.lab.path_on("oslo", "/srv/oslo/www/ski.example/written-late.txt")
    home.write_text("written after the last sync")
    plan_id = await stage.plan("failover ski.example --planned")
    done = await stage.say(f"approve {plan_id}")
    assert done.exit_code == 0, done
    assert stage.all_answer("ski.example", "lima")
    assert stage.lab.path_on("lima", "/srv/lima/www/ski.example/written-late.txt").read_text() == home.read_text()
    assert await stage.ports.store.copies.quarantined() == {}


async def test_a_planned_move_whose_final_sync_fails_changes_nothing(stage: Stage) -> None:
    plan_id = await stage.plan("failover ski.example --planned")
    root = stage.lab.path_on("oslo", "/srv/oslo/www/ski.example")
    shutil.rmtree(root)
    root.mkdir()
    reply = await stage.say(f"approve {plan_id}")
    assert reply.exit_code == 3
    assert reply.title.startswith("Nothing changed")
    assert "final sync failed" in str(reply.parts)
    assert stage.all_answer("ski.example", "oslo")
    assert await stage.ports.store.claims.held() == ()

"""Many sites are looked at together, and each has its own result: the same as a look of its own would have given it."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from sync.harness import WHO, empty, tree_at

from core.fleet import Hook, Hooks
from jobs.sync import SyncRequest, sync_sites
from ops.rsync import shared_connection as rsync_shared

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sync.harness import Rig

    from core.fleet import Site
    from core.sync.result import SyncResult
    from ops.contracts import Ran

pytestmark = pytest.mark.xdist_group("sync-together")


class Counting:
    """SSH that counts what runs on the mirrors, and does something before one of them."""

    def __init__(self, rig: Rig) -> None:
        self._ssh = rig.ports.ssh
        self.commands: list[str] = []

    async def run(self, server: str, command: str, **how: Any) -> Ran:  # noqa: ANN401  as Ssh.run
        self.commands.append(command)
        return await self._ssh.run(server, command, **how)

    @property
    def looks(self) -> int:
        """How many looks at one site there were."""
        return sum("condense >&4" in command for command in self.commands)


def counting(rig: Rig) -> tuple[Rig, Counting]:
    ssh = Counting(rig)
    return replace(rig, ports=replace(rig.ports, ssh=ssh)), ssh  # type: ignore[arg-type]


def beside(rig: Rig, count: int) -> tuple[Rig, list[Site]]:
    """Give new sites beside one of Oslo's, with a few files each, and a rig whose fleet has them."""
    like = rig.take()
    sites = [replace(like, name=f"{like.name}.{number}", root=f"{like.root}.{number}") for number in range(count)]
    for site in sites:
        rig.write(site, "oslo", {f"{number}.html": f"{site.name} {number}" for number in range(8)})
    return rig.with_sites(*sites), sites


async def synced(rig: Rig, sites: Iterable[Site], *, dry_run: bool = False) -> dict[str, SyncResult]:
    return {
        result.site: result for result in await sync_sites(rig.ports, list(sites), SyncRequest(WHO, dry_run=dry_run))
    }


def code_of(result: SyncResult) -> str | None:
    return result.trouble.code if result.trouble is not None else None


@pytest.mark.parametrize("home", ["oslo", "lima"])
async def test_sites_that_are_the_same_are_settled_by_one_command_each_with_its_result_and_record(
    rig: Rig, home: str
) -> None:
    sites = [rig.take(home) for _ in range(6)] + [rig.take(home, excluding=True) for _ in range(2)]
    await synced(rig, sites)
    rig, ssh = counting(rig)
    results = await synced(rig, sites)
    assert {result.summary.split(",")[0] for result in results.values()} == {"nothing to change"}
    assert len(ssh.commands) == 1
    for site in sites:
        kinds = [entry.kind for entry in await rig.ports.store.record.entries(subject=site.name)]
        assert kinds == ["sync.begun", "sync.good", "sync.begun", "sync.good"]
    good = await rig.ports.store.copies.last_good()
    assert {good[site.name, rig.mirror_of(site)].begun_at for site in sites} == {
        good[sites[0].name, rig.mirror_of(sites[0])].begun_at
    }
    assert [
        entry.body["sites"]
        for entry in await rig.ports.store.record.entries(subject=f"{home}>{rig.mirror_of(sites[0])}")
    ][-1] == [site.name for site in sites]


@pytest.mark.parametrize("home", ["oslo", "lima"])
async def test_only_sites_that_differ_are_copied_and_every_kind_of_difference_counts(rig: Rig, home: str) -> None:
    sites = [rig.take(home) for _ in range(9)]
    await synced(rig, sites)
    same, content, new, gone, mode, link, folder, moved, only_there = sites
    rig.write(content, home, {"index.html": "other"})
    rig.write(new, home, {"new": "x"})
    (rig.root(gone, home) / "about us.html").unlink()
    (rig.root(mode, home) / "index.html").chmod(0o600)
    (rig.root(link, home) / "link").symlink_to("index.html")
    rig.root(folder, home).chmod(0o701)
    (rig.root(moved, home) / "index.html").rename(rig.root(moved, home) / "=|.f          |1|1|x")
    rig.write(only_there, rig.mirror_of(only_there), {"written by hand": "x"})
    rig, ssh = counting(rig)
    results = await synced(rig, sites)
    assert {name for name, result in results.items() if not result.changed} == {same.name}
    assert {result.outcome for result in results.values()} == {"good"}
    assert ssh.looks == 8
    assert all(rig.same(site) for site in sites)


async def test_an_emptied_or_missing_source_is_refused_among_sites_that_are_the_same(rig: Rig) -> None:
    sites = [rig.take() for _ in range(4)]
    await synced(rig, sites)
    emptied, missing, *same = sites
    empty(rig.root(emptied, "oslo"))
    root = rig.root(missing, "oslo")
    root.rename(root.with_name(f"{root.name}.away"))
    before = [tree_at(rig.root(site, "lima")) for site in sites]
    rig, ssh = counting(rig)
    results = await synced(rig, sites)
    assert code_of(results[emptied.name]) == "source-empty"
    assert code_of(results[missing.name]) == "source-missing"
    assert [results[site.name].nothing_to_do for site in same] == [True, True]
    assert ssh.looks == 2
    assert [tree_at(rig.root(site, "lima")) for site in sites] == before


async def test_a_source_root_that_is_a_link_gets_a_look_of_its_own_and_the_others_do_not(rig: Rig) -> None:
    rig, sites = beside(rig, 3)
    root = rig.root(sites[0], "oslo")
    root.rename(root.with_name(f"{root.name}.real"))
    root.symlink_to(f"{root.name}.real")
    await synced(rig, sites)
    rig, ssh = counting(rig)
    assert all(result.nothing_to_do for result in (await synced(rig, sites)).values())
    assert ssh.looks == 1


async def test_two_empty_sides_are_no_good_copy(rig: Rig) -> None:
    rig, sites = beside(rig, 3)
    await synced(rig, sites[1:])
    empty(rig.root(sites[0], "oslo"))
    results = await synced(rig, sites)
    assert code_of(results[sites[0].name]) == "source-empty"


async def test_a_root_that_could_not_be_exchanged_is_said_though_its_content_is_the_same(rig: Rig) -> None:
    rig, sites = beside(rig, 3)
    await synced(rig, sites)
    root = rig.root(sites[0], "lima")
    # Out of the folder around it, where nothing of the site's own is.
    root.rename(root.parent.parent / f"{root.name}.real")
    root.symlink_to(f"../{root.name}.real")
    results = await synced(rig, sites)
    assert code_of(results[sites[0].name]) == "root-symlink"
    assert results[sites[1].name].nothing_to_do


async def test_each_sites_excludes_count_for_that_site_alone(rig: Rig) -> None:
    patterns = (
        ("cache/",),
        ("/top",),
        ("*.log", "deep/er"),
        ("deep/*/x",),
        ("**/b",),
        ("[ab]?",),
        ("a**z",),
        ("back\\slash",),
    )
    rig, sites = beside(rig, len(patterns))
    sites = [replace(site, exclude=exclude) for site, exclude in zip(sites, patterns, strict=True)]
    rig = rig.with_sites(*sites)
    names = [
        "cache/x",
        "top",
        "in/top",
        "a.log",
        "in/b.log",
        "deep/er/x",
        "in/deep/er/x",
        "in/b",
        "a1",
        "az",
        "back\\slash",
    ]
    await synced(rig, sites)
    for site in sites:
        rig.write(site, "oslo", {f"deep/deep/{number}": "x" for number in range(30)})
    await synced(rig, sites)
    for name in names:
        for site in sites:
            rig.write(site, "lima", {name: "only on the mirror"})
        together = {name: result.deleted for name, result in (await synced(rig, sites, dry_run=True)).items()}
        alone = {site.name: (await rig.sync(site, dry_run=True)).deleted for site in sites}
        assert together == alone, name
        for site in sites:
            (rig.root(site, "lima") / name).unlink()


async def test_folder_names_that_look_like_patterns_or_options_are_looked_at_together(rig: Rig) -> None:
    rig, like = beside(rig, 4)
    names = ["a*b", "a?b [x]", "-rf $(touch pwned)", "q'uo\"te ü"]
    sites = [
        replace(site, name=name, root=f"/srv/{{server}}/www/{name}", exclude=("cache/", "/t*"))
        for site, name in zip(like, names, strict=True)
    ]
    rig = rig.with_sites(*sites)
    for site in sites:
        rig.write(site, "oslo", {"index.html": site.name, "cache/x": "x", "tmp": "x"})
    await synced(rig, sites)
    rig, ssh = counting(rig)
    results = await synced(rig, sites)
    assert all(result.nothing_to_do for result in results.values()), results
    assert len(ssh.commands) == 1


async def test_sites_whose_folders_are_called_otherwise_there_get_a_look_of_their_own(rig: Rig) -> None:
    rig, sites = beside(rig, 2)
    sites = [replace(site, root=f"/srv/{{server}}/www/{number}-{{server}}") for number, site in enumerate(sites)]
    rig = rig.with_sites(*sites)
    for site in sites:
        rig.write(site, "oslo", {"index.html": site.name})
    await synced(rig, sites)
    rig, ssh = counting(rig)
    assert all(result.nothing_to_do for result in (await synced(rig, sites)).values())
    assert ssh.looks == 2


async def test_a_site_with_hooks_gets_a_run_of_its_own(rig: Rig) -> None:
    rig, sites = beside(rig, 3)
    sites[0] = replace(sites[0], hooks=Hooks(before_sync=(Hook("source", "true"),)))
    rig = rig.with_sites(*sites)
    await synced(rig, sites)
    rig, ssh = counting(rig)
    await synced(rig, sites)
    assert ssh.looks == 1


async def test_a_site_that_a_cutover_took_during_the_look_is_refused_and_not_counted_as_a_copy(rig: Rig) -> None:
    rig, sites = beside(rig, 3)
    await synced(rig, sites)
    good = await rig.ports.store.copies.last_good()
    taken = sites[0]

    class Taking(Counting):
        async def run(self, server: str, command: str, **how: Any) -> Ran:  # noqa: ANN401  as Ssh.run
            now = rig.ports.clock.now()
            await rig.ports.store.claims.take([f"site:{taken.name}"], "K7Q2", "a cutover", now, None)
            return await super().run(server, command, **how)

    busy = replace(rig, ports=replace(rig.ports, ssh=Taking(rig)))  # type: ignore[arg-type]
    results = await synced(busy, sites)
    assert code_of(results[taken.name]) == "held"
    assert results[sites[1].name].nothing_to_do
    now_good = await rig.ports.store.copies.last_good()
    assert now_good[taken.name, "lima"] == good[taken.name, "lima"]
    assert now_good[sites[1].name, "lima"] != good[sites[1].name, "lima"]


async def test_a_source_that_is_down_is_found_out_once_and_said_for_every_site(own_rig: Rig) -> None:
    sites = [own_rig.take() for _ in range(6)]
    own_rig.lab.drop("oslo")
    rig, ssh = counting(own_rig)
    results = await synced(rig, sites)
    assert {code_of(result) for result in results.values()} == {"unreachable"}
    assert len(results) == 6
    assert len(ssh.commands) == 1
    for site in sites:
        assert [entry.kind for entry in await rig.ports.store.record.entries(subject=site.name)] == ["sync.failed"]


async def test_a_changed_host_key_of_the_source_is_found_out_once_and_said_for_every_site(rig: Rig) -> None:
    sites = [rig.take("lima") for _ in range(3)]
    known = rig.lab.path_on("oslo", "/srv/oslo/keys/known_hosts")
    good = known.read_text()
    known.write_text(re.sub(r"AAAAC3NzaC1lZDI1NTE5AAAAI\S{10}", "AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAA", good))
    rig, ssh = counting(rig)
    try:
        results = await synced(rig, sites)
    finally:
        known.write_text(good)
    assert {code_of(result) for result in results.values()} == {"host-key"}
    assert len(ssh.commands) == 1


async def test_a_source_that_dies_under_the_shared_connection_is_said_and_the_mirrors_stay(own_rig: Rig) -> None:
    sites = [own_rig.take("lima") for _ in range(3)]
    await synced(own_rig, sites)
    for site in sites:
        own_rig.write(site, "lima", {"index.html": "changed"})
    before = [tree_at(own_rig.root(site, "oslo")) for site in sites]

    class Dying(Counting):
        async def run(self, server: str, command: str, **how: Any) -> Ran:  # noqa: ANN401  as Ssh.run
            if "progress2" in command:
                own_rig.lab.drop("lima")
            return await super().run(server, command, **how)

    rig = replace(own_rig, ports=replace(own_rig.ports, ssh=Dying(own_rig)))  # type: ignore[arg-type]
    results = await synced(rig, sites)
    assert {code_of(result) for result in results.values()} <= {"unreachable", "link-lost"}
    assert len(results) == 3
    assert [tree_at(own_rig.root(site, "oslo")) for site in sites] == before


async def test_a_file_that_may_not_be_read_fails_its_own_site_only(rig: Rig) -> None:
    rig, sites = beside(rig, 3)
    for site in sites:
        rig.write(site, "oslo", {"closed/x": "x"})
    await synced(rig, sites)
    closed = rig.root(sites[0], "oslo") / "closed"
    os.chown(closed, 0, 0)
    closed.chmod(0o700)
    results = await synced(rig, sites)
    assert [results[site.name].outcome for site in sites] == ["failed", "good", "good"]


async def test_sites_that_differ_share_one_connection_which_is_gone_afterwards(rig: Rig) -> None:
    rig, sites = beside(rig, 3)
    rig, ssh = counting(rig)
    assert {result.outcome for result in (await synced(rig, sites)).values()} == {"good"}
    assert sum(rsync_shared.OPEN.strip()[:20] in command for command in ssh.commands) == 1
    fills = [command for command in ssh.commands if "progress2" in command]
    assert len(fills) == 3
    assert all("ControlPath=/tmp/sharpnet." in command for command in fills)
    assert list(rig.lab.path_on("lima", "/tmp").glob("sharpnet.*")) == []


async def test_where_no_connection_can_be_shared_each_site_makes_its_own(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rsync_shared, "OPEN", "exit 1")
    sites = [rig.take("lima") for _ in range(2)]
    rig, ssh = counting(rig)
    assert {result.outcome for result in (await synced(rig, sites)).values()} == {"good"}
    assert all("ControlPath=none" in command for command in ssh.commands if "progress2" in command)

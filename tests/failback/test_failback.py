"""What a returned copy has is shown exactly, chosen paths of it are kept, and all else of it is kept aside."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from sync.harness import WHO, contents_at, tree_at

from core.errors import RefusedError, UsageError
from core.reply import Table
from jobs.interrupted import report

if TYPE_CHECKING:
    from pathlib import Path

    from sync.harness import Rig

    from core.fleet import Site
    from core.reply import Reply

HOMES = ["oslo", "lima"]
OLD_S = 1_700_000_000
HORRID = 'it\'s; $(touch pwned) `id` *?[a] "q" #'


def at(path: Path, seconds: int) -> None:
    os.utime(path, (OLD_S + seconds, OLD_S + seconds), follow_symlinks=False)


async def returned(rig: Rig, home: str = "oslo", **about: Any) -> Site:  # noqa: ANN401  what Rig.take takes
    """Give a site whose mirror is filled, and in quarantine as after a rollback: served from home, returned there."""
    site = await rig.filled(rig.take(home, **about))
    mirror = rig.mirror_of(site)
    await rig.ports.store.copies.quarantine([(site.name, mirror)], "left by rollback K7Q2", rig.ports.clock.now(), WHO)
    return site


def write(rig: Rig, site: Site, server: str, files: dict[str, tuple[str, int]]) -> None:
    """Write files of which each has its text, and its time in seconds after one moment of old."""
    rig.write(site, server, {name: text for name, (text, _) in files.items()})
    for name, (_, seconds) in files.items():
        at(rig.root(site, server) / name, seconds)


def link(rig: Rig, site: Site, server: str, name: str, target: str) -> None:
    """Make a symbolic link as the server's SSH user."""
    root = rig.root(site, server)
    (root / name).symlink_to(target)
    os.chown(root / name, root.stat().st_uid, root.stat().st_gid, follow_symlinks=False)


def differences(reply: Reply) -> dict[str, list[str]]:
    assert reply.facts is not None
    (copy,) = reply.facts["copies"]  # type: ignore[misc]
    return {kind: [file["path"] for file in found["paths"]] for kind, found in copy["differences"].items()}


def differ_in_every_way(rig: Rig, site: Site) -> None:
    home, mirror = site.home, rig.mirror_of(site)
    write(
        rig, site, home, {"newer-here": ("long now", 9), "newer-there": ("x", 1), "equal": ("a", 5), "mine": ("m", 2)}
    )
    write(rig, site, mirror, {"newer-here": ("old", 3), "newer-there": ("last", 7), "equal": ("bb", 5)})
    write(rig, site, mirror, {"up/loaded.txt": ("bytes", 8), HORRID: ("horrid", 6)})


@pytest.mark.parametrize("home", HOMES)
@pytest.mark.parametrize("own_key", [True, False])
async def test_every_kind_of_difference_is_shown_by_either_key_and_nothing_is_changed(
    rig: Rig, home: str, own_key: bool
) -> None:
    site = await returned(rig, home)
    differ_in_every_way(rig, site)
    mirror = rig.mirror_of(site)
    if not own_key:
        # Those who read from it are still limited, and rsync is told so by the fleet; so only Lima can lose its key.
        servers = rig.ports.fleet.servers
        rig = rig.with_sites(servers={**servers, "lima": replace(servers["lima"], peer=None)})
    before = tree_at(rig.root(site, home)), tree_at(rig.root(site, mirror))
    reply = await rig.say(f"failback {site.name}")
    assert differences(reply) == {
        "only-returned": ["up/loaded.txt", HORRID],
        "newer-returned": ["newer-there"],
        "same-time": ["equal"],
        "newer-active": ["newer-here"],
        "only-active": ["mine"],
    }
    assert reply.title == f"{site.name}: 4 files (17 bytes) on {mirror} are missing or older on {home}"
    shown = [table for table in reply.parts if isinstance(table, Table) and table.columns[0] == "path"]
    assert [row.cells[0] for row in shown[0].rows] == ["up/loaded.txt", HORRID, "newer-there", "equal"]
    assert (tree_at(rig.root(site, home)), tree_at(rig.root(site, mirror))) == before
    assert (site.name, mirror) in await rig.ports.store.copies.quarantined()


async def test_other_bytes_of_the_same_size_and_time_are_found_where_every_file_is_read(rig: Rig) -> None:
    site = await returned(rig)
    write(rig, site, "oslo", {"same": ("one", 1)})
    write(rig, site, "lima", {"same": ("two", 1)})
    assert differences(await rig.say(f"failback {site.name}")) == {}
    assert differences(await rig.say(f"failback {site.name} --checksum")) == {"same-time": ["same"]}


async def test_the_served_copy_is_taken_and_what_the_other_one_had_is_kept_aside(rig: Rig) -> None:
    site = await returned(rig)
    differ_in_every_way(rig, site)
    reply = await rig.say(f"failback {site.name} --take-active")
    assert reply.exit_code == 0, reply
    assert rig.same(site)
    assert rig.replaced(site, "lima") == {
        "newer-here": b"old",
        "newer-there": b"last",
        "equal": b"bb",
        "up/loaded.txt": b"bytes",
        HORRID: b"horrid",
    }
    (folder,) = (rig.work(site, "lima") / "replaced").iterdir()
    assert f"sync --undo {folder.name} --dry-run" in str(reply.parts)
    listed = await rig.say(f"sync --undo {folder.name} --dry-run")
    assert "up/loaded.txt" in str(listed.parts)
    assert await rig.ports.store.copies.quarantined() == {}


@pytest.mark.parametrize("home", HOMES)
async def test_chosen_paths_are_brought_and_what_they_replace_is_kept_aside_where_it_was_served(
    rig: Rig, home: str
) -> None:
    site = await returned(rig, home)
    differ_in_every_way(rig, site)
    mirror = rig.mirror_of(site)
    write(rig, site, mirror, {"up/deep/more.txt": ("more", 4), "up/other": ("other", 4), "-dash": ("dash", 4)})
    (rig.root(site, mirror) / "up/deep").chmod(0o750)
    (rig.root(site, mirror) / "up").chmod(0o755)
    keep = ["up/deep", "newer-there", "./equal", "-dash", HORRID]
    words = " ".join("'--keep=" + path.replace("'", "'\\''") + "'" for path in keep)
    reply = await rig.say(f"failback {site.name} {words}")
    assert reply.exit_code == 0, reply
    served = rig.root(site, home)
    assert (served / "up/deep/more.txt").read_text() == "more"
    assert (served / "up/deep").stat().st_mode & 0o777 == 0o750
    assert (served / "up").stat().st_mode & 0o777 == 0o755
    assert (served / "newer-there").read_text() == "last"
    assert (served / "newer-here").read_text() == "long now"
    assert rig.replaced(site, home) == {"newer-there": b"x", "equal": b"a"}
    assert rig.same(site)
    assert rig.replaced(site, mirror) == {"newer-here": b"old", "up/loaded.txt": b"bytes", "up/other": b"other"}
    assert await rig.ports.store.copies.quarantined() == {}
    assert await rig.ports.store.claims.held() == ()
    kinds = [entry.kind for entry in await rig.ports.store.record.entries(subject=site.name)]
    assert kinds[kinds.index("keep.begun") :] == [
        "keep.begun",
        "keep.ended",
        "sync.begun",
        "sync.good",
        "quarantine.ended",
    ]


async def test_bytes_of_the_same_size_and_time_can_be_kept_too(rig: Rig) -> None:
    site = await returned(rig)
    write(rig, site, "oslo", {"same": ("one", 1)})
    write(rig, site, "lima", {"same": ("two", 1)})
    assert (await rig.say(f"failback {site.name} --keep same")).exit_code == 0
    assert (rig.root(site, "oslo") / "same").read_text() == "two"
    (folder,) = (rig.work(site, "oslo") / "replaced").iterdir()
    assert "same" in str((await rig.say(f"sync --undo {folder.name} --dry-run")).parts)
    assert "files kept from lima" in str((await rig.say(f"sync {site.name} --runs")).parts)


async def test_keeping_twice_replaces_nothing_a_second_time(rig: Rig) -> None:
    site = await returned(rig)
    write(rig, site, "lima", {"index.html": ("theirs", 4)})
    assert (await rig.say(f"failback {site.name} --keep index.html")).exit_code == 0
    now = rig.ports.clock.now()
    await rig.ports.store.copies.quarantine([(site.name, "lima")], "again", now, WHO)
    reply = await rig.say(f"failback {site.name} --keep index.html")
    assert reply.exit_code == 0
    assert "there already" in reply.title
    assert len(contents_at(rig.work(site, "oslo") / "replaced")) == 1


@pytest.mark.parametrize("path", ["/etc/passwd", "../other", "a/../../b", "", ".", "a\0b"])
async def test_a_path_that_is_none_below_the_root_is_refused(rig: Rig, path: str) -> None:
    site = rig.ports.fleet.sites["ski.example"]
    with pytest.raises(UsageError, match="--keep"):
        await rig.say(f"failback {site.name} '--keep={path}'")


@pytest.mark.parametrize("side", ["returned", "served"])
async def test_a_path_through_a_link_is_refused_on_either_side(rig: Rig, side: str, tmp_path: Path) -> None:
    site = await returned(rig)
    secret = tmp_path / "secret"
    (secret / "in").mkdir(parents=True)
    (secret / "in/file").write_text("not of the site")
    linking, plain = ("lima", "oslo") if side == "returned" else ("oslo", "lima")
    write(rig, site, plain, {"way/in/file": ("of the site", 1)})
    link(rig, site, linking, "way", str(secret))
    before = tree_at(rig.root(site, "oslo")), tree_at(rig.root(site, "lima"))
    reply = await rig.say(f"failback {site.name} --keep way/in/file")
    assert reply.exit_code == 3
    assert "symbolic link" in reply.title
    assert (secret / "in/file").read_text() == "not of the site"
    assert (tree_at(rig.root(site, "oslo")), tree_at(rig.root(site, "lima"))) == before
    assert (site.name, "lima") in await rig.ports.store.copies.quarantined()


async def test_a_link_inside_a_kept_folder_comes_as_a_link_and_lets_nothing_out(rig: Rig, tmp_path: Path) -> None:
    site = await returned(rig)
    outside = tmp_path / "outside"
    outside.mkdir()
    write(rig, site, "lima", {"up/sub/file": ("brought", 1)})
    link(rig, site, "lima", "up/link", "/etc/hostname")
    write(rig, site, "oslo", {"up/own": ("own", 1)})
    link(rig, site, "oslo", "up/sub", str(outside))
    reply = await rig.say(f"failback {site.name} --keep up")
    assert reply.exit_code == 0, reply
    assert list(outside.iterdir()) == []
    assert (rig.root(site, "oslo") / "up/link").is_symlink()
    assert (rig.root(site, "oslo") / "up/sub/file").read_text() == "brought"
    assert (rig.root(site, "oslo") / "up/own").read_text() == "own"
    assert rig.replaced(site, "oslo") == {"up/sub": str(outside)}


@pytest.mark.parametrize(("path", "why"), [("gone", "no such file"), ("kind", "is a folder on oslo")])
async def test_what_is_not_there_or_of_another_kind_is_refused(rig: Rig, path: str, why: str) -> None:
    site = await returned(rig)
    write(rig, site, "oslo", {"kind/file": ("served", 1)})
    write(rig, site, "lima", {"kind": ("file", 1)})
    reply = await rig.say(f"failback {site.name} --keep {path}")
    assert reply.exit_code == 3
    assert why in reply.title
    assert (rig.root(site, "oslo") / "kind/file").read_text() == "served"
    assert (rig.root(site, "lima") / "kind").read_text() == "file"


async def test_what_app_yaml_excludes_is_refused_and_nothing_else_is_brought(rig: Rig) -> None:
    site = await returned(rig, excluding=True)
    write(rig, site, "lima", {"cache/page": ("cached", 1), "new.txt": ("new", 1)})
    reply = await rig.say(f"failback {site.name} --keep cache/page --keep new.txt")
    assert reply.exit_code == 3
    assert "app.yaml excludes cache" in reply.title
    assert not (rig.root(site, "oslo") / "new.txt").exists()


async def test_while_somebody_else_works_on_the_site_nothing_is_kept(rig: Rig) -> None:
    site = await returned(rig)
    write(rig, site, "lima", {"new.txt": ("new", 1)})
    await rig.ports.store.claims.take([f"site:{site.name}"], "K7Q2", "a cutover", rig.ports.clock.now(), None)
    with pytest.raises(RefusedError, match="a cutover"):
        await rig.say(f"failback {site.name} --keep new.txt")
    assert not (rig.root(site, "oslo") / "new.txt").exists()
    await rig.ports.store.claims.release("K7Q2")


async def test_a_keep_whose_process_is_gone_is_reported_as_interrupted_once(rig: Rig) -> None:
    site = await returned(rig)
    body = {"run": "20261122T174009Z-428bbdf9", "server": "oslo", "returned": "lima", "paths": ["a"]}
    await rig.ports.store.record.add(rig.ports.clock.now(), "keep.begun", site.name, WHO, body)
    for _ in range(2):
        await report(rig.ports, "", rig.ports.clock.now())
    kinds = [entry.kind for entry in await rig.ports.store.record.entries(subject=site.name)]
    assert (kinds[-1], kinds.count("keep.interrupted")) == ("keep.interrupted", 1)


async def test_a_served_copy_that_is_quarantined_itself_is_let_go_by_choosing_it(rig: Rig) -> None:
    site = await returned(rig)
    now = rig.ports.clock.now()
    await rig.ports.store.copies.quarantine([(site.name, "oslo")], "DNS was pointed elsewhere by hand", now, WHO)
    assert (await rig.say(f"failback {site.name}")).exit_code == 0
    assert (await rig.say(f"failback {site.name} --take-active")).exit_code == 0
    assert await rig.ports.store.copies.quarantined() == {}


async def test_many_sites_are_one_row_each_the_worst_first_and_are_taken_at_once(rig: Rig) -> None:
    sites = [await returned(rig) for _ in range(3)]
    write(rig, sites[1], "lima", {"one": ("1", 1)})
    write(rig, sites[2], "lima", {"one": ("1", 1), "two": ("2", 2)})
    reply = await rig.say("failback lima")
    table = next(part for part in reply.parts if isinstance(part, Table))
    assert [row.cells[0] for row in table.rows] == [sites[2].name, sites[1].name, sites[0].name]
    assert [row.cells[2] for row in table.rows] == ["2 files (2 bytes)", "1 file (1 byte)", "none"]
    # One of them cannot be taken, and the others are all the same.
    for path in rig.root(sites[0], "oslo").iterdir():
        if path.is_file():
            path.unlink()
    taken = await rig.say("failback lima --take-active")
    assert taken.exit_code in (1, 3)
    assert list(await rig.ports.store.copies.quarantined()) == [(sites[0].name, "lima")]
    assert rig.same(sites[1])
    assert rig.same(sites[2])


async def test_with_no_copy_in_quarantine_there_is_nothing_to_choose(rig: Rig) -> None:
    site = await rig.filled(rig.take())
    with pytest.raises(RefusedError, match="nothing to choose"):
        await rig.say(f"failback {site.name} --take-active")
    assert "at home" in (await rig.say(f"failback {site.name}")).title


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("failback ski.example fjord.example --keep a", "one site"),
        ("failback oslo --keep a", "not for a server"),
        ("failback ski.example --allow-delete", "goes with"),
        ("failback ski.example --take-active --wave 2", "for the failback itself"),
        ("failback ski.example --wave 0", "at least one"),
    ],
)
async def test_options_that_do_not_go_together_are_refused(rig: Rig, line: str, why: str) -> None:
    with pytest.raises(UsageError, match=why):
        await rig.say(line)


async def test_too_many_files_to_put_aside_are_refused_until_somebody_allows_it(rig: Rig) -> None:
    site = await returned(rig)
    write(rig, site, "lima", {f"up/{number}": ("x", 1) for number in range(30)})
    refused = await rig.say(f"failback {site.name} --take-active")
    assert refused.exit_code == 3
    assert f"failback {site.name} --take-active --allow-delete" in str(refused.parts)
    assert (rig.root(site, "lima") / "up/7").exists()
    assert (await rig.say(f"failback {site.name} --take-active --allow-delete")).exit_code == 0
    assert len(rig.replaced(site, "lima")) == 30

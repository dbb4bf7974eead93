"""A mirror becomes what the source is, whole, and nothing that it held is lost."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sync.harness import contents_at, empty, tree_at

from core.fleet import Site

if TYPE_CHECKING:
    from sync.harness import Rig

pytestmark = pytest.mark.xdist_group("sync-content")

HORRIBLE = [
    "a b'c\"d$(touch sharpnet-pwned);`touch sharpnet-pwned`*?[x]\\ü&|<>{}!#~",
    "-rf",
    "x\\*\\?[y]\\",
    "%h ${HOME} ~",
    ":colon: host::module",
]
HORRIBLE_FILES = {
    "a\nb": "newline",
    " spaces ": "spaces",
    "-rf": "an option",
    "=|*deleting  |0|0|index.html": "looks like a change",
    "$(touch pwned)": "command",
    "q'\"uotes": "quotes",
    "\\#012": "escape",
    "deep/e*r/[x]/\ud83d\udc22".encode("utf-16", "surrogatepass").decode("utf-16"): "unicode",
    "b\udcff": "no utf-8",
}


@pytest.mark.parametrize("home", ["oslo", "lima"])
async def test_a_new_mirror_becomes_what_the_source_is(rig: Rig, home: str) -> None:
    site = rig.take(home)
    result = await rig.sync(site)
    assert result.outcome == "good"
    assert result.files == len(contents_at(rig.root(site, home)))
    assert rig.same(site)


@pytest.mark.parametrize("home", ["oslo", "lima"])
async def test_what_was_replaced_or_deleted_is_kept_outside_the_root(rig: Rig, home: str) -> None:
    site = await rig.filled(rig.take(home))
    mirror = rig.mirror_of(site)
    rig.write(site, home, {"index.html": "a new front page", "added.txt": "new"})
    gone = rig.root(site, home) / "about us.html"
    text = gone.read_bytes()
    front = (rig.root(site, mirror) / "index.html").read_bytes()
    gone.unlink()
    result = await rig.sync(site)
    assert (result.outcome, result.files, result.deleted) == ("good", 2, 1)
    assert rig.same(site)
    assert rig.replaced(site, mirror) == {"index.html": front, "about us.html": text}


async def test_a_second_run_finds_nothing_to_do_and_is_a_good_copy(rig: Rig) -> None:
    site = await rig.filled(rig.take())
    inode = rig.root(site, "lima").stat().st_ino
    result = await rig.sync(site)
    assert (result.outcome, result.changed, result.files) == ("good", False, 0)
    assert rig.root(site, "lima").stat().st_ino == inode


async def test_links_modes_times_and_empty_folders_are_copied(rig: Rig) -> None:
    site = rig.take()
    root = rig.root(site, "oslo")
    rig.write(site, "oslo", {"tool": "#!/bin/sh\n", "old": "long ago"})
    (root / "tool").chmod(0o750)
    os.utime(root / "old", (1_000_000_000, 1_000_000_000))
    (root / "to").symlink_to("index.html")
    (root / "nowhere").symlink_to("/no/such/place")
    os.link(root / "tool", root / "tool2")
    (root / "empty").mkdir(mode=0o711)
    os.chown(root / "empty", root.stat().st_uid, root.stat().st_gid)
    assert (await rig.sync(site)).outcome == "good"
    assert rig.same(site)
    copy = rig.root(site, "lima")
    assert (copy / "tool").stat().st_ino == (copy / "tool2").stat().st_ino


async def test_a_change_of_mode_alone_reaches_the_mirror(rig: Rig) -> None:
    site = await rig.filled(rig.take())
    (rig.root(site, "oslo") / "index.html").chmod(0o600)
    result = await rig.sync(site)
    assert (result.outcome, result.files) == ("good", 1)
    assert rig.same(site)


async def test_what_is_served_keeps_its_modes_until_all_of_the_new_content_is_there(rig: Rig) -> None:
    site = await rig.filled(rig.take())
    root = rig.root(site, "oslo")
    (root / "index.html").chmod(0o600)
    rig.write(site, "oslo", {"secret": "x"})
    os.chown(root / "secret", 0, 0)
    (root / "secret").chmod(0o600)
    before = tree_at(rig.root(site, "lima"))
    result = await rig.sync(site)
    assert result.trouble is not None
    assert result.trouble.code == "source-unreadable"
    assert tree_at(rig.root(site, "lima")) == before
    (root / "secret").unlink()


async def test_excluded_files_are_not_copied_and_stay_on_the_mirror(rig: Rig) -> None:
    site = rig.take(excluding=True)
    rig.write(site, "oslo", {"cache/there": "source", "a.tmp": "source", "cached": "copied"})
    rig.write(site, "lima", {"cache/here/own": "mirror", "cache/empty/x": "x", "b.tmp": "mirror"})
    (rig.root(site, "lima") / "cache/empty/x").unlink()
    await rig.filled(site)
    rig.write(site, "oslo", {"cached": "copied again"})
    assert (await rig.sync(site)).outcome == "good"
    copy = rig.root(site, "lima")
    assert contents_at(copy / "cache") == {"here/own": b"mirror"}
    assert (copy / "cache/empty").is_dir()
    assert (copy / "b.tmp").read_text() == "mirror"
    assert not (copy / "a.tmp").exists()
    assert (copy / "cached").read_text() == "copied again"


@pytest.mark.parametrize("home", ["oslo", "lima"])
@pytest.mark.parametrize("name", HORRIBLE)
async def test_no_name_reaches_a_shell_and_every_name_is_copied(rig: Rig, home: str, name: str) -> None:
    like = rig.take(home)
    site = replace(
        like,
        name=f"{name} {home}",
        root=f"/srv/{{server}}/www/{name} {home}",
        exclude=(f"{name}.tmp", "$(id)", "- odd", "!"),
    )
    rig.write(site, home, HORRIBLE_FILES)
    rig = rig.with_sites(site)
    result = await rig.sync(site)
    assert result.outcome == "good", result
    assert rig.same(site)
    again = await rig.say(f"sync --dry-run {_quoted(site.name)}")
    assert again.exit_code == 0
    hosts = [rig.lab.host(server).folder for server in ("oslo", "lima")]
    assert not [path for folder in hosts for path in folder.rglob("sharpnet-pwned*")]


async def test_a_line_break_in_a_root_is_copied_where_the_key_is_not_limited_and_refused_where_it_is(rig: Rig) -> None:
    for home, outcome in (("lima", "good"), ("oslo", "refused")):
        like = rig.take(home)
        site = replace(like, name=f"{home}\nline", root=f"{like.root}/a\nb")
        rig.write(site, home, {"index.html": "x"})
        changed = rig.with_sites(site)
        assert (await changed.sync(site)).outcome == outcome


async def test_what_was_replaced_is_forgotten_when_its_time_is_over(rig: Rig) -> None:
    site = await rig.filled(rig.take())
    rig.write(site, "oslo", {"index.html": "second"})
    await rig.filled(site)
    assert "index.html" in rig.replaced(site, "lima")
    rig.write(site, "oslo", {"index.html": "third one"})
    await rig.later(timedelta(days=15)).filled(site)
    assert rig.replaced(site, "lima") == {"index.html": b"second"}


async def test_a_folder_that_becomes_a_file_and_the_reverse_are_copied(rig: Rig) -> None:
    site = rig.take()
    rig.write(site, "oslo", {"one/inside": "x", "two": "y"})
    await rig.filled(site)
    root = rig.root(site, "oslo")
    (root / "one/inside").unlink()
    (root / "one").rmdir()
    (root / "two").unlink()
    rig.write(site, "oslo", {"one": "a file now", "two/inside": "a folder now"})
    assert (await rig.sync(site)).outcome == "good"
    assert rig.same(site)
    assert rig.replaced(site, "lima") == {"one/inside": b"x", "two": b"y"}


async def test_a_missing_root_on_the_mirror_is_made(rig: Rig) -> None:
    site = rig.take()
    rig.root(site, "lima").rmdir()
    assert (await rig.sync(site)).outcome == "good"
    assert rig.same(site)


async def test_a_dry_run_says_what_would_change_and_changes_nothing(rig: Rig) -> None:
    site = await rig.filled(rig.take())
    rig.write(site, "oslo", {"index.html": "other", "new": "x"})
    (rig.root(site, "oslo") / "about us.html").unlink()
    before = tree_at(rig.lab.path_on("lima", "/srv/lima/www"))
    result = await rig.sync(site, dry_run=True)
    said = {(change.kind.value, change.shown) for change in result.changes if not change.is_folder}
    assert said == {("changed", "index.html"), ("created", "new"), ("deleted", "about us.html")}
    assert tree_at(rig.lab.path_on("lima", "/srv/lima/www")) == before
    assert await rig.ports.store.copies.running_syncs() == ()


async def test_a_dry_run_over_a_mirror_that_was_never_filled_leaves_no_trace_there(rig: Rig) -> None:
    site = rig.take()
    assert (await rig.sync(site, dry_run=True)).outcome == "good"
    assert contents_at(rig.root(site, "lima")) == {}
    with pytest.raises(StopIteration):
        rig.work(site, "lima")


async def test_a_mirror_that_others_write_into_is_refused_where_their_ownership_would_be_lost(rig: Rig) -> None:
    site = await rig.filled(rig.take(excluding=True))
    rig.write(site, "lima", {"cache/upload": "by the web application"})
    os.chown(rig.root(site, "lima") / "cache/upload", 33, 33)
    rig.write(site, "oslo", {"index.html": "changed"})
    result = await rig.sync(site)
    assert result.trouble is not None
    assert result.trouble.code == "foreign-owner"
    assert "cache/upload" in result.trouble.message


async def test_nested_roots_never_copy_each_others_work_folder(rig: Rig) -> None:
    outer = rig.take()
    inner = Site("inner", "oslo", ("lima",), rig.take().names, f"{outer.root}/inner")
    rig.write(inner, "oslo", {"index.html": "inner"})
    rig = rig.with_sites(inner)
    await rig.filled(outer)
    rig.write(inner, "oslo", {"index.html": "changed"})
    await rig.filled(inner)
    assert (await rig.sync(outer, dry_run=True)).files == 0
    assert (rig.root(outer, "lima") / ".sharpnet").is_dir()


@pytest.mark.parametrize("home", ["oslo", "lima"])
async def test_an_emptied_source_is_refused_and_the_mirror_stays(rig: Rig, home: str) -> None:
    site = await rig.filled(rig.take(home))
    before = tree_at(rig.root(site, rig.mirror_of(site)))
    empty(rig.root(site, home))
    for allow in (False, True):
        result = await rig.sync(site, allow_delete=allow)
        assert result.trouble is not None
        assert (result.outcome, result.trouble.code) == ("refused", "source-empty")
    assert tree_at(rig.root(site, rig.mirror_of(site))) == before


@pytest.mark.parametrize("home", ["oslo", "lima"])
async def test_a_missing_source_is_refused_and_the_mirror_stays(rig: Rig, home: str) -> None:
    site = await rig.filled(rig.take(home))
    before = tree_at(rig.root(site, rig.mirror_of(site)))
    root = rig.root(site, home)
    root.rename(root.with_name(root.name + ".away"))
    result = await rig.sync(site, allow_delete=True)
    assert result.trouble is not None
    assert (result.outcome, result.trouble.code) == ("refused", "source-missing"), result.trouble
    assert tree_at(rig.root(site, rig.mirror_of(site))) == before


@pytest.mark.parametrize("home", ["oslo", "lima"])
async def test_a_source_that_the_user_may_not_read_fails_and_the_mirror_stays(rig: Rig, home: str) -> None:
    site = await rig.filled(rig.take(home))
    before = tree_at(rig.root(site, rig.mirror_of(site)))
    root = rig.root(site, home)
    os.chown(root, 0, 0)
    root.chmod(0o700)
    result = await rig.sync(site)
    assert result.trouble is not None
    assert (result.outcome, result.trouble.code) == ("failed", "source-unreadable"), result.trouble
    assert tree_at(rig.root(site, rig.mirror_of(site))) == before


async def test_more_deletes_than_the_limit_are_refused_with_numbers_and_done_when_allowed(rig: Rig) -> None:
    site = await rig.filled(rig.take())
    root = rig.root(site, "oslo")
    files = len(contents_at(root))
    empty(root)
    rig.write(site, "oslo", {"index.html": "all that is left"})
    result = await rig.sync(site)
    assert result.trouble is not None
    assert result.trouble.message.startswith(f"would delete {files - 1} of {files} files (")
    assert result.trouble.message.endswith("the limit is 25 %")
    assert len(contents_at(rig.root(site, "lima"))) == files
    assert (await rig.sync(site, allow_delete=True)).outcome == "good"
    assert rig.same(site)
    assert len(rig.replaced(site, "lima")) == files


async def test_excluded_files_on_the_mirror_do_not_raise_the_limit(rig: Rig) -> None:
    site = rig.take(excluding=True)
    rig.write(site, "lima", {f"cache/{number}": "x" for number in range(500)})
    await rig.filled(site)
    for path in list(rig.root(site, "oslo").rglob("*.html")) + list(rig.root(site, "oslo").rglob("*.txt")):
        path.unlink()
    result = await rig.sync(site)
    assert result.trouble is not None
    assert result.trouble.code == "too-many-deletes"


def _quoted(name: str) -> str:
    return "'" + name.replace("'", "'\\''") + "'"

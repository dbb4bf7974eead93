"""What is looked at together says of each site what a look of its own would say, or nothing."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.fleet import Database, Hook, Hooks
from core.sync.batches import (
    ALIKE,
    MOST_FILTERS,
    MOST_PLACES,
    BatchLook,
    SyncTarget,
    batches,
    complained_of,
    exchangeable,
    needs_own_run,
    rewritten,
    unchanged,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from core.fleet import Fleet

WORK = ".work"


def targets(*names: str, exclude: tuple[str, ...] = (), readable: str | None = None) -> list[SyncTarget]:
    return [SyncTarget(f"/srv/uk/www/{name}", f"/srv/us/www/{name}", readable, exclude) for name in names]


def one(these: Sequence[SyncTarget]) -> BatchLook:
    (group,) = batches(these, WORK)
    return group


def test_sites_beside_each_other_are_one_group_below_the_folder_that_holds_them() -> None:
    group = one(targets("shop", "blog", readable="/srv/uk/www"))
    assert (group.source_base, group.mirror_base, group.depth) == ("/srv/uk/www", "/srv/us/www", 1)
    assert group.places == {"shop": 0, "blog": 1}


def test_sites_of_one_layout_in_different_folders_are_one_group() -> None:
    group = one(targets("a/shop/htdocs", "a/blog/htdocs"))
    assert (group.source_base, group.depth) == ("/srv/uk/www/a", 2)
    assert group.places == {"shop/htdocs": 0, "blog/htdocs": 1}


def test_the_same_roots_on_both_servers_are_looked_at_from_what_they_share() -> None:
    these = [SyncTarget(f"/srv/{name}", f"/srv/{name}", None, ()) for name in ("a", "b")]
    assert (one(these).source_base, one(these).mirror_base) == ("/srv", "/srv")
    assert one([SyncTarget("/a", "/a", None, ()), SyncTarget("/b", "/b", None, ())]).source_base == "/"


def test_a_limited_key_reads_from_no_folder_above_its_own() -> None:
    these = [SyncTarget(f"/www/{name}", f"/www/{name}", "/www", ()) for name in ("a", "b")]
    assert one(these).source_base == "/www"
    assert batches([SyncTarget("/www", "/www", "/www", ())] * 2, WORK) == ()


@pytest.mark.parametrize(
    "these",
    [
        targets("alone"),
        [SyncTarget("/uk/a", "/us/b", None, ()), SyncTarget("/uk/c", "/us/d", None, ())],
        targets("two\nlines", "line\n"),
        targets("same", "same"),
        targets("a", "b", exclude=("back\\slash",)),
        [*targets("a"), *targets("b/c")],
    ],
)
def test_what_cannot_be_looked_at_together_is_in_no_group(these: list[SyncTarget]) -> None:
    assert batches(these, WORK) == ()


def test_a_site_in_the_folder_of_another_is_in_another_group() -> None:
    found = batches(targets("a", "b", "a/in", "b/in"), WORK)
    assert sorted(sorted(group.places.values()) for group in found) == [[0, 1], [2, 3]]


def test_each_site_leaves_out_its_own_files_and_the_work_folder() -> None:
    group = one([*targets("a", exclude=("cache/", "/top")), *targets("b*c\\")])
    assert group.filters == (
        "- /a/.work/",
        "- /a/cache/",
        "- /a/**/cache/",
        "- /a/top",
        "- /b\\*c\\\\/.work/",
    )


def test_a_backslash_in_a_folder_name_is_none_in_a_rule_without_wildcards() -> None:
    assert "- /b\\/.work/" in one(targets("a", "b\\")).filters


def test_many_sites_that_exclude_alike_share_their_rules() -> None:
    group = one(targets(*(f"s{number}/www" for number in range(ALIKE)), exclude=("*.log",)))
    assert group.filters == ("- /*/*/.work/", "- /*/*/*.log", "- /*/*/**/*.log")


def test_each_group_has_as_many_rules_as_one_may_have() -> None:
    """By turns 9 and 11 rules a site: one for itself, and two for each pattern, which no other site has."""
    these = [
        place
        for number in range(40)
        for place in targets(f"{number}", exclude=tuple(f"{number}.{rule}" for rule in range(4 if number % 2 else 5)))
    ]
    assert [len(group.places) for group in batches(these, WORK)] == [20, 20]


@given(counts=st.lists(st.tuples(st.integers(1, 60), st.integers(0, 9)), max_size=30))
def test_groups_are_bounded_and_no_site_is_in_two(counts: list[tuple[int, int]]) -> None:
    these = [
        place
        for number, (sites, rules) in enumerate(counts)
        for place in targets(
            *(f"{number}-{site}" for site in range(sites)), exclude=tuple(f"{number}.{rule}" for rule in range(rules))
        )
    ]
    found = batches(these, WORK)
    numbers = [number for group in found for number in group.places.values()]
    assert len(numbers) == len(set(numbers))
    assert all(1 < len(group.places) <= MOST_PLACES and len(group.filters) <= MOST_FILTERS for group in found)


@pytest.mark.parametrize(
    ("pattern", "means"),
    [
        ("/a", ("/x/a",)),
        ("/a/**/b", ("/x/a/**/b",)),
        ("a", ("/x/a", "/x/**/a")),
        ("*.log", ("/x/*.log", "/x/**/*.log")),
        ("a/b/", ("/x/a/b/", "/x/**/a/b/")),
        ("**/a", ("/x/a", "/x/**/a")),
        ("a**b", None),
        ("a\\b", None),
        ("/", None),
    ],
)
def test_a_pattern_is_said_exactly_or_not_at_all(pattern: str, means: tuple[str, ...] | None) -> None:
    assert rewritten(pattern, "/x") == means


def test_a_site_with_databases_or_hooks_around_its_syncs_needs_a_run_of_its_own(fleet: Fleet) -> None:
    site = fleet.sites["shop"]
    hook = (Hook("source", "true"),)
    assert not needs_own_run(replace(site, databases=(), hooks=Hooks(after_cutover=hook)))
    assert needs_own_run(replace(site, databases=(Database("mariadb", "shop"),)))
    assert needs_own_run(replace(site, hooks=Hooks(before_sync=hook)))
    assert needs_own_run(replace(site, hooks=Hooks(after_sync=hook)))


def test_only_a_place_with_files_and_without_a_difference_is_unchanged() -> None:
    lines = [
        b"==|www/same/",
        b"=|.d..t......|4096|0|www/",
        b"=|.d..t......|4096|0|www/same/",
        b"==|www/other/",
        b"=|>f.st......|4096|0|www/other/x",
        b"=|.d..t......|4096|0|www/empty/",
        b"=|*deleting  |0|0|www/only-there/x",
        b"==|www/mode/",
        b"=|.d...p.....|4096|0|www/mode/",
        b"sharpnet-status 0",
    ]
    places = ["www/same", "www/other", "www/empty", "www/only-there", "www/mode", "www/unsaid"]
    assert unchanged(lines, places, 2) == {"www/same"}


def test_a_root_that_is_a_link_at_the_source_differs_and_leaves_the_others_settled() -> None:
    lines = [b"==|www/same/", b"=|cL+++++++++|1|0|www/linked -> /", b"=|*deleting  |0|0|www/linked/x"]
    assert unchanged(lines, ["www/same", "www/linked"], 2) == {"www/same"}


@pytest.mark.parametrize("line", [b"=|>f+++|1|0|elsewhere/x", b"==|elsewhere/", b"=|broken", b"=|>f+++|1|0|a-file"])
def test_a_line_that_is_about_no_place_leaves_none_settled(line: bytes) -> None:
    assert unchanged([b"==|www/same/", line], ["www/same"], 2) == frozenset()


@given(
    names=st.sets(
        st.text(min_size=1, max_size=6).filter(lambda name: "/" not in name and "\0" not in name), min_size=2
    ),
    data=st.data(),
)
def test_each_difference_is_its_own_sites_whatever_the_names(names: set[str], data: st.DataObject) -> None:
    differing = data.draw(st.sets(st.sampled_from(sorted(names))))
    lines = [b"==|" + escaped(name.encode("utf-8", "surrogatepass")) + b"/" for name in sorted(names)]
    lines += [b"=|>f+++++++++|1|0|" + escaped(name.encode("utf-8", "surrogatepass")) + b"/x" for name in differing]
    good = {name for name in names if name.isprintable()}
    if good == names:
        assert unchanged(lines, names, 1) == names - differing


def escaped(name: bytes) -> bytes:
    """Write a name as rsync does without --8-bit-output in the C locale."""
    shown = re.sub(rb"\\(?=#[0-9]{3})", rb"\\#134", name)
    return b"".join(bytes([byte]) if 0x20 <= byte < 0x7F else b"\\#%03o" % byte for byte in shown)


def about(
    stated: Sequence[str], real: Sequence[str], closed: Sequence[str] = (), mounts: Sequence[str] = ("/", "/proc")
) -> bytes:
    return b"\0".join(b"".join(f"{one}\0".encode() for one in part) for part in (stated, real, closed, mounts))


GOOD = ("s 1 41ed a", "s 1 41ed a/..")


def test_a_folder_on_the_disk_of_the_folder_around_it_is_plain() -> None:
    assert exchangeable(about(GOOD, ["/www/a"]), ["a"]) == {"a"}


@pytest.mark.parametrize(
    "said",
    [
        about(["s 1 a1ff a", "s 1 41ed a/.."], ["/www/a"]),
        about(["s 2 41ed a", "s 1 41ed a/.."], ["/www/a"]),
        about(["s 1 41ed a/.."], ["/www/a"]),
        about(["s 1 41ed a", "what"], ["/www/a"]),
        about(GOOD, ["/www/a"], closed=["a"]),
        about(GOOD, ["/www/a"], mounts=["/", "/www/a"]),
        about(GOOD, ["/www/a b"], mounts=["/", "/www/a\\040b/in"]),
        about(GOOD, []),
        about(GOOD, ["/www/a"], mounts=()),
        b"",
    ],
)
def test_what_is_not_plain_on_the_mirror_is_left_to_a_look_of_its_own(said: bytes) -> None:
    assert exchangeable(said, ["a"]) == frozenset()


def test_a_complaint_is_about_the_place_that_it_names() -> None:
    err = (
        b'rsync: [sender] link_stat "/uk/www/a" failed: No such file or directory (2)\n\n'
        b'rsync: [sender] opendir "/uk/www/b/c" failed: Permission denied (13)\n'
        b"rsync error: some files/attrs were not transferred (code 23) at main.c(1)\n"
    )
    assert complained_of(err, ["/uk/www", "/us/www"], ["a", "b", "bb"]) == frozenset({"a", "b"})


def test_as_many_complaints_as_nobody_reads_doubt_them_all() -> None:
    line = b'rsync: [sender] opendir "/uk/www/a" failed: Permission denied (13)\n'
    assert complained_of(line * (500_000 // len(line)), ["/uk/www"], ["a", "b"]) == {"a"}
    assert complained_of(line * (500_000 // len(line) + 1), ["/uk/www"], ["a", "b"]) is None


@pytest.mark.parametrize("err", [b"rsync: something odd\n", b'rsync: opendir "/elsewhere" failed\n'])
def test_a_complaint_about_no_place_doubts_them_all(err: bytes) -> None:
    assert complained_of(err, ["/uk/www"], ["a"]) is None

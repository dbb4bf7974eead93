"""Just at a limit, one beside it, and what lacks something: looks at many copies, runs, what came home, proofs."""

from __future__ import annotations

import stat
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from core.errors import UsageError
from core.failback.compare import DifferenceKind, File, failback_state
from core.sync.batches import SyncTarget, batches, complained_of, exchangeable, unchanged
from core.sync.failures import attributes_refused
from core.sync.report import report
from core.sync.result import SyncResult
from core.sync.rsync_output import ChangeKind, PathChange
from core.sync.undo import is_run_name, paths_to_put_back
from core.verify.compare import ROOT, FileStat, LastCopy, PathDifference, PathVerdict, judge

if TYPE_CHECKING:
    from core.fleet import Fleet
    from core.sync.result import Outcome

WORK = ".work"


def targets(*names: str, exclude: tuple[str, ...] = (), readable: str | None = None) -> list[SyncTarget]:
    return [SyncTarget(f"/srv/uk/www/{name}", f"/srv/us/www/{name}", readable, exclude) for name in names]


def sizes(these: list[SyncTarget]) -> list[int]:
    return [len(group.places) for group in batches(these, WORK)]


def named(number: int, start: int = 0) -> list[str]:
    return [f"s{one:03}" for one in range(start, start + number)]


def test_two_hundred_places_are_one_group_and_what_is_left_is_another() -> None:
    assert [sizes(targets(*named(number))) for number in (199, 200, 201, 202, 401)] == [
        [199],
        [200],
        [200],
        [200, 2],
        [200, 200],
    ]


def test_twenty_that_exclude_alike_share_their_rules_and_nineteen_have_their_own() -> None:
    shared, own = (batches(targets(*named(number), exclude=("*.log",)), WORK)[0].filters for number in (20, 19))
    assert shared == ("- /*/.work/", "- /*/*.log", "- /*/**/*.log")
    assert len(own) == 3 * 19


def test_two_hundred_rules_are_one_group_and_one_more_begins_another() -> None:
    """Each of these sites has rules of its own: one for the work folder, and two for each pattern."""

    def some(number: int, patterns: int) -> list[SyncTarget]:
        return [
            one
            for name in named(number)
            for one in targets(name, exclude=tuple(f"{name}.{pattern}" for pattern in range(patterns)))
        ]

    assert sizes(some(40, 2)) == [40]
    assert sizes(some(41, 2)) == [40]
    assert sizes(some(42, 2)) == [40, 2]
    assert sizes(some(66, 1)) == [66]
    assert sizes(some(68, 1)) == [66, 2]


@pytest.mark.parametrize("outcome", ["refused", "failed"])
def test_what_did_not_end_well_had_something_to_do(outcome: Outcome) -> None:
    assert not SyncResult("shop", "north", "south", outcome, 1.0).nothing_to_do
    assert SyncResult("shop", "north", "south", "good", 1.0).nothing_to_do


def test_a_site_with_more_rules_than_a_group_may_have_is_alone() -> None:
    many = targets("many", exclude=tuple(f"p{number}" for number in range(120)))
    assert sizes([*many, *targets("a", "b")]) == [2]


def test_two_sites_at_one_place_are_in_no_group_and_leave_the_others_in_theirs() -> None:
    (group,) = batches(targets("same", "a", "same", "b", "same"), WORK)
    assert group.places == {"a": 1, "b": 3}


def test_a_limited_key_shortens_the_place_and_one_that_reads_more_does_not_lengthen_it() -> None:
    deep = [SyncTarget(f"/srv/www/{name}", f"/srv/www/{name}", "/srv/www", ()) for name in ("a", "b")]
    assert [(one.source_base, one.mirror_base, dict(one.places)) for one in batches(deep, WORK)] == [
        ("/srv/www", "/srv/www", {"a": 0, "b": 1})
    ]
    uneven = [SyncTarget(f"/srv/uk/x/{name}", f"/srv/us/y/{name}", "/srv", ()) for name in ("a", "b")]
    assert [(one.source_base, one.mirror_base, dict(one.places)) for one in batches(uneven, WORK)] == [
        ("/srv/uk/x", "/srv/us/y", {"a": 0, "b": 1})
    ]


def test_a_folder_with_a_name_of_one_letter_above_a_place_is_above_it() -> None:
    assert unchanged([b"==|w/same/", b"=|.d...p.....|4096|0|w/"], ["w/same"], 2) == {"w/same"}


def about(*parts: list[str]) -> bytes:
    return b"\0".join(b"".join(f"{one}\0".encode() for one in part) for part in parts)


def test_of_several_places_each_is_judged_by_itself() -> None:
    names = ["a", "b", "c", "d"]
    stated = [f"s 1 41ed {name}{end}" for name in names for end in ("", "/..")]
    real = [f"/www/{name}" for name in names]
    said = about(stated, real, ["b"], ["/", "/www/c/in", "/www/aa", "/www/d\\040x"])
    assert exchangeable(said, names) == {"a", "d"}


def test_a_complaint_about_a_place_whose_name_goes_on_is_not_about_the_shorter_one() -> None:
    assert complained_of(b'rsync: opendir "/www/aa/x" failed\n', ["/www"], ["a"]) is None
    assert complained_of(b'rsync: opendir "/www/a" failed\n', ["/www"], ["a", "b"]) == {"a"}
    assert complained_of(b"", ["/www"], ["a"]) == frozenset()


def test_a_dry_run_that_shows_all_changes_leaves_out_none_and_a_real_run_shows_none() -> None:
    changes = (
        PathChange(ChangeKind.CREATED, b"new/", 0),
        PathChange(ChangeKind.CREATED, b"a", 5),
        PathChange(ChangeKind.DELETED, b"b", 0),
    )
    one = SyncResult("shop", "uk", "us", "good", 1.0, dry_run=True, changed=True, files=1, deleted=1, changes=changes)
    (table,) = report([one], (), dry_run=True).parts
    assert table.left_out == 0  # type: ignore[union-attr]
    assert report([one], (), dry_run=False).parts == ()


@pytest.mark.parametrize(
    ("name", "is_one"),
    [
        ("20260614T130000Z-a", True),
        ("20260614T130000Z-", False),
        ("20260614T130000Z", False),
        ("20260614T130000Z-a-b", False),
        ("20260614T130000Z-ä", False),
        ("20260614T250000Z-a", False),
        ("-a", False),
    ],
)
def test_a_runs_name_is_a_moment_and_a_word(name: str, is_one: bool) -> None:
    assert is_run_name(name) is is_one


def test_lines_without_words_are_no_other_failure_than_that_of_attributes() -> None:
    err = b"\nrsync: [generator] set_acl: sys_acl_set_file(x): Operation not supported (95)\n\n"
    assert attributes_refused(23, err)
    assert not attributes_refused(23, err + b"something else\n")


def test_a_path_is_put_back_once_and_only_as_the_outermost_that_was_typed() -> None:
    assert paths_to_put_back(["a/b/c", "a//b/", "./x", "a/bc"]) == (b"a/b", b"x", b"a/bc")
    for typed in ("/a", "..", "a/../..", "", ".", "a\0b"):
        with pytest.raises(UsageError):
            paths_to_put_back(["good", typed])


def test_a_file_that_only_one_side_has_was_written_when_that_side_says() -> None:
    for file in (
        File(DifferenceKind.ONLY_ACTIVE, b"a", 1, None, 1_000_000),
        File(DifferenceKind.ONLY_RETURNED, b"a", 1, 1_000_000, None),
        File(DifferenceKind.NEWER_ACTIVE, b"a", 1, 5, 1_000_000),
    ):
        assert file.written_at == datetime(1970, 1, 12, 13, 46, 40, tzinfo=UTC)


def test_a_kind_is_that_of_a_file_whatever_its_mode() -> None:
    for kind in (stat.S_IFREG, stat.S_IFDIR, stat.S_IFLNK, stat.S_IFIFO):
        assert FileStat(kind | 0o7777, 1, 1, 1).kind == FileStat(kind, 1, 1, 1).kind == kind


def test_a_site_goes_home_where_its_home_or_nothing_was_asked_for(fleet: Fleet) -> None:
    shop = fleet.sites["shop"]
    for servers, away in (((), (shop,)), (("north",), (shop,)), (("south", "north"), (shop,)), (("south",), ())):
        found = failback_state([shop], servers, {"shop": "south"}, {})
        assert (found.away, found.returned, found.at_home) == (away, (), ())


BEGAN, ENDED = 1_000_000, 1_000_060
COPY = LastCopy(BEGAN, ENDED)


def seen(written: int = 5_000, touched: int | None = None, size: int = 8) -> FileStat:
    return FileStat(stat.S_IFREG | 0o644, size, written, written if touched is None else touched)


def folder(touched: int) -> FileStat:
    return FileStat(stat.S_IFDIR | 0o755, 8, 5_000, touched)


@pytest.mark.parametrize(
    ("written", "verdict"),
    [
        (ENDED + 1, PathVerdict.SINCE),
        (ENDED + 2, PathVerdict.SINCE),
        (ENDED + 3, PathVerdict.ONLY_THERE),
    ],
)
def test_what_only_the_mirror_has_was_written_there_from_three_seconds_after_the_copy_on(
    written: int, verdict: PathVerdict
) -> None:
    one = PathDifference(PathChange(ChangeKind.DELETED, b"file", 8), content=False)
    assert judge(one, {ROOT: folder(BEGAN)}, {b"file": seen(written)}, COPY) is verdict


@pytest.mark.parametrize(
    ("here", "there", "verdict"),
    [
        (seen(touched=BEGAN - 2), seen(size=9), PathVerdict.SINCE),
        (seen(touched=BEGAN - 3), seen(size=9), PathVerdict.MISSED),
        (seen(), seen(ENDED + 2, size=9), PathVerdict.MISSED),
        (seen(), seen(ENDED + 3, size=9), PathVerdict.WRITTEN_THERE),
        (seen(ENDED + 9, touched=BEGAN), seen(ENDED + 9, size=9), PathVerdict.SINCE),
        (seen(ENDED + 9, touched=BEGAN), seen(ENDED + 10, size=9), PathVerdict.WRITTEN_THERE),
    ],
)
def test_two_seconds_are_let_go_of_clocks_and_no_more(here: FileStat, there: FileStat, verdict: PathVerdict) -> None:
    one = PathDifference(PathChange(ChangeKind.CHANGED, b"file", 8), content=True)
    still = {ROOT: folder(5_000)}
    assert judge(one, {**still, b"file": here}, {**still, b"file": there}, COPY) is verdict

"""Each path that differs is judged: what should not differ is told from what was changed since the copy."""

from __future__ import annotations

import stat
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.sync.rsync_output import ChangeKind, PathChange
from core.verify.compare import (
    ROOT,
    FileStat,
    LastCopy,
    PathDifference,
    PathVerdict,
    folders_of,
    judge,
    read_difference,
    to_look_at,
)
from core.verify.rotation import whose_turn

BEGAN, ENDED = 10_000, 10_060
COPY = LastCopy(BEGAN, ENDED)
LONG_AGO, SINCE = 5_000, 20_000
FILE, FOLDER, LINK = (kind | 0o644 for kind in (stat.S_IFREG, stat.S_IFDIR, stat.S_IFLNK))


def seen(
    written: int = LONG_AGO, touched: int | None = None, size: int = 8, mode: int = FILE, digest: str = ""
) -> FileStat:
    return FileStat(mode, size, written, written if touched is None else touched, digest)


def differs(path: bytes = b"a/file", kind: ChangeKind = ChangeKind.CHANGED, *, content: bool = True) -> PathDifference:
    return PathDifference(PathChange(kind, path, 8), content=content)


def folder(written: int = LONG_AGO, touched: int | None = None) -> FileStat:
    return seen(written, touched, mode=FOLDER)


STILL = {ROOT: folder(), b"a": folder()}


@pytest.mark.parametrize(
    ("here", "there", "finding"),
    [
        (seen(), seen(), PathVerdict.SILENT),
        (seen(touched=SINCE), seen(), PathVerdict.SILENT),
        (seen(), seen(size=9), PathVerdict.MISSED),
        (seen(written=6_000), seen(), PathVerdict.MISSED),
        (seen(written=SINCE), seen(), PathVerdict.SINCE),
        (seen(touched=SINCE, size=9), seen(), PathVerdict.SINCE),
        (seen(), seen(written=SINCE), PathVerdict.WRITTEN_THERE),
        (seen(touched=SINCE), seen(written=SINCE), PathVerdict.WRITTEN_THERE),
        (seen(written=SINCE + 1), seen(written=SINCE), PathVerdict.SINCE),
        (seen(touched=SINCE), seen(written=ENDED, size=9), PathVerdict.SINCE),
        (seen(), seen(mode=LINK), PathVerdict.MISSED),
        (seen(touched=BEGAN - 1), seen(size=9), PathVerdict.SINCE),
        (seen(touched=BEGAN - 9), seen(size=9), PathVerdict.MISSED),
        (seen(), None, PathVerdict.MISSING),
        (seen(touched=SINCE), None, PathVerdict.SINCE),
        (None, None, PathVerdict.SETTLED),
        (None, seen(written=SINCE), PathVerdict.ONLY_THERE),
        (None, seen(), PathVerdict.ONLY_THERE),
        (seen(digest="d"), seen(digest="d"), PathVerdict.SETTLED),
        (seen(digest="d"), seen(digest="e"), PathVerdict.SILENT),
    ],
)
def test_a_path_is_judged_by_what_lies_there_and_when_it_was_touched(
    here: FileStat | None, there: FileStat | None, finding: PathVerdict
) -> None:
    source, mirror = ({**STILL, **({b"a/file": side} if side else {})} for side in (here, there))
    assert judge(differs(), source, mirror, COPY) is finding


def test_a_file_that_only_the_mirror_has_was_deleted_where_its_folder_was_touched_since() -> None:
    mirror = {**STILL, b"a/file": seen()}
    assert judge(differs(), {ROOT: folder(), b"a": folder(SINCE)}, mirror, COPY) is PathVerdict.SINCE
    assert judge(differs(), {ROOT: folder(SINCE)}, mirror, COPY) is PathVerdict.SINCE
    assert judge(differs(), {ROOT: folder(SINCE), b"a": folder()}, mirror, COPY) is PathVerdict.ONLY_THERE
    assert judge(differs(), {}, mirror, COPY) is PathVerdict.ONLY_THERE


def test_what_came_with_a_folder_that_was_moved_or_made_since_is_normal_though_it_was_not_touched_itself() -> None:
    here = {b"a/file": seen(size=9)}
    moved = {ROOT: folder(), b"a": folder(LONG_AGO, touched=SINCE), **here}
    assert judge(differs(), moved, {**STILL, b"a/file": seen()}, COPY) is PathVerdict.SINCE
    assert judge(differs(), moved, STILL, COPY) is PathVerdict.SINCE
    made = {ROOT: folder(SINCE), b"a": folder(SINCE), **here}
    assert judge(differs(), made, {ROOT: folder()}, COPY) is PathVerdict.SINCE


def test_a_folder_in_which_something_else_was_changed_excuses_nothing() -> None:
    source = {ROOT: folder(SINCE), b"a": folder(SINCE), b"a/file": seen()}
    assert judge(differs(), source, STILL, COPY) is PathVerdict.MISSING


def test_another_mode_is_wrong_unless_it_was_given_at_the_source_since() -> None:
    one, mirror = differs(kind=ChangeKind.ATTRIBUTES, content=False), {**STILL, b"a/file": seen()}
    assert judge(one, {**STILL, b"a/file": seen()}, mirror, COPY) is PathVerdict.ATTRIBUTES
    assert judge(one, {**STILL, b"a/file": seen(touched=SINCE)}, mirror, COPY) is PathVerdict.SINCE


def test_only_what_a_copy_brings_over_anyway_is_not_wrong() -> None:
    assert {finding for finding in PathVerdict if not finding.is_wrong} == {PathVerdict.SINCE, PathVerdict.SETTLED}


@pytest.mark.parametrize(
    ("line", "content"),
    [
        (b"=|>fc........|8|0|a", True),
        (b"=|>fcst......|8|0|a", True),
        (b"=|>f+++++++++|8|0|a", True),
        (b"=|cLc.t......|8|0|a", True),
        (b"=|.f...p.....|8|0|a", False),
        (b"=|hf.........|8|0|a", False),
        (b"=|*deleting  |0|0|a", False),
        (b"=|.d...p.....|0|0|a/", False),
    ],
)
def test_what_rsync_says_of_a_path_tells_whether_its_content_differs(line: bytes, content: bool) -> None:
    difference = read_difference(line)
    assert difference is not None
    assert (difference.key, difference.content) == (b"a", content)


@pytest.mark.parametrize("line", [b"", b"sharpnet-free 12", b"=|.d..t......|0|0|./", b"=|.d..t......|4096|0|a/"])
def test_what_is_no_difference_is_none(line: bytes) -> None:
    assert read_difference(line) is None


def test_the_root_itself_is_looked_at_by_its_own_name() -> None:
    assert differs(b"./").key == ROOT
    assert to_look_at([differs(b"./")]) == (ROOT,)


def test_every_path_is_looked_at_once_with_the_folders_around_it() -> None:
    assert to_look_at([differs(b"a/b/c"), differs(b"a/d")]) == (b"a/b/c", b"a/b", b"a", ROOT, b"a/d")


@given(st.lists(st.binary(min_size=1).filter(lambda part: b"/" not in part and part != b"."), min_size=1))
def test_the_folders_of_a_path_end_at_the_root_and_each_holds_the_one_before(parts: list[bytes]) -> None:
    folders = list(folders_of(b"/".join(parts)))
    assert folders[-1] == ROOT
    assert len(folders) == len(parts)
    assert all(inner.startswith(outer + b"/") for inner, outer in pairwise(folders[:-1]))


PAIRS = tuple((f"site-{number}", "lima") for number in range(5))
NOON = datetime(2026, 6, 14, 12, tzinfo=UTC)


def test_copies_never_proven_come_first_then_those_tried_longest_ago() -> None:
    tried = {PAIRS[0]: NOON, PAIRS[1]: NOON - timedelta(days=2), PAIRS[3]: NOON - timedelta(days=1)}
    assert whose_turn(PAIRS, tried, 1) == (PAIRS[2], PAIRS[4], PAIRS[1], PAIRS[3], PAIRS[0])
    assert whose_turn(PAIRS, tried, 0.25) == (PAIRS[2], PAIRS[4])


@pytest.mark.parametrize(
    ("number", "share", "many"), [(0, 0.25, 0), (1, 0.25, 1), (100, 0.07, 7), (3, 1, 3), (3, 0, 0)]
)
def test_the_share_is_rounded_up(number: int, share: float, many: int) -> None:
    assert len(whose_turn([(str(one), "lima") for one in range(number)], {}, share)) == many


@given(st.integers(1, 40), st.floats(0.01, 1))
def test_every_copy_has_its_turn(number: int, share: float) -> None:
    pairs = [(str(one), "lima") for one in range(number)]
    tried: dict[tuple[str, str], datetime] = {}
    for week in range(int(1 / share) + 2):
        tried |= dict.fromkeys(whose_turn(pairs, tried, share), NOON + timedelta(weeks=week))
    assert tried.keys() == set(pairs)

"""What rsync says is read exactly, whatever bytes file names hold, and what would destroy is refused."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import TooMuchError
from core.sync.rsync_output import (
    KEPT_RELINKS,
    LONGEST_LINE_BYTES,
    ChangeKind,
    OutputReader,
    PathChange,
    Stats,
    is_below,
    most_deletes,
    read_change,
    why_not_apply,
)

# Captured from rsync 3.5.0 in the C locale: a dry run, then a run with progress.
DRY_RUN = rb"""
sharpnet-free 84179562496
=|*deleting  |0|0|olddir/o
=|*deleting  |0|0|olddir/
=|*deleting  |0|0|same
=|.d..t......|4096|0|./
=|>f+++++++++|0|0|=|trick
=|>f+++++++++|1|0|by\#377t
=|hf+++++++++|2|0|a
=|>f+++++++++|7|0|lit\#134#012x
=|cL+++++++++|1|0|lnk
=|>f+++++++++|3|0|new\#012line
=|cd+++++++++|4096|0|sub/
=|>f.st......|2|0|sub/c
=|.f...p.....|2|0|mode

Number of files: 11 (reg: 7, dir: 3, link: 1)
Number of created files: 8 (reg: 6, dir: 1, link: 1)
Number of deleted files: 3 (reg: 2, dir: 1)
Number of regular files transferred: 6
Total file size: 18 bytes
Total transferred file size: 15 bytes
Literal data: 0 bytes
Matched data: 0 bytes
File list size: 0
File list generation time: 0.001 seconds
Total bytes sent: 310
Total bytes received: 98

sent 310 bytes  received 98 bytes  816.00 bytes/sec
total size is 18  speedup is 0.04 (DRY RUN)
"""
PROGRESS = (
    b"\r              0   0%    0.00kB/s    0:00:00 (xfr#1, to-chk=9/11)\n"
    b"\r              1   5%    0.00kB/s    0:00:00  "
    b"\r             13  72%   11.72kB/s    0:00:00 (xfr#5, to-chk=3/11)\n"
)


def read(text: bytes, pieces: int = 1 << 20) -> OutputReader:
    output = OutputReader()
    for start in range(0, len(text), pieces):
        output.feed(text[start : start + pieces])
    output.end()
    return output


def escaped(name: bytes) -> bytes:
    """Write a name as rsync does without --8-bit-output in the C locale."""
    shown = re.sub(rb"\\(?=#[0-9]{3})", rb"\\#134", name)
    return b"".join(bytes([byte]) if 0x20 <= byte < 0x7F else b"\\#%03o" % byte for byte in shown)


@given(name=st.binary(min_size=1).filter(lambda name: b"\0" not in name))
def test_a_file_name_of_any_bytes_comes_out_as_it_is(name: bytes) -> None:
    assert read_change(b"=|>f+++++++++|7|0|" + escaped(name)) == PathChange(ChangeKind.CREATED, name, 7)


@given(line=st.binary())
def test_no_line_of_bytes_breaks_the_reader(line: bytes) -> None:
    output = OutputReader()
    output.feed(line)
    output.end()
    assert output.changed_files >= 0


def test_before_rsync_has_said_anything_everything_is_nothing() -> None:
    output = OutputReader()
    nothing = Stats(files=0, created=0, deleted=0, deleted_folders=0, to_copy_bytes=0, sent_bytes=0)
    assert output.stats == Stats() == nothing
    assert (output.done_bytes, output.done_files, output.changed_files, output.free_bytes) == (0, 0, 0, None)
    assert (output.serious, output.changes, output.relink) == (False, [], [])


def test_a_last_line_without_an_end_counts() -> None:
    assert OutputReader.of(b"=|>f+++++++++|7|0|a").changed_files == 1


def test_numbers_are_read_with_and_without_their_parts() -> None:
    said = b"Number of files: 5\nNumber of deleted files: 3\nTotal bytes sent: 7\n"
    assert read(said).stats == Stats(files=5, deleted=3, sent_bytes=7)
    assert read(b"Number of deleted files: 3 (dir: 3)\n").stats == Stats(deleted=0, deleted_folders=3)


def test_a_number_alone_is_no_word_of_the_room_on_a_mirror() -> None:
    assert read(b"84179562496\n").free_bytes is None
    assert read(b"sharpnet-free many\n").free_bytes is None


@pytest.mark.parametrize("pieces", [1, 7, 64, 10_000])
def test_it_does_not_matter_how_the_output_is_cut_into_pieces(pieces: int) -> None:
    assert read(DRY_RUN, pieces).changes == read(DRY_RUN).changes
    assert read(DRY_RUN, pieces).stats == read(DRY_RUN).stats


@pytest.mark.parametrize("pieces", [1000, 32_768, 1 << 20])
@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_line_that_no_path_explains_has_nothing_of_it_all_believed(place: int, pieces: int) -> None:
    lines = [b"=|>f+++++++++|7|0|a", b"=|>f+++++++++|7|0|b"]
    at_limit = b"=|>f+++++++++|7|0|".ljust(LONGEST_LINE_BYTES, b"c")
    fitting = b"\n".join([*lines[:place], at_limit, *lines[place:]])
    assert read(fitting, pieces).changed_files == 3
    with pytest.raises(TooMuchError, match="longer than 32 kB"):
        read(fitting.replace(at_limit, at_limit + b"c"), pieces)


def test_a_line_without_an_end_is_not_kept() -> None:
    output = OutputReader()
    for _ in range(100):
        output.feed(b"\0" * 32_768)
    assert len(output._rest) <= LONGEST_LINE_BYTES + 1
    with pytest.raises(TooMuchError):
        output.end()


def test_figures_under_names_that_rsync_does_not_know_are_not_kept_without_end() -> None:
    letters = "abcdefghijklmnopqrstuvwxyz"
    lines = [f"Number of {one}{two}: 1" for one in letters for two in letters]
    assert len(read("\n".join(lines).encode())._numbers) == 100


@pytest.mark.parametrize(
    "line",
    [
        b"=|>f+++++++++|%b|0|a",
        b"=+%b|>f+++++++++|x",
        b"sharpnet-free %b",
        b"Number of files: %b",
        b"  %b  50%%    1.00MB/s    0:00:01 (xfr#1, to-chk=1/2)",
    ],
)
def test_a_number_of_thousands_of_digits_is_none(line: bytes) -> None:
    output = read(line % (b"9" * 5000))
    assert (output.changed_files, output.free_bytes, output.stats, output.done_bytes) == (0, None, Stats(), 0)


def test_each_kind_of_change_is_told_apart() -> None:
    kinds = {change.path: change.kind for change in read(DRY_RUN).changes}
    assert kinds[b"same"] is ChangeKind.DELETED
    assert kinds[b"new\nline"] is ChangeKind.CREATED
    assert kinds[b"sub/c"] is ChangeKind.CHANGED
    assert kinds[b"mode"] is ChangeKind.ATTRIBUTES
    assert kinds[b"a"] is ChangeKind.CREATED


@pytest.mark.parametrize(
    ("item", "change"),
    [
        (b"*deleting  ", PathChange(ChangeKind.DELETED, b"a", 0)),
        (b".f...p.....", PathChange(ChangeKind.ATTRIBUTES, b"a", 0)),
        (b">f.st......", PathChange(ChangeKind.CHANGED, b"a", 7)),
        (b"cL..t......", PathChange(ChangeKind.CHANGED, b"a", 7)),
        (b">f+++++++++", PathChange(ChangeKind.CREATED, b"a", 7)),
    ],
)
def test_a_change_is_as_large_as_what_is_to_be_copied(item: bytes, change: PathChange) -> None:
    assert read_change(b"=|" + item + b"|7|0|a") == change
    folder = read_change(b"=|cd..t.p....|7|0|a/")
    assert folder == PathChange(ChangeKind.ATTRIBUTES, b"a/", 0)


def test_what_is_to_be_copied_is_what_is_new_what_changed_and_what_has_other_attributes() -> None:
    output = read(b"=+1|>f+++++++++|x\n=+20|>f.st......|x\n=+300|.f...p.....|x\n=+4000|*deleting  |x\n")
    assert output.changed_files == 321


def test_files_are_counted_without_folders() -> None:
    output = read(DRY_RUN)
    assert output.stats == Stats(files=8, created=7, deleted=2, deleted_folders=1, to_copy_bytes=15, sent_bytes=408)
    assert output.changed_files == 8
    assert output.free_bytes == 84179562496


def test_the_mirror_held_what_the_source_holds_less_what_is_new_and_with_what_goes() -> None:
    assert Stats(files=8, created=7, deleted=2).mirror_files == 3
    assert Stats(files=7, created=8).mirror_files == Stats().mirror_files == 0


def test_files_of_which_only_attributes_change_are_listed_for_an_inode_of_their_own() -> None:
    assert read(DRY_RUN).relink == [b"mode"]
    assert read(b"=|.f...p.....|1|0|a\n=+2|*deleting  |x\n=+3|>f.st......|x\n").relink == [b"a"]


def test_a_folder_whose_time_alone_has_moved_is_no_reason_to_copy() -> None:
    assert not read(b"=|.d..t......|4096|0|./\n").serious
    assert read(b"=|.d...p.....|4096|0|./\n").serious
    assert read(b"=|.f..t......|4096|0|a\n").serious


FOLDERS = [b"=|.d..t......|4096|0|a/\n", b"=+5|.d..t......|x/\n"]


@pytest.mark.parametrize("reason", [b"=|>f+++++++++|1|0|a\n", b"=+2|*deleting  |x\n", b"=|.d...p.....|4096|0|b/\n"])
@pytest.mark.parametrize("place", [0, 1, 2])
def test_one_reason_to_copy_is_enough_wherever_it_stands(reason: bytes, place: int) -> None:
    lines = [*FOLDERS[:place], reason, *FOLDERS[place:]]
    assert read(b"".join(lines)).serious
    assert not read(b"".join(FOLDERS)).serious


@pytest.mark.parametrize("place", [0, 1, 2])
def test_files_that_are_too_many_to_be_named_stay_so_wherever_that_was_said(place: int) -> None:
    lines = [b"=|.f...p.....|1|0|a\n", b"=|.f...p.....|1|0|b\n"]
    assert read(b"".join([*lines[:place], b"=+1|.f...p.....|x\n", *lines[place:]])).relink is None
    assert read(b"".join(lines)).relink == [b"a", b"b"]


def test_only_the_first_changes_are_kept_and_all_are_counted() -> None:
    output = OutputReader(most=2)
    for number in range(5):
        output.feed(b"=|>f+++++++++|1|0|%d\n" % number)
    assert [change.path for change in output.changes] == [b"0", b"1"]
    assert output.kinds[ChangeKind.CREATED] == 5


def test_a_thousand_changes_are_kept() -> None:
    said = b"".join(b"=|>f+++++++++|1|0|%d\n" % number for number in range(1001))
    assert len(OutputReader.of(said).changes) == 1000


def test_changes_that_are_only_counted_count_like_those_that_are_named() -> None:
    output = read(b"=+7|>f+++++++++|x\n=+3|*deleting  |x\n=+2|*deleting  |x/\n=+5|.d..t......|x/\n")
    assert (output.kinds[ChangeKind.CREATED], output.kinds[ChangeKind.DELETED], output.changes) == (7, 3, [])
    assert output.serious
    assert not read(b"=+5|.d..t......|x/\n").serious
    assert not read(b"=+many|>f+++++++++|x\n=+\n").serious


def test_files_that_are_too_many_to_be_named_are_not_listed_for_an_inode_of_their_own() -> None:
    assert read(b"=+1|.f...p.....|x\n").relink is None
    named = b"".join(b"=|.f...p.....|1|0|%d\n" % number for number in range(KEPT_RELINKS + 2))
    assert read(named).relink is None
    assert len(read(named[: named.index(b"0|50000\n")]).relink or ()) == KEPT_RELINKS


def test_progress_is_read_while_it_comes() -> None:
    output = OutputReader()
    output.feed(PROGRESS[:40])
    output.feed(PROGRESS[40:])
    assert (output.done_bytes, output.done_files) == (13, 5)


def test_a_message_that_looks_like_a_change_is_none() -> None:
    assert read_change(b'skipping non-regular file "=|>f+++++++++|1|0|x"') is None
    assert read_change(b"=|two|fields") is None
    assert read_change(b">f+++++++++|1|0|x") is None
    assert read_change(b"=|>f+++++++++|many|0|x") is None


def test_an_empty_source_is_refused_however_little_the_mirror_holds() -> None:
    for deleted in (0, 2050):
        trouble = why_not_apply(Stats(files=0, deleted=deleted), max_delete=None)
        assert trouble is not None
        assert (trouble.code, trouble.refused) == ("source-empty", True)


def test_too_many_deletes_are_refused_with_their_numbers() -> None:
    trouble = why_not_apply(Stats(files=1238, created=0, deleted=812), max_delete=0.25)
    assert trouble is not None
    assert (trouble.code, trouble.refused) == ("too-many-deletes", True)
    assert trouble.message == "would delete 812 of 2,050 files (39.6 %), the limit is 25 %"


def test_a_run_just_at_the_limit_is_allowed() -> None:
    assert why_not_apply(Stats(files=75, deleted=25), max_delete=0.25) is None
    assert why_not_apply(Stats(files=74, deleted=26), max_delete=0.25) is not None


def test_somebody_may_allow_any_number_of_deletes() -> None:
    assert why_not_apply(Stats(files=1, deleted=99), max_delete=None) is None


def test_a_mirror_without_room_is_refused_before_anything_is_copied() -> None:
    trouble = why_not_apply(Stats(files=9, to_copy_bytes=12_000_000_000), max_delete=0.25, free_bytes=3_000_000_000)
    assert trouble is not None
    assert (trouble.code, trouble.message) == ("disk-short", "needs 12 GB on the mirror, which has 3.0 GB free")
    assert trouble.refused
    assert why_not_apply(Stats(files=9, to_copy_bytes=1), max_delete=0.25, free_bytes=3_000_000_000) is None


@pytest.mark.parametrize(("to_copy", "fits"), [(979, True), (980, True), (981, False)])
def test_two_hundredths_of_the_room_on_a_mirror_are_left_free(to_copy: int, *, fits: bool) -> None:
    trouble = why_not_apply(Stats(files=9, to_copy_bytes=to_copy), max_delete=0.25, free_bytes=1_000)
    assert (trouble is None) is fits
    assert why_not_apply(Stats(files=9, to_copy_bytes=to_copy), max_delete=0.25) is None


@given(files=st.integers(1, 10**6), created=st.integers(0, 10**6), deleted=st.integers(0, 10**6), share=st.floats(0, 1))
def test_what_is_let_through_deletes_no_more_than_its_share(
    files: int, created: int, deleted: int, share: float
) -> None:
    stats = Stats(files=files, created=min(created, files), deleted=deleted)
    if why_not_apply(stats, max_delete=share) is None:
        assert stats.deleted <= share * stats.mirror_files
        assert (most_deletes(stats, share) or 0) >= stats.deleted


def test_a_run_may_delete_up_to_the_limit_and_the_folders_that_were_seen_to_go() -> None:
    assert most_deletes(Stats(files=90, deleted=10, deleted_folders=4), 0.25) == 29
    assert most_deletes(Stats(files=90, deleted=10), None) is None


def test_a_change_shows_its_path_on_one_line() -> None:
    assert PathChange(ChangeKind.CREATED, b"a\tb", 1).shown == "a\\tb"


@pytest.mark.parametrize(
    ("path", "below"), [(b"a/..b", True), (b"a", True), (b"../a", False), (b"a/../b", False), (b"/a", False)]
)
def test_a_path_that_leads_out_of_its_folder_is_known(path: bytes, below: bool) -> None:
    assert is_below(path) is below

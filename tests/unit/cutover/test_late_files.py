from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from core.cutover.late_files import SHOWN_PATHS, LateFile, caught, only_vanished, read_arrived, since_mark, to_bring
from core.plan.progress import LateFiles
from core.sync.rsync_output import ChangeKind, PathChange

paths = st.binary(min_size=1, max_size=40).filter(lambda path: b"\0" not in path)


def change(path: bytes, kind: ChangeKind = ChangeKind.CREATED) -> PathChange:
    return PathChange(kind, path, 1)


@given(st.dictionaries(paths, st.tuples(st.sampled_from("fl"), st.integers(0, 2**33)), max_size=5))
def test_whatever_bytes_a_name_has_it_is_read_as_find_wrote_it(files: dict[bytes, tuple[str, int]]) -> None:
    written = b"".join(f"{kind} {at}.5000000000 ".encode() + path + b"\0" for path, (kind, at) in files.items())
    assert read_arrived(written) == {path: LateFile(path, kind, at) for path, (kind, at) in files.items()}


def test_a_list_that_was_cut_off_ends_before_the_entry_that_is_not_whole() -> None:
    assert list(read_arrived(b"f 1.0 whole\0f 2.0 hal")) == [b"whole"]


def test_the_script_gets_kind_time_and_name() -> None:
    assert LateFile(b"a b\n", "l", 12).entry == b"l 12 a b\n"


def test_a_file_of_the_very_moment_counts_as_arrived() -> None:
    assert since_mark(1000.5) == "@1000.400"


def test_only_what_arrived_and_differs_is_brought() -> None:
    arrived = {path: LateFile(path, "f", 1) for path in (b"new", b"same", b"mode", b"changed")}
    differing = [
        change(b"new"),
        change(b"changed", ChangeKind.CHANGED),
        change(b"mode", ChangeKind.ATTRIBUTES),
        change(b"long there"),
        change(b"same", ChangeKind.DELETED),
    ]
    assert [one.path for one in to_bring(arrived, differing)] == [b"new", b"changed"]


def test_what_was_wanted_and_did_not_come_counts_as_left() -> None:
    wanted = [LateFile(b"%d" % number, "f", 1) for number in range(8)]
    brought = [change(b"%d" % number) for number in range(7)] + [change(b"folder/", ChangeKind.CREATED)]
    assert caught(wanted, brought) == LateFiles(7, ("0", "1", "2", "3", "4"), 1)
    assert len(caught(wanted, brought).first) == SHOWN_PATHS
    for kind in (ChangeKind.ATTRIBUTES, ChangeKind.DELETED):
        assert caught(wanted, [*brought, change(b"7", kind)]) == caught(wanted, brought)


def test_files_that_vanish_while_one_looks_are_no_trouble() -> None:
    assert only_vanished(b"")
    assert only_vanished(b"find: './a': No such file or directory\n")
    assert not only_vanished(b"find: './a': No such file or directory\nfind: './b': Permission denied\n")

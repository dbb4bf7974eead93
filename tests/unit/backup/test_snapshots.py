"""What a backup is marked with, which one is meant, what is suspicious, and what restic's words mean."""

from __future__ import annotations

import fnmatch
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.backup import restic_output
from core.backup.snapshots import (
    Extent,
    SavedSnapshot,
    Snapshot,
    dump_name,
    fleet_tag,
    is_upkeep_due,
    moment,
    overdue,
    shrank,
    site_of,
    site_tag,
    why_not_back_up,
)
from core.errors import UsageError
from core.fleet import Database

AT = datetime(2026, 11, 22, 3, 0, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
ROW: dict[str, Any] = {
    "time": "2026-11-22T03:00:00Z",
    "id": "01234567" * 8,
    "hostname": "uk",
    "tags": ["site:a"],
    "paths": ["/srv/a"],
}
KEYS = st.sampled_from(sorted(ROW)) | st.text()


@given(st.text(min_size=1))
def test_a_tag_holds_any_name_and_no_comma(name: str) -> None:
    assert "," not in site_tag(name)
    assert site_of(["other", site_tag(name)]) == name


def test_the_file_of_a_dump_has_a_name_of_its_own_whatever_the_database_is_called() -> None:
    assert dump_name(Database("mariadb", "shop")) == "mariadb-shop.sql"
    assert dump_name(Database("postgresql", "a/b \n")) == "postgresql-a%2Fb%20%0A.sql"


def test_a_snapshot_without_a_tag_of_ours_is_of_no_site() -> None:
    assert site_of([fleet_tag("shop"), "by-hand"]) is None


def test_a_snapshot_with_the_tags_of_two_sites_is_of_none() -> None:
    assert site_of([site_tag("shop"), site_tag("attic")]) is None


@pytest.mark.parametrize(
    ("text", "last_instant"),
    [
        ("2026-11-22", "2026-11-22T22:59:59.999999+00:00"),
        ("2026-11-22 03:00", "2026-11-22T02:00:59.999999+00:00"),
        ("2026-11-22 3:00", "2026-11-22T02:00:59.999999+00:00"),
        ("2026-11-22T03:00:05", "2026-11-22T02:00:05.999999+00:00"),
        ("2026-11-22 3:00:05", "2026-11-22T02:00:05.999999+00:00"),
        ("2026-11-22T03:00:00+05:00", "2026-11-21T22:00:00+00:00"),
        ("2026-11-22T03:00:00Z", "2026-11-22T03:00:00+00:00"),
        # The hour that comes twice when summer time ends: the later one.
        ("2026-10-25 02:30", "2026-10-25T01:30:59.999999+00:00"),
    ],
)
def test_a_moment_is_read_to_its_last_instant_in_the_fleets_time_zone(text: str, last_instant: str) -> None:
    assert moment(text, "Europe/Oslo").isoformat() == last_instant


@pytest.mark.parametrize("text", ["yesterday", "2026-13-01", "2026-11-22 25:00", "", "2026W01", "9999-12-31"])
def test_what_is_no_moment_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        moment(text, "America/Lima")


def test_a_source_without_files_is_not_backed_up() -> None:
    trouble = why_not_back_up(Extent(0, 0), "uk")
    assert trouble is not None
    assert (trouble.code, trouble.message) == ("source-empty", "uk holds no files of it")
    assert why_not_back_up(Extent(1, 0), "uk") is None


@pytest.mark.parametrize(
    ("before", "now", "words"),
    [
        (None, Extent(1, 1), ""),
        (Extent(10, 1000), Extent(5, 500), ""),
        (Extent(1200, 1000), Extent(4, 1000), "4 files, 1,200 before"),
        (Extent(10, 5_000_000), Extent(10, 1_000_000), "1.0 MB, 5.0 MB before"),
        (Extent(0, 0), Extent(1, 1), ""),
    ],
)
def test_less_than_half_of_the_files_or_of_the_bytes_is_said(before: Extent | None, now: Extent, words: str) -> None:
    assert shrank(before, now) == words


def test_the_repository_is_pruned_once_a_day() -> None:
    assert is_upkeep_due(None, AT)
    assert not is_upkeep_due(AT, AT + 6 * HOUR)
    assert is_upkeep_due(AT, AT + 23 * HOUR)


def test_a_site_is_overdue_when_its_backup_is_too_old_or_was_never_made() -> None:
    last = {"old": AT - 27 * HOUR, "fresh": AT - 25 * HOUR}
    assert overdue(last, ["never", "old", "fresh"], AT, 26 * HOUR) == ("never", "old")


HIDING = b"[sender] hiding %s %s because of pattern %s\n"


def test_what_rsync_hides_is_left_out_by_its_exact_name() -> None:
    out = (
        HIDING % (b"directory", b"cache", b"cache/")
        + HIDING % (b"file", b"a/b*c [1] \\#134#101.tmp", b"*.tmp")
        + HIDING % (b"file", b"two\\#012lines because of pattern x", b"*x")
        + HIDING % (b"file", b"price $HOME ", b"price*")
        + b"\nNumber of files: 9 (reg: 6, dir: 2, link: 1)\nTotal transferred file size: 5123 bytes\n"
    )
    assert restic_output.excluded(out, "/srv/[uk]/www") == (
        b"/srv/[[]uk]/www/cache",
        b"/srv/[[]uk]/www/a/b[*]c [[]1] \\\\#101.tmp",
        b"/srv/[[]uk]/www/two?lines because of pattern x",
        b"/srv/[[]uk]/www/price [$]HOME[ ]",
    )
    assert restic_output.extent(out) == Extent(7, 5123)


@pytest.mark.parametrize(
    ("there", "words"),
    [
        ((), None),
        (("c",), None),
        (("a", "c"), "1 backup that restic was to let go of is still there"),
        (("a", "b"), "2 backups that restic was to let go of are still there"),
    ],
)
def test_what_restic_let_go_of_and_is_still_there_is_said(there: tuple[str, ...], words: str | None) -> None:
    found = [Snapshot(one, "shop", "uk", AT, ("/srv/shop",)) for one in there]
    why = restic_output.why_still_there(["a", "b"], found)
    assert (why.message if why is not None else None) == words


def test_the_root_of_all_is_no_special_case() -> None:
    assert restic_output.excluded(HIDING % (b"file", b"x", b"x"), "/") == (b"/x",)


@given(st.text(st.characters(blacklist_characters="\0/\n\r", blacklist_categories=["Cs"]), min_size=1))
def test_a_pattern_matches_the_name_that_it_was_made_of(name: str) -> None:
    # Python's own patterns know no escapes but brackets.
    pattern = restic_output.escaped(name.encode()).decode().replace("\\\\", "[\\]")
    assert fnmatch.fnmatchcase(name, pattern)
    assert pattern == pattern.strip(" \t\v\f") or name != name.rstrip(" \t\v\f") or name[0] in " \t\v\f"


def test_an_empty_name_needs_no_pattern() -> None:
    assert restic_output.escaped(b"") == b""


SEEN = "172b63f7" * 8
SUMMARY = {
    "message_type": "summary",
    "snapshot_id": "172b63f7",
    "total_files_processed": 3,
    "total_bytes_processed": 500,
    "data_added": 20,
}


def lines(*values: Any) -> bytes:  # noqa: ANN401  JSON
    return b"Warning: something\n{broken\n" + b"\n".join(json.dumps(value).encode() for value in values) + b"\n"


def test_the_summary_is_found_among_other_words() -> None:
    error = {"message_type": "error", "error": {"message": "permission denied"}, "item": "/d"}
    for id_ in (SEEN, SEEN[:8]):
        said = lines({"message_type": "status"}, error, {**SUMMARY, "snapshot_id": id_})
        assert restic_output.saved_of(said, [SEEN]) == SavedSnapshot(SEEN, 3, 500, 20, ("/d",))
    assert restic_output.saved_of(lines([1]), [SEEN]) is None


@pytest.mark.parametrize("seen", [[], ["01234567" * 8], [SEEN, "01234567" * 8], [SEEN, SEEN]])
def test_what_was_saved_is_what_was_seen_to_be_stored_and_nothing_else(seen: list[str]) -> None:
    assert restic_output.saved_of(lines(SUMMARY), seen) is None


@pytest.mark.parametrize(
    "change",
    [
        {"snapshot_id": "172b63f7aa"},
        {"snapshot_id": "--help00"},
        {"snapshot_id": None},
        {"total_files_processed": "3"},
        {"total_bytes_processed": None},
        {"data_added": -1},
        {"data_added": True},
    ],
)
def test_a_summary_that_says_nothing_of_the_kind_is_none(change: dict[str, Any]) -> None:
    assert restic_output.saved_of(lines({**SUMMARY, **change}), [SEEN]) is None


def test_the_size_of_the_repository_is_a_number_or_unknown() -> None:
    assert restic_output.total_size(lines([1], {"total_size": "much"}, {"total_size": 5})) == 5
    assert restic_output.total_size(lines(None, {"size": 5}, {"total_size": None})) is None


def test_a_comparison_is_rows_of_two_hashes_and_a_time_or_nothing() -> None:
    assert restic_output.compared(b"") == ()
    assert restic_output.compared(b"%s - 12\n- - 0\n" % (b"a" * 64)) == (("a" * 64, "-", 12), ("-", "-", 0))
    for bad in (b"- -\n", b"- - x\n", b"- a 1\n", b"- - " + b"9" * 19, b"- - 1 2\n"):
        assert restic_output.compared(b"- - 1\n" + bad) is None
        assert restic_output.compared(bad + b"\n- - 1\n") is None


def test_what_is_nested_without_end_costs_nothing_but_itself() -> None:
    deep = b"[" * 200_000 + b"\n"
    assert [one.id for one in restic_output.snapshots(deep + lines([ROW]), "uk")] == ["01234567"]


def test_files_that_could_not_be_read_are_named_but_not_those_that_vanished() -> None:
    err = lines(
        {"message_type": "error", "error": {"Op": "open", "Path": "/a", "Err": 13}, "item": "/a"},
        {"message_type": "error", "error": {"Op": "lstat", "Path": "/b", "Err": 2}, "item": "/b"},
        {"message_type": "error", "error": {"message": "open /c: no such file or directory"}, "item": "/c"},
        {"message_type": "error", "error": {"message": "permission denied"}, "item": "/d"},
        {"message_type": "error", "error": "open /e: no such file or directory"},
        {"message_type": "error", "error": "broken"},
    )
    assert restic_output.unreadable(err) == ("/a", "/d", "broken")


def test_snapshots_are_read_newest_first_and_those_of_others_left_out() -> None:
    rows = [
        {**ROW, "time": "2026-11-22T03:00:00.123456789+01:00", "tags": ["site:a%2Cb"]},
        {**ROW, "id": "fedcba98" * 8, "tags": ["site:c"], "paths": None},
        {**ROW, "tags": None},
    ]
    first, second = restic_output.snapshots(lines(rows), "uk")
    assert (first.id, first.site, first.server, first.paths) == ("fedcba98", "c", "uk", ())
    assert (second.id, second.full_id, second.repository) == ("01234567", "01234567" * 8, "uk")
    assert (second.site, second.server, second.paths, second.tags) == ("a,b", "uk", ("/srv/a",), ("site:a%2Cb",))
    assert restic_output.snapshots(b"nothing", "uk") == ()


@pytest.mark.parametrize(
    "change",
    [
        {"id": "0123"},
        {"id": "--no-lock"},
        {"id": "0123456G" * 8},
        {"id": None},
        {"hostname": None},
        {"hostname": ["uk"]},
        {"time": "yesterday"},
        {"time": "2026-11-22T03:00:00"},
        {"time": "0001-01-01T00:00:00+14:00"},
        {"time": "9999-12-31T23:00:00-14:00"},
        {"time": None},
        {"paths": "/srv/a"},
        {"paths": ["/srv/a", 5]},
        {"tags": [["site:a"]]},
        {"tags": {"site:a": 1}},
    ],
)
def test_what_no_backup_can_look_like_is_left_out_and_costs_the_others_nothing(change: dict[str, Any]) -> None:
    whole = {**ROW, "id": "fedcba98" * 8}
    for rows in ([{**ROW, **change}, whole], [whole, {**ROW, **change}], [whole, "a text", None]):
        assert [one.id for one in restic_output.snapshots(lines(rows), "uk")] == ["fedcba98"]


PLAIN = st.none() | st.integers() | st.text()


@given(st.recursive(PLAIN, lambda inner: st.lists(inner) | st.dictionaries(KEYS, inner)))
def test_whatever_stands_in_a_listing_it_is_read_or_left_out(value: Any) -> None:  # noqa: ANN401 - of any kind
    assert isinstance(restic_output.snapshots(lines([value, ROW]), "uk"), tuple)


def test_the_chosen_files_are_each_named_once_and_those_that_cannot_be_named_not() -> None:
    err = lines(
        {"type": "file", "path": "/a", "size": 5},
        {"type": "file", "path": "/a", "size": 5},
        {"type": "file", "size": 5},
        {"type": "file", "path": ["/a"], "size": 5},
        {"type": "file", "path": "/large", "size": "1e999"},
        {"type": "file", "path": "/�", "size": 1},
        {"type": "dir", "path": "/d"},
        {"type": "file", "path": "/empty"},
    )
    assert restic_output.chosen(err + b"sharpnet-total 12 3456\n") == ((("/a", 5), ("/empty", 0)), Extent(12, 3456))
    assert restic_output.chosen(b"") == ((), Extent(0, 0))


@pytest.mark.parametrize(
    ("exit_code", "err", "code"),
    [
        (1, "Fatal: wrong password or no key found", "wrong-password"),
        (12, "", "wrong-password"),
        (10, "", "no-repository"),
        (1, "Fatal: unable to open config file: Lstat: file does not exist\nIs there a repository", "no-repository"),
        (11, "", "locked"),
        (1, "unable to create lock in backend: repository is already locked by PID 7", "locked"),
        (1, 'Save: sftp: "Failure" (SSH_FX_FAILURE)', "offsite-disk"),
        (1, 'sftp: "Permission denied" (SSH_FX_PERMISSION_DENIED)', "offsite-permission"),
        (1, "Fatal: unable to open repository: unable to start the sftp session, error: EOF", "offsite-lost"),
        (1, "write /x: no space left on device", "disk-full"),
        (90, "sharpnet-stop: no-restic", "no-restic"),
        (90, "sharpnet-stop: source-missing", "source-missing"),
        (90, "sharpnet-stop: unheard-of", "restic"),
        (1, "something else", "restic"),
    ],
)
def test_trouble_is_called_what_it_is(exit_code: int, err: str, code: str) -> None:
    trouble = restic_output.failure_of(exit_code, err.encode(), "uk")
    assert trouble is not None
    assert trouble.code == code
    assert "{" not in trouble.message + trouble.hint


def test_trouble_names_the_server_and_the_detail() -> None:
    trouble = restic_output.failure_of(90, b"sharpnet-stop: mount-inside /srv/shop/media\n", "uk")
    assert trouble is not None
    assert trouble.message == "something is mounted inside the root on uk (/srv/shop/media)"
    trouble = restic_output.failure_of(7, b'{"a": 1}\none\ntwo\nthree\nfour\n', "uk")
    assert trouble is not None
    assert (trouble.message, trouble.hint) == ("restic ended with status 7 on uk", "two / three / four")
    assert restic_output.failure_of(0, b"whatever", "uk") is None

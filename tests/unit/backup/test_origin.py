"""What a repository says of its snapshots is believed only as far as the record or app.yaml say it too."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.backup.origin import (
    Backup,
    ExpectedPaths,
    Origin,
    RecordedBackup,
    SavedPaths,
    backup_of,
    is_work_folder,
    newest_of,
)
from core.backup.snapshots import RecordEnd, Snapshot, record_end_of

AT = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
FULL_ID = "01234567" + "ab" * 28
ROOT, DUMPS = "/srv/uk/shop", "/srv/uk/.sharpnet/shop/backup"
TAGS = ("fleet:ours", "site:shop")
SNAPSHOT = Snapshot(FULL_ID, "shop", "uk", AT + HOUR, (ROOT, DUMPS), TAGS)
RECORDED = RecordedBackup(FULL_ID, "shop", "uk", AT, SavedPaths(ROOT, DUMPS))
OF_BEFORE = RecordedBackup("01234567", "shop", "uk", AT)
TAIL = "/.sharpnet/shop/backup"
NEIGHBOURS = (ROOT, "/srv/uk/attic", "/srv/uk/cellar/current")
EXPECTED = {
    "uk": ExpectedPaths(ROOT, NEIGHBOURS, ".sharpnet", TAIL),
    "us": ExpectedPaths("/srv/us/shop", ("/srv/us/shop",), ".sharpnet", TAIL),
}


def judged(snapshot: Snapshot, *recorded: RecordedBackup, expected: Any = EXPECTED) -> Backup:  # noqa: ANN401
    return backup_of(snapshot, "ours", recorded, expected)


def test_what_is_on_record_is_restored_with_the_paths_and_the_time_of_the_record() -> None:
    assert judged(SNAPSHOT, RECORDED) == Backup(SNAPSHOT, Origin.RECORDED, AT, SavedPaths(ROOT, DUMPS))


def test_what_was_saved_before_app_yaml_was_changed_is_restored_all_the_same() -> None:
    expected = {"uk": ExpectedPaths("/new/root", ("/new/root",), ".sharpnet", TAIL)}
    assert judged(SNAPSHOT, RECORDED, expected=expected).paths == SavedPaths(ROOT, DUMPS)
    assert judged(SNAPSHOT, RECORDED, expected={}).origin is Origin.RECORDED


def test_a_record_from_before_paths_were_kept_is_taken_with_those_of_app_yaml() -> None:
    assert judged(SNAPSHOT, OF_BEFORE) == Backup(SNAPSHOT, Origin.RECORDED, AT, SavedPaths(ROOT, DUMPS))
    assert judged(SNAPSHOT, OF_BEFORE, expected={}).origin is Origin.FOREIGN


def test_without_a_record_only_what_equals_app_yaml_may_be_restored_and_it_is_marked() -> None:
    assert judged(SNAPSHOT) == Backup(SNAPSHOT, Origin.UNCONFIRMED, AT + HOUR, SavedPaths(ROOT, DUMPS))


def test_a_backup_of_a_time_when_the_site_had_no_databases_has_none_to_load() -> None:
    bare = replace(SNAPSHOT, paths=(ROOT,))
    assert judged(bare).paths == SavedPaths(ROOT)
    assert judged(bare, replace(RECORDED, paths=SavedPaths(ROOT))).paths == SavedPaths(ROOT)


@pytest.mark.parametrize("root", ["/srv/uk/shop.releases/42", "/srv/uk/releases/shop"])
@pytest.mark.parametrize("dumps", ["/srv/.sharpnet/shop/backup", "/data/uk/.sharpnet/shop/backup"])
def test_without_a_record_a_root_that_was_a_link_is_known_and_dumps_wherever_they_were_safe(
    root: str, dumps: str
) -> None:
    found = judged(replace(SNAPSHOT, paths=(dumps, root)))
    assert (found.origin, found.paths) == (Origin.UNCONFIRMED, SavedPaths(root, dumps))


def test_a_site_at_the_top_of_the_disk_may_have_been_a_link_too() -> None:
    expected = {"uk": ExpectedPaths("/shop", ("/shop",), ".sharpnet", TAIL)}
    assert judged(replace(SNAPSHOT, paths=("/42",)), expected=expected).paths == SavedPaths("/42")


@pytest.mark.parametrize(
    ("path", "is_one"),
    [
        ("/srv/uk/.sharpnet/shop-1", True),
        ("/srv/.sharpnet/shop-1", True),
        ("/data/.sharpnet/shop-1", True),
        ("/.sharpnet/shop-1", True),
        ("/srv/uk/.sharpnet/attic-1", False),
        ("/srv/uk/shop-1", False),
        ("/srv/../etc/.sharpnet/shop-1", False),
        (".sharpnet/shop-1", False),
        ("", False),
    ],
)
def test_what_a_server_says_is_its_work_folder_is_one_of_that_site(path: str, is_one: bool) -> None:
    assert is_work_folder(path, "/srv/uk/.sharpnet/shop-1") is is_one


def test_where_the_record_ended_may_stand_beside_once() -> None:
    end = RecordEnd("0f-A_1", 12, "ab" * 32)
    assert record_end_of(end.tag) == end
    assert judged(replace(SNAPSHOT, tags=(*TAGS, end.tag)), RECORDED).origin is Origin.RECORDED
    twice = (*TAGS, end.tag, replace(end, number=13).tag)
    assert judged(replace(SNAPSHOT, tags=twice), RECORDED).origin is Origin.FOREIGN


@pytest.mark.parametrize("tag", ["record:a:1:ff", f"record:a:x:{'0' * 64}", f"record:a b:1:{'0' * 64}", "site:shop"])
def test_what_is_no_note_of_the_record_is_none(tag: str) -> None:
    assert record_end_of(tag) is None
    assert judged(replace(SNAPSHOT, tags=(*TAGS, tag)), RECORDED).origin is Origin.FOREIGN


CLAIMS: list[dict[str, Any]] = [
    {"paths": ("/../../../../attic",)},
    {"paths": (ROOT, "/../../../../attic/.sharpnet/shop/backup")},
    {"paths": (ROOT, DUMPS, "/etc")},
    {"paths": (ROOT, ROOT)},
    {"paths": (DUMPS,)},
    {"paths": ("/srv/uk/attic",)},
    {"paths": ("/srv/uk/cellar/releases/42",)},
    {"paths": ("/srv/uk/.sharpnet/attic/replaced/x",)},
    {"paths": ("/srv/shop.releases/42",)},
    {"paths": ("/srv/uk/",)},
    {"paths": (ROOT, "/srv/uk/.sharpnet/attic/backup")},
    {"paths": (ROOT, "/srv/uk/.sharpnet/shop/backup/../../attic")},
    {"paths": (ROOT, "/srv/x/../.sharpnet/shop/backup")},
    {"paths": (f"{ROOT}/",)},
    {"paths": ()},
    {"tags": ("site:shop",)},
    {"tags": ("fleet:other", "site:shop")},
    {"tags": (*TAGS, "kept")},
    {"tags": (*TAGS, "fleet:other")},
]


@pytest.mark.parametrize("claim", CLAIMS)
def test_whatever_is_not_as_it_was_made_is_foreign_on_record_or_not(claim: dict[str, Any]) -> None:
    snapshot = replace(SNAPSHOT, **claim)
    for recorded in ((), (RECORDED,), (OF_BEFORE,)):
        assert judged(snapshot, *recorded) == Backup(snapshot, Origin.FOREIGN, AT + HOUR, SavedPaths(""))


def test_dumps_that_were_not_saved_are_no_part_of_a_backup() -> None:
    assert judged(SNAPSHOT, replace(RECORDED, paths=SavedPaths(ROOT))).origin is Origin.FOREIGN


@pytest.mark.parametrize(
    "other",
    [
        replace(RECORDED, site="attic"),
        replace(RECORDED, server="us"),
        replace(RECORDED, snapshot="01234567" + "cd" * 28),
        replace(OF_BEFORE, snapshot="76543210"),
        replace(OF_BEFORE, site="attic"),
        replace(RECORDED, repository="uk"),
    ],
)
def test_a_record_of_another_backup_confirms_nothing_and_hides_nothing(other: RecordedBackup) -> None:
    assert judged(SNAPSHOT, other).origin is Origin.UNCONFIRMED
    assert judged(SNAPSHOT, other, RECORDED).origin is Origin.RECORDED
    assert judged(SNAPSHOT, RECORDED, other).origin is Origin.RECORDED


def test_what_lies_in_a_servers_own_repository_is_that_servers_or_foreign() -> None:
    own, in_own = replace(SNAPSHOT, repository="uk"), replace(RECORDED, repository="uk")
    assert judged(own, in_own).origin is Origin.RECORDED
    assert judged(own, RECORDED).origin is Origin.UNCONFIRMED
    for recorded in ((), (RECORDED,), (in_own,), (replace(OF_BEFORE, repository="us"),)):
        assert judged(replace(SNAPSHOT, repository="us"), *recorded).origin is Origin.FOREIGN


def test_the_paths_of_one_server_are_not_those_of_another() -> None:
    assert judged(replace(SNAPSHOT, server="us")).origin is Origin.FOREIGN
    assert judged(replace(SNAPSHOT, server="elsewhere")).origin is Origin.FOREIGN


@given(st.lists(st.text() | st.sampled_from([ROOT, DUMPS, "/", "..", ""]), max_size=4), st.booleans())
def test_no_path_of_a_snapshot_is_ever_restored_that_is_not_ours(paths: list[str], on_record: bool) -> None:
    backup = judged(replace(SNAPSHOT, paths=tuple(paths)), *((RECORDED,) if on_record else ()))
    assert {backup.paths.root, backup.paths.dumps} <= {ROOT, DUMPS, ""}


def made(name: str, saved_at: datetime, origin: Origin = Origin.RECORDED, site: str = "shop") -> Backup:
    return Backup(replace(SNAPSHOT, full_id=name * 64, site=site), origin, saved_at, SavedPaths(ROOT))


def newest(backups: list[Backup], at: datetime | None = None) -> str:
    found = newest_of(backups, "shop", at)
    return found.snapshot.full_id[0] if found is not None else ""


def test_the_newest_of_a_site_not_after_a_moment_is_found() -> None:
    backups = [made("a", AT), made("b", AT + HOUR), made("c", AT + 2 * HOUR, site="other")]
    for order in (backups, backups[::-1]):
        assert newest(order) == "b"
        assert newest(order, AT) == "a"
        assert newest(order, AT - HOUR) == ""


def test_a_snapshot_that_claims_to_be_newer_never_takes_the_place_of_one_on_record() -> None:
    backups = [
        made("f", AT + 9 * HOUR, Origin.FOREIGN),
        made("u", AT + 8 * HOUR, Origin.UNCONFIRMED),
        made("r", AT),
        made("v", AT - HOUR, Origin.UNCONFIRMED),
    ]
    for order in (backups, backups[::-1]):
        assert newest(order) == "r"
        assert newest(order, AT - HOUR) == "v"
    assert newest(backups[:1]) == ""

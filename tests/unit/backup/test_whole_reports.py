"""What people are told of backups, whole: runs, lists, cards, samples that were restored, and restic's words."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from unit.wholes import compare

from core.backup.cards import bad_card, many_bad_card, overdue_card, site_key, upkeep_card
from core.backup.origin import Backup, Origin, SavedPaths
from core.backup.report import BackupHistory, ListedBackup, list_reply, progress_reply, run_reply, status_reply
from core.backup.restic_output import PARTLY, chosen, failure_of, snapshots, unreadable
from core.backup.result import BackupProgress, BackupResult
from core.backup.sample import RestoreTestResult, SampleOutcome, proof_reply
from core.backup.snapshots import Extent, Snapshot, shrank, why_not_back_up
from core.failure import Failure

if TYPE_CHECKING:
    from collections.abc import Mapping

HERE = Path(__file__).parent
NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
EMPTY = Failure("source-empty", "uk holds no files of it", "Is its disk mounted?")
HELD = Failure("held", "a backup run is under way", "Try again.", refused=True)
SILENT = Failure("locked", "somebody else works there")
SNAPSHOT = Snapshot("01234567", "shop", "uk", NOW - HOUR, ("/srv/shop",))
BACKUP = Backup(SNAPSHOT, Origin.RECORDED, NOW - HOUR, SavedPaths("/srv/shop"))
GOOD = BackupResult("shop", "uk", "good", 4.2468, 1204, 38_000_000, 1_100_000, 0, "01234567")
SHRUNK = replace(GOOD, site="my shed", shrank="4 files, 90 before", databases=2)
BAD = replace(GOOD, site="blog", server="us", outcome="failed", trouble=EMPTY)
REFUSED = replace(GOOD, site="wiki", outcome="refused", trouble=HELD)
NOTED = replace(GOOD, site="attic", note="by hand", databases=1)


def test_what_is_told_of_backups_is_what_people_were_promised() -> None:
    running = [BackupProgress("a", "uk", "done"), BackupProgress("b", "uk", "counting"),
               BackupProgress("c", "uk", "waiting")]  # fmt: skip
    known = [
        BackupHistory("fresh", NOW - HOUR, "uk", 1200, 5_000_000, proven_at=NOW - 2 * HOUR),
        BackupHistory("late", NOW - 30 * HOUR, "uk", 1, 5, trouble="the disk is full"),
        BackupHistory("never"),
        BackupHistory("bad", NOW - HOUR, "us", 1, 5, proven_at=NOW - HOUR, proven=False),
        BackupHistory("late, no trouble", NOW - 27 * HOUR, "us", 1, 5),
        BackupHistory("at its age", NOW - 26 * HOUR, "us", 1, 5, trouble="the link broke"),
    ]
    listed = [
        ListedBackup(BACKUP, 1200, 3_400_000),
        ListedBackup(replace(BACKUP, snapshot=replace(SNAPSHOT, site="blog"), origin=Origin.UNCONFIRMED)),
        ListedBackup(BACKUP, 1, 5, partly=True),
        ListedBackup(replace(BACKUP, origin=Origin.FOREIGN)),
    ]
    late = {"a": NOW - 30 * HOUR, "b": NOW - 50 * HOUR}
    compare(
        HERE / "whole_backups.txt",
        {
            "good": run_reply([GOOD], None),
            "shrunk": run_reply([SHRUNK], None),
            "failed": run_reply([BAD], None),
            "refused": run_reply([REFUSED], EMPTY),
            "good, and nothing let go": run_reply([GOOD], SILENT),
            "many": run_reply([GOOD, SHRUNK, BAD, REFUSED, NOTED], EMPTY),
            "many, all good": run_reply([GOOD, NOTED], None),
            "very many": replace(run_reply([replace(GOOD, site=f"s{n}") for n in range(23)], None), facts=None),
            "none": run_reply([], None),
            "under way": progress_reply(running),
            "a list": list_reply(listed, ["garden", "loft"], "Europe/London", NOW),
            "a list, all there": list_reply(listed[:1], [], "UTC", NOW),
            "a long list": replace(list_reply([ListedBackup(BACKUP)] * 23, [], "UTC", NOW), facts=None),
            "an empty list": list_reply([], [], "UTC", NOW),
            "how old": status_reply(known, 26 * HOUR, 1_000_000_000, "", NOW),
            "how old, under way": status_reply(known, 26 * HOUR, None, "a backup run", NOW),
            "how old, all well": status_reply(known[:1], 26 * HOUR, 5, "", NOW),
            "how old, very many": replace(status_reply(known[:1] * 23, 26 * HOUR, 5, "", NOW), facts=None),
            "a card": bad_card(BAD, NOW - 3 * HOUR, NOW),
            "a card, refused": bad_card(replace(REFUSED, site="my wiki", trouble=replace(HELD, hint="")), None, NOW),
            "a card, shrunk": bad_card(SHRUNK, NOW, NOW),
            "a card of many": many_bad_card([REFUSED, SHRUNK, BAD, replace(BAD, site="x")]),
            "a card of two alike": many_bad_card([BAD, replace(BAD, site="x")]),
            "a card of upkeep": upkeep_card("locked", "Wait."),
            "a card of upkeep without a hint": upkeep_card("locked", ""),
            "overdue": overdue_card(["a", "b", "c"], late, 26 * HOUR, NOW),
            "overdue, never": overdue_card(["c", "d"], late, 26 * HOUR, NOW),
            "overdue, one": overdue_card(["a"], late, 26 * HOUR, NOW),
            "overdue, very many": overdue_card([f"s{n}" for n in range(23)], {}, HOUR, NOW),
            "keys": [site_key("a b"), site_key("c")],
        },
    )


def test_what_is_told_of_samples_that_were_restored_is_what_people_were_promised() -> None:
    same = {"/a": SampleOutcome.SAME, "/b": SampleOutcome.LEFT_OUT, "/c": SampleOutcome.SAME}
    good = RestoreTestResult("shop", "uk", SNAPSHOT, same, 2, whole=Extent(1000, 5_000_000), full_s=240.06)
    differs = replace(
        good,
        site="blog",
        files={
            **same, "/d\n": SampleOutcome.DIFFERENT, "/e": SampleOutcome.NOT_RESTORED,
            "/f": SampleOutcome.DIFFERENT, "/g": SampleOutcome.DIFFERENT,
        },
        broken=("x.sql",),
    )  # fmt: skip
    wrong = replace(good, site="loft", files={"/d": SampleOutcome.DIFFERENT})
    broken = replace(good, site="wiki", broken=("x.sql",), dumps=1, files={})
    failed = RestoreTestResult("attic", "uk", trouble=Failure("no-backup", "there is no backup of it", "Make one."))
    pack = Failure("restic", "restic ended with status 1 on uk", "pack is missing")
    compare(
        HERE / "whole_samples.txt",
        {
            "good": proof_reply([good], None, "UTC", NOW),
            "differs": proof_reply([good, failed, differs, broken, wrong], None, "Europe/London", NOW),
            "not looked at": proof_reply([failed], None, "UTC", NOW),
            "the repository": proof_reply([good], pack, "UTC", NOW),
            "all is wrong": proof_reply([failed, differs], replace(pack, hint=""), "UTC", NOW),
            "bare": proof_reply([RestoreTestResult("shop", "uk")], None, "UTC", NOW),
            "very many": replace(proof_reply([good] * 23, None, "UTC", NOW), facts=None),
            "facts": dict(differs.facts),
        },
    )


SAID = (
    "wrong password or no key found", "unable to open config file: x does not exist",
    "unable to open config file:\nnot exist",
    "repository is already locked", "unable to create lock", "No Space Left", "quota exceeded", "SSH_FX_FAILURE",
    "SSH_FX_PERMISSION_DENIED", "connection lost", "unable to start the sftp session", "unexpected EOF",
    "server unexpectedly closed", "Fatal: unable to create repository", "config file already exists",
    '{"x": 1}\n[2]\none\ntwo\nthree\nfour', 'one\n{"x": 1}\n\n[2]\n', "x" * 400, "",
)  # fmt: skip
STOPS = (
    "offsite-lost", "no-restic", "no-rsync", "no-flock", "source-missing", "source-symlink", "source-closed", "busy",
    "overtaken", "not-restored", "no-parent", "parent-closed", "root-not-folder", "root-symlink", "root-mount-point",
    "mount-inside", "root-closed", "moon",
)  # fmt: skip


def test_each_way_in_which_restic_ends_is_told_in_the_words_that_people_were_promised() -> None:
    exits = [failure_of(code, b"it said so", "uk") for code in (0, 1, 3, 10, 11, 12)]
    stops = [failure_of(90, f"sharpnet-stop: {code} /srv/x\n".encode(), "uk") for code in STOPS]
    less = Extent(4, 1_000_000)
    extents = ((None, less), (Extent(8, 2_000_000), less), (Extent(9, 2), less), (Extent(8, 2_000_001), less))
    compare(
        HERE / "whole_failures.txt",
        {
            "by its exit": [_told(one) for one in exits],
            "by what it said": [_told(failure_of(1, said.encode(), "uk")) for said in SAID],
            "by a stop": [_told(one) for one in stops],
            "nothing to back up": [_told(why_not_back_up(Extent(files, 1), "uk")) for files in (0, 1)],
            "shrank": [shrank(before, now) or "no" for before, now in extents],
        },
    )


def lines(*values: object) -> bytes:
    return "\n".join(one if isinstance(one, str) else json.dumps(one) for one in values).encode()


def test_a_backup_of_which_a_part_could_not_be_read_ends_as_restic_says() -> None:
    """restic(1), EXIT STATUS: 3 is a snapshot that was made of what could be read."""
    assert PARTLY == 3


def test_snapshots_are_those_of_sites_newest_first_whatever_else_is_listed() -> None:
    def row(id_: str, hour: int, *tags: str, **more: object) -> Mapping[str, object]:
        made = {"id": id_ * 32, "time": f"2026-11-22T0{hour}:00:00Z", "tags": tags, "hostname": "uk"}
        return {**made, **more}

    rows = [
        row("a1", 3, "fleet:x", "site:shop", paths=["/srv/shop", "/dumps"]),
        row("b2", 5, "by-hand"),
        row("c3", 4, "site:blog", paths=None),
        row("d4", 4, "site:shop", hostname=None),
        row("e5", 4, "site:shop", id="e5e5e5e5"),
    ]
    at = datetime(2026, 11, 22, 3, tzinfo=UTC)
    assert snapshots(lines("opened", {"message_type": "status"}, rows, []), "uk") == (
        Snapshot("c3" * 32, "blog", "uk", at + HOUR, (), ("site:blog",), "uk"),
        Snapshot("a1" * 32, "shop", "uk", at, ("/srv/shop", "/dumps"), ("fleet:x", "site:shop"), "uk"),
    )
    assert snapshots(lines("opened", {"a": 1}), "uk") == ()


def test_what_a_snapshot_holds_is_its_files_once_each_and_its_total() -> None:
    file, folder = {"type": "file", "path": "/a", "size": 3}, {"type": "dir", "path": "/b", "size": 9}
    said = lines(file, folder, {"type": "file", "path": "/\ufffd"}, {"type": "file", "path": "/c"}, file)
    assert chosen(said + b"\nsharpnet-total 12 345\n") == ((("/a", 3), ("/c", 0)), Extent(12, 345))
    assert chosen(said) == chosen(b"[]\n" + said) == ((("/a", 3), ("/c", 0)), Extent(0, 0))
    assert chosen(said + b"\nsharpnet-total 12 345 6\n")[1] == Extent(0, 0)


def test_what_could_not_be_read_is_named_and_what_vanished_meanwhile_is_not() -> None:
    said = lines(
        {"message_type": "error", "error": {"message": "permission denied"}, "item": "/a"},
        {"message_type": "error", "error": {"message": "lstat /b: no such file or directory"}, "item": "/b"},
        {"message_type": "error", "error": {"Err": 2}, "item": "/c"},
        {"message_type": "error", "error": {"Err": 13}, "item": "/d"},
        {"message_type": "error", "error": "no such file", "item": "/e"},
        {"message_type": "error", "error": "odd"},
        {"message_type": "status", "error": "x", "item": "/f"},
        "{half",
    )
    assert unreadable(said) == ("/a", "/d", "odd")


def _told(trouble: Failure | None) -> str:
    if trouble is None:
        return "no trouble"
    return f"{trouble.code} ({trouble.outcome}): {trouble.message}. {trouble.hint}"

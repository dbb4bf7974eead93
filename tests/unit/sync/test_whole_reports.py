"""What people are told of copies, whole: syncs, how far they are, and what can be undone."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from unit.wholes import compare

from core.databases.copies import DatabaseCopy
from core.failure import Failure
from core.sync.report import progress_reply, report
from core.sync.result import SyncProgress, SyncResult
from core.sync.rsync_output import ChangeKind, PathChange
from core.sync.undo import ReplacedFile, ReplacedSize, UndoableRun, UndoResult, did_in_words
from core.sync.undo_report import done_reply, listing_reply, runs_reply, what_next

HERE = Path(__file__).parent
NOW = datetime(2026, 6, 14, 13, 2, 7, tzinfo=UTC)
NOTHING = SyncResult("shop", "uk", "us", "good", 0.4)
COPY = DatabaseCopy("mariadb", "shop", 1_200_000, 12, 4711, "shop_kept", ("Its event is asleep.",))
GOOD = replace(NOTHING, changed=True, files=12, copied_bytes=3_400_000, sent_bytes=99, deleted=2, took_s=4.2468)
MANY = Failure("too-many-deletes", "would delete 9 of 10 files", "Look with --dry-run.", refused=True)
REFUSED = replace(GOOD, site="my blog", outcome="refused", trouble=MANY)
LOST = Failure("link-lost", "the link broke", "Try again.")
FAILED = replace(NOTHING, site="wiki", outcome="failed", trouble=LOST)


def test_what_a_sync_answers_is_what_people_were_promised() -> None:
    changes = (
        PathChange(ChangeKind.CREATED, b"new/", 0),
        PathChange(ChangeKind.CREATED, b"new/a", 5),
        PathChange(ChangeKind.CHANGED, b"b", 6),
        PathChange(ChangeKind.ATTRIBUTES, b"c", 7),
        PathChange(ChangeKind.DELETED, b"old", 0),
    )
    dry = replace(GOOD, dry_run=True, changes=changes)
    noted = replace(GOOD, note="without ACLs", remarks=("Old ones stay.", "Two."), databases=(COPY, replace(COPY)))
    many = [replace(GOOD, site=f"s{n}", note="slowly" if n < 7 else "") for n in range(23)]
    running = [
        SyncProgress("shop", "us", "done", 600_000, 600_000),
        SyncProgress("my blog", "us", "copying", 1_200_000, 3_400_000),
        SyncProgress("my blog", "br", "comparing"),
    ]
    compare(
        HERE / "whole_syncs.txt",
        {
            "good": report([GOOD], (), dry_run=False),
            "nothing to change": report([NOTHING], ("attic",), dry_run=False),
            "with databases and remarks": report([noted], (), dry_run=False),
            "only databases": report([replace(noted, files=0, deleted=0)], (), dry_run=False),
            "refused": report([REFUSED], (), dry_run=False),
            "failed": report([FAILED], (), dry_run=False),
            "many": report([GOOD, REFUSED, FAILED, noted, NOTHING], ("attic", "loft"), dry_run=False),
            "very many": replace(report(many, (), dry_run=False), facts=None),
            "none": report([], ("attic",), dry_run=False),
            "a dry run": report([dry], (), dry_run=True),
            "a dry run with databases": report([replace(dry, databases=(COPY,))], (), dry_run=True),
            "a dry run, over a quarantined copy": report(
                [replace(dry, quarantined=True, newer=changes[2:3])], (), dry_run=True
            ),
            "a dry run, refused": report([replace(REFUSED, dry_run=True, quarantined=True)], (), dry_run=True),
            "a dry run, nothing to change": report([replace(NOTHING, dry_run=True)], (), dry_run=True),
            "a dry run of many": report([dry, replace(REFUSED, dry_run=True)], (), dry_run=True),
            "under way": progress_reply(running),
            "under way, nothing known yet": progress_reply([SyncProgress("shop", "us", "waiting")]),
            "under way, the last site": progress_reply(running[1:]),
            "under way, a dry run": progress_reply(running, dry_run=True),
            "under way, all done": progress_reply(running[:1]),
            "in words": [
                one.words
                for one in (
                    *running,
                    SyncProgress("a", "us", "copying", 9, 5),
                    SyncProgress("a", "us", "loading databases", 1_500_000),
                )
            ],
        },
    )


def test_what_can_be_undone_and_how_it_ended_is_what_people_were_promised() -> None:
    run = UndoableRun("20260614T030000Z-ab12cd34", "shop", "lima", "3 files copied, 2 deleted")
    kept = [(ReplacedSize(run.id, number, 1000 * number), run) for number in range(1, 23)]
    files = [ReplacedFile(letter, 5, b"%s" % letter.encode()) for letter in "flps"]
    full = Failure("disk-full", "the disk of lima is full", "Make room there.")
    bad = UndoResult(files=3, same=1, linked=(b"a/b",), failed=(b"c",), left=4)
    many = UndoResult(files=1, linked=tuple(b"%d" % n for n in range(25)), left=25)
    keep = timedelta(days=14)
    compare(
        HERE / "whole_undos.txt",
        {
            "runs": runs_reply("shop", kept[:2], (), "Europe/London", keep),
            "many runs": runs_reply("shop", kept, [("oslo", "it is silent")], "UTC", keep),
            "no run": runs_reply("shop", (), (), "UTC", keep),
            "what one keeps": listing_reply(run, files, 1200, 6000, (b"a b", b"-c"), "What follows."),
            "what one keeps, one file": listing_reply(run, files[:1], 1, 1, (b"\xe9",), "What follows."),
            "put back": done_reply(run, "OWN", UndoResult(files=3), "What follows."),
            "put back, all the same": done_reply(run, "OWN", UndoResult(files=3, same=3), "What follows."),
            "put back in part": done_reply(run, "OWN", bad, "What follows."),
            "put back, hardly": done_reply(run, "OWN", many, "What follows."),
            "not put back": done_reply(run, "OWN", UndoResult(trouble=full), ""),
            "what is next": [
                what_next("lima", served=served, next_at=at, timezone="UTC")
                for served in (True, False)
                for at in (NOW, None)
            ],
            "what a run did": [
                did_in_words(outcome, body)
                for outcome, body in (
                    ("undo", {"undoes": "R"}),
                    ("catch-up", {"files": 1, "source": "north"}),
                    ("catch-up", {}),
                    ("keep", {"returned": "north"}),
                    ("failed", {"files": 3}),
                    ("good", {"files": 1200, "deleted": 1300}),
                    ("good", {"files": 0, "deleted": 0}),
                    ("good", {"files": "3", "deleted": "4"}),
                )
            ],
        },
    )

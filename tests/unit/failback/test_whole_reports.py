"""What a returned copy shows, whole, and what is told once somebody has chosen."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from unit.wholes import compare

from core.databases.copies import DatabaseState
from core.failback import report_chosen
from core.failback.compare import Comparison, DatabaseSides, DifferenceKind, File, ReturnedCopy, tally
from core.failback.keep import KeepResult, why_not_keep
from core.failback.report import progress_reply as failback_progress
from core.failback.report import report as failback_report
from core.failure import Failure
from core.fleet import Database
from core.reply import Reply, Text, Tone
from core.sync.report import report
from core.sync.result import SyncResult
from core.sync.rsync_output import ChangeKind, PathChange
from core.verify.compare import FileStat

if TYPE_CHECKING:
    from core.fleet import Fleet

HERE = Path(__file__).parent
NOW = datetime(2026, 6, 14, 13, 2, 7, tzinfo=UTC)
NOTHING = SyncResult("shop", "uk", "us", "good", 0.4)
GOOD = replace(NOTHING, changed=True, files=12, copied_bytes=3_400_000, sent_bytes=99, deleted=2, took_s=4.2468)
MANY = Failure("too-many-deletes", "would delete 9 of 10 files", "Look with --dry-run.", refused=True)
LOST = Failure("link-lost", "the link broke", "Try again.")
FAILED = replace(NOTHING, site="wiki", outcome="failed", trouble=LOST)


def test_what_a_returned_copy_shows_is_what_people_were_promised(fleet: Fleet) -> None:
    shop = replace(fleet.sites["shop"], exclude=("cache/", "tmp/"))
    quiet = Comparison(ReturnedCopy(shop, "north", "south", NOW, "left by failover K7Q2"), returned_files=7)
    some = [File(found, f"{found} x".encode(), 100 + n, 10 + n, 20 - n) for n, found in enumerate(DifferenceKind)]
    some.append(File(DifferenceKind.ONLY_RETURNED, b"late", 7, 1_780_000_000, None))
    files, tallies = tally(some)
    differs = replace(quiet, files=files, tallies=tallies, more=9)
    one, counted = tally(some[:1])
    single = replace(quiet, files=one, tallies=counted, every_byte=True)
    five, of_five = tally([replace(some[0], path=b"f%d" % number) for number in range(5)])
    six, of_six = tally([replace(some[0], path=b"f%d" % number) for number in range(6)])
    many, of_many = tally([replace(some[0], path=b"f%d" % number) for number in range(25)])
    orders = Database("mariadb", "orders")
    there = DatabaseState(exists=True, size_bytes=4200, tables=frozenset("ab"))
    sides = (
        DatabaseSides(orders, there, DatabaseState(exists=False)),
        DatabaseSides(orders, replace(LOST, message="access denied"), there),
    )
    based = replace(quiet, databases=sides)
    lost = replace(quiet, trouble=LOST)
    refused = replace(quiet, trouble=replace(LOST, refused=True, hint=""))
    far = replace(quiet.returned, site=replace(fleet.sites["far"], databases=(orders,)))
    blog = replace(differs, returned=replace(quiet.returned, site=fleet.sites["blog"]))
    away = [fleet.sites[name] for name in ("alone", "far", "shop", "blog")]

    def of(*comparisons: Comparison, home: int = 0) -> Reply:
        return failback_report(comparisons, "north", (away * 2)[:home], "UTC", NOW)

    steps = [(quiet.returned, step) for step in ("done", "comparing", "waiting")]
    compare(
        HERE / "whole_failbacks.txt",
        {
            "nothing of its own": of(quiet),
            "an empty one": of(replace(quiet, returned_files=0)),
            "files of its own": of(differs),
            "one file of its own": of(single, home=1),
            "five files": of(replace(quiet, files=five, tallies=of_five)),
            "six files": of(replace(quiet, files=six, tallies=of_six)),
            "many files": of(replace(quiet, files=many, tallies=of_many)),
            "more than were looked at": of(replace(quiet, more=9, tallies={})),
            "databases": of(based),
            "not compared": of(lost),
            "not compared, refused": of(refused),
            "several": of(quiet, blog, replace(lost, returned=far), replace(based, returned=far), home=2),
            "several with nothing of their own": of(quiet, replace(quiet, returned=far), home=5),
            "several, one refused": of(quiet, refused, home=6),
            "several, none compared": of(lost, refused),
            "very many": replace(of(*[quiet] * 23), facts=None),
            "under way": failback_progress(steps),
            "at home": report_chosen.at_home_reply(away),
            "at home, one": report_chosen.at_home_reply(away[:1]),
            "nobody": report_chosen.at_home_reply(()),
        },
    )


def test_what_was_chosen_is_told_as_people_were_promised() -> None:
    came = (
        PathChange(ChangeKind.CREATED, b"up/", 0),
        PathChange(ChangeKind.CREATED, b"up/a", 3),
        PathChange(ChangeKind.CHANGED, b"b", 4),
        PathChange(ChangeKind.ATTRIBUTES, b"c", 4),
    )
    kept = KeepResult("my shop", "north", "south", (b"up", b"b"), "R1", came)
    result = SyncResult("my shop", "south", "north", "failed", 1.0, trouble=MANY)
    taken = report([GOOD], (), dry_run=False)
    regular, folder, link, pipe = (FileStat(kind | 0o644, 1, 1, 0) for kind in (0o100000, 0o040000, 0o120000, 0o010000))

    def why(returned: dict[bytes, FileStat], active: dict[bytes, FileStat]) -> str:
        trouble = why_not_keep([b"ok", b"a/b"], {b"ok": regular, **returned}, active, ("there", "here"))
        return str(trouble.facts | {"outcome": trouble.outcome} if trouble is not None else None)

    compare(
        HERE / "whole_choices.txt",
        {
            "kept": report_chosen.kept_report(kept, result, taken),
            "kept nothing new": report_chosen.kept_report(replace(kept, brought=()), result, Reply("taken")),
            "kept in part": report_chosen.kept_report(replace(kept, trouble=LOST), None, None),
            "kept, and given up": report_chosen.kept_report(kept, None, None),
            "kept, and nothing said of the copy": report_chosen.kept_report(kept, result, None),
            "kept, and nothing known of the copy": report_chosen.kept_report(kept, None, taken),
            "refused": report_chosen.kept_report(replace(kept, brought=(), trouble=MANY), None, None),
            "set aside": report_chosen.taken_parts([(result, f"R{number}") for number in range(7)]),
            "with a hint": report([report_chosen.with_own_hint(result)], (), dry_run=False),
            "with its own hint": report([report_chosen.with_own_hint(FAILED)], (), dry_run=False),
            "why not": [
                why({b"a": folder, b"a/b": regular}, {}),
                why({b"a": link, b"a/b": regular}, {}),
                why({b"a": folder, b"a/b": regular}, {b"a": link}),
                why({b"a": regular}, {}),
                why({b"a": folder}, {}),
                why({b"a/b": pipe}, {}),
                why({b"a/b": link}, {b"a/b": regular}),
                why({b"a/b": folder}, {b"a/b": link}),
                why({b"a/b": regular}, {b"a/b": folder}),
            ],
            "a plain text": Text("so", Tone.WARN),
        },
    )

"""What people are told of proofs, whole."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from unit.wholes import compare

from core.failure import Failure
from core.sync.rsync_output import ChangeKind, PathChange
from core.verify.compare import PathVerdict, Proof, WrongPath
from core.verify.report import alert
from core.verify.report import progress_reply as verify_progress
from core.verify.report import report as verify_report

HERE = Path(__file__).parent
NOW = datetime(2026, 6, 14, 13, 2, 7, tzinfo=UTC)


def test_what_is_told_of_proofs_is_what_people_were_promised() -> None:
    good = Proof("shop", "oslo", "lima", "good", 4.24, files=1204, counts={PathVerdict.SINCE: 3}, copied_at=NOW)
    wrong = tuple(
        WrongPath(list(PathVerdict)[number % 6], PathChange(ChangeKind.CHANGED, b"f%d" % number, 1))
        for number in range(24)
    )
    counts = {PathVerdict.SILENT: 20, PathVerdict.MISSING: 5, PathVerdict.SINCE: 3, PathVerdict.SETTLED: 9}
    differs = replace(good, outcome="differs", wrong=wrong, counts=counts, databases=2, undone=True)
    seen = replace(differs, wrong=wrong[1:2], counts={PathVerdict.WRITTEN_THERE: 1}, databases=1, undone=False)
    failed = replace(good, outcome="failed", trouble=Failure("unreachable", "lima cannot reach oslo", "Is it up?"))
    refused = replace(failed, site="my blog", outcome="refused")
    many = [replace(good, site=f"s{number}") for number in range(23)]
    compare(
        HERE / "whole_proofs.txt",
        {
            "good": verify_report([good], (), "UTC"),
            "good, nothing changed since": verify_report([replace(good, counts={})], ("attic",), "UTC"),
            "differs": verify_report([differs], (), "UTC"),
            "differs by what a sync sees": alert(seen, "Europe/London"),
            "failed": verify_report([failed], (), "UTC"),
            "refused": verify_report([refused], (), "UTC"),
            "many": verify_report([good, failed, refused, differs, seen], ("attic", "loft"), "UTC"),
            "very many": replace(verify_report(many, (), "UTC"), facts=None),
            "none": verify_report((), (), "UTC"),
            "under way": verify_progress([("a", "lima", "done"), ("b", "lima", "comparing"), ("c", "lima", "waiting")]),
        },
    )

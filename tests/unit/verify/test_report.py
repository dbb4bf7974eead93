"""What people are told of proofs."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from core.failure import Failure
from core.reply import Table, Text, Tone
from core.sync.rsync_output import ChangeKind, PathChange
from core.verify.compare import Outcome, PathVerdict, Proof, WrongPath
from core.verify.report import alert, facts_of, progress_reply, report, summary

AT = datetime(2026, 6, 14, 3, tzinfo=UTC)
GOOD = Proof("shop", "oslo", "lima", "good", 4.2, files=1204, counts={PathVerdict.SINCE: 3}, copied_at=AT)
WRONG = tuple(
    WrongPath(PathVerdict.SILENT if number else PathVerdict.MISSING, PathChange(ChangeKind.CHANGED, b"f%d" % number, 1))
    for number in range(30)
)
DIFFERS = replace(
    GOOD, outcome="differs", wrong=WRONG, counts={PathVerdict.SILENT: 29, PathVerdict.MISSING: 1, PathVerdict.SINCE: 3}
)
FAILED = replace(GOOD, outcome="failed", trouble=Failure("unreachable", "lima cannot reach oslo", "Is it up?"))


def said(parts: object) -> str:
    return str(parts)


def test_a_good_proof_says_how_many_files_are_the_same_and_how_many_were_changed_since() -> None:
    reply = report([GOOD], (), "UTC")
    assert summary(GOOD) == "the same in 1,204 files, 3 changed since the last copy, 4.2 s"
    assert reply.title == f"The copy of shop on lima is ok: {summary(GOOD)}"
    assert (reply.exit_code, reply.tone, reply.buttons) == (0, Tone.GOOD, ())
    assert "Last good copy: 2026-06-14 03:00:00 UTC." in said(reply.parts)
    assert summary(replace(GOOD, counts={})) == "the same in 1,204 files, 4.2 s"


def test_the_card_of_a_copy_that_differs_shows_the_first_paths_and_how_many_more() -> None:
    card = alert(DIFFERS, "UTC")
    table = next(part for part in card.parts if isinstance(part, Table))
    assert (len(table.rows), table.left_out) == (20, 10)
    assert table.rows[0].cells == ("missing on the mirror", "f0")
    assert "30 paths of 1,204 files wrong" in card.title
    assert [button.line for button in card.buttons] == [
        "sync shop --to lima --checksum",
        "sync shop --to lima --verify",
    ]


def test_a_difference_that_a_plain_sync_sees_is_mended_by_one() -> None:
    one = replace(DIFFERS, wrong=WRONG[:1], counts={PathVerdict.MISSING: 1})
    assert alert(one, "UTC").buttons[0].line == "sync shop --to lima"
    assert "--checksum" not in said(alert(one, "UTC").parts)


@pytest.mark.parametrize(
    ("number", "words"), [(1, "1 database was not compared"), (2, "2 databases were not compared")]
)
def test_databases_are_said_not_to_be_compared(number: int, words: str) -> None:
    one = replace(GOOD, databases=number, copied_at=None)
    assert words in said(report([one], (), "UTC").parts)
    assert facts_of(one)["databases_not_compared"] == number


@pytest.mark.parametrize(("outcome", "code"), [("failed", 1), ("refused", 3)])
def test_a_proof_that_did_not_come_about_says_why_and_what_to_do(outcome: Outcome, code: int) -> None:
    reply = report([replace(FAILED, outcome=outcome)], (), "UTC")
    assert (reply.title, reply.exit_code) == ("The copy of shop on lima was not verified: lima cannot reach oslo", code)
    assert reply.parts == (Text("Is it up?"),)


def test_many_proofs_are_a_table_with_the_worst_first_and_each_hint_once() -> None:
    reply = report([GOOD, FAILED, replace(FAILED, site="blog"), DIFFERS], ("attic",), "UTC")
    assert reply.title == "1 of 4 copies are ok, 1 wrong, 2 failed"
    table = next(part for part in reply.parts if isinstance(part, Table))
    assert [row.cells[0] for row in table.rows] == ["shop", "shop", "blog", "shop"]
    texts = [part.text for part in reply.parts if isinstance(part, Text)]
    assert texts == [
        "shop: `sync SITE --verify` names the paths of one site.",
        "shop, blog: Is it up?",
        "1 site without a copy elsewhere: attic.",
    ]


def test_what_was_put_back_by_hand_is_said_beside_what_differs() -> None:
    assert "`sync --undo`" in said(alert(replace(DIFFERS, undone=True), "UTC").parts)
    assert "`sync --undo`" not in said(alert(DIFFERS, "UTC").parts)


def test_nothing_to_verify_is_said() -> None:
    assert report((), (), "UTC").title == "There is nothing to verify"


def test_a_script_gets_the_paths_and_what_is_wrong_with_them() -> None:
    facts = facts_of(DIFFERS)
    assert facts["paths"][0] == {"path": "f0", "why": "missing on the mirror"}  # type: ignore[index]
    assert (facts["wrong"], facts["changed_since_copy"]) == (30, 3)
    assert facts_of(FAILED)["code"] == "unreachable"


def test_progress_shows_what_is_being_done() -> None:
    reply = progress_reply([("a", "lima", "done"), ("b", "lima", "comparing"), ("c", "lima", "waiting")])
    assert reply.title == "1 of 3 copies verified"
    assert "comparing" in said(reply.parts)

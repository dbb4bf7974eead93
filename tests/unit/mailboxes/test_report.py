"""What people are told of mailboxes on two servers."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from unit.wholes import compare

from core.failure import Failure, FailureCode
from core.mailboxes.pairs import MailboxPair
from core.mailboxes.report import (
    progress_reply,
    report,
    seed_asks,
    silent_card,
    state_reply,
    status_text,
    trouble_card,
    worth_telling,
)
from core.mailboxes.result import MailboxEnd, MailboxResult, MailboxRun

NOW = datetime(2026, 6, 14, 3, tzinfo=UTC)
PAIR = MailboxPair("ann@fjord.example", "oslo", "lima")
FULL = Failure(FailureCode.DISK_FULL, "the disk of the mail is full on lima", "Make room there.")
APART = Failure(FailureCode.MAIL_APART, "INBOX was created apart", "`mail seed …`", refused=True)
LOST = Failure(FailureCode.UNREACHABLE, "lima does not answer", "Is it up?")
GOOD = MailboxResult(PAIR, None, 0.42)
RUN = MailboxRun("ann@fjord.example", "oslo", "lima", NOW, NOW, "alike", 0, NOW - timedelta(minutes=1), "AQ==", {})


def of(login: str, trouble: Failure | None = None) -> MailboxResult:
    return MailboxResult(replace(PAIR, login=login), trouble, 1.5)


def bad(login: str, trouble: Failure, failures: int = 1) -> MailboxRun:
    return replace(RUN, login=login, outcome=str(trouble.code), failures=failures, alike_at=None, body=trouble.facts)


def test_what_is_said_of_mailboxes_is_what_it_was() -> None:
    compare(
        Path(__file__).parent / "whole_mailboxes.txt",
        {
            "one that is alike": report([GOOD], {}),
            "one that is not": report([replace(GOOD, trouble=APART)], {}),
            "several": report([GOOD, of("bob", FULL), of("eve", APART)], {"rome": LOST}),
            "several, all well": report([GOOD, of("bob")], {}),
            "several, one server silent": report([GOOD, of("bob")], {"rome": LOST}),
            "none, since nobody says": report([], {"rome": LOST}),
            "none": report([], {}),
            "under way": progress_reply([("ann", "done"), ("bob", "waiting")]),
            "known": state_reply([RUN, bad("bob", FULL), replace(RUN, login="eve", outcome="", alike_at=None)], NOW),
            "known, all well": state_reply([RUN], NOW),
            "known of none": state_reply([], NOW),
            "status": status_text([RUN, bad("bob", FULL), replace(RUN, alike_at=NOW - timedelta(hours=1))], NOW),
            "status, all well": status_text([RUN], NOW),
            "status before the first run": status_text([replace(RUN, outcome="", alike_at=None)], NOW),
            "status of none": status_text([], NOW),
            "card of one": trouble_card("oslo", "lima", [bad("bob", FULL)]),
            "card of several": trouble_card("oslo", "lima", [bad("bob", FULL), bad("eve", FULL), bad("sam", APART)]),
            "card of a silent server": silent_card("lima", Failure.missing(FailureCode.NO_DOVEADM, "lima")),
            "seed asks": seed_asks(PAIR, "oslo", ["INBOX", "Sent"]),
            "seed asks from the other side": seed_asks(PAIR, "lima", ["INBOX"]),
        },
    )


def test_what_no_later_run_settles_is_told_at_once_and_the_rest_after_three_in_a_row() -> None:
    runs = [
        RUN,
        bad("at-once", FULL),
        bad("twice", LOST, 2),
        bad("thrice", LOST, 3),
        replace(bad("elsewhere", APART), other="rome"),
        replace(RUN, login="mended", outcome=str(FULL.code)),
    ]
    told = {servers: [run.login for run in of_them] for servers, of_them in worth_telling(runs).items()}
    assert told == {("oslo", "lima"): ["at-once", "thrice"], ("oslo", "rome"): ["elsewhere"]}
    assert worth_telling([RUN]) == {("oslo", "lima"): ()}
    assert worth_telling([]) == {}


def test_a_run_that_went_well_leaves_a_state_and_another_one_why_not() -> None:
    assert MailboxEnd.of("AQ==") == MailboxEnd("alike", "AQ==", {})
    assert MailboxEnd.of("") == MailboxEnd("alike", "", {})
    assert MailboxEnd.of(FULL) == MailboxEnd("disk-full", "", FULL.facts)

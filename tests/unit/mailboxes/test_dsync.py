"""What the two sides of a run of dsync said is read for what it means."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.failure import Failure, FailureCode
from core.mailboxes.dsync import (
    DsyncSide,
    Mailbox,
    alone_failure,
    apart_failure,
    are_alike,
    changed_failure,
    created_apart,
    failure_of,
    judge_run,
    kept_state,
    made_one_by_itself,
    mark_of,
    read_mailboxes,
    state_for,
)
from core.mailboxes.pairs import MailboxPair

ANN = "ann@fjord.example"
STATE = b"\nsharpnet-state: AQAAAMXArhAf7g1r+/==\n"
WELL = DsyncSide("lima", 0, b"")
LEFT = b"doveadm(ann)<1><x>: Error: read(local) failed: EOF (version not received)\n"
FULL = (
    b"doveadm(ann)<1><x>: Error: Mailbox INBOX: Saving mail: write(/m/tmp/1) failed: No space left on device\n"
    b"doveadm(ann)<1><x>: Error: dsync(lima): something else\n"
)


def judged(one: bytes, other: bytes, codes: tuple[int, int] = (75, 75)) -> Failure:
    found = judge_run(ANN, DsyncSide("oslo", codes[0], one), DsyncSide("lima", codes[1], other))
    assert isinstance(found, Failure)
    return found


def test_a_run_that_went_well_on_both_sides_says_with_what_the_next_one_goes_on() -> None:
    assert judge_run(ANN, DsyncSide("oslo", 0, b"Warning: x\n" + STATE), WELL) == "AQAAAMXArhAf7g1r+/=="
    assert judge_run(ANN, DsyncSide("oslo", 0, b"\nsharpnet-state: \n"), WELL) == ""
    assert judge_run(ANN, DsyncSide("oslo", 0, b""), WELL) == ""


def test_the_last_state_counts_whatever_was_said_before() -> None:
    forged = b"Error: a folder called\nsharpnet-state: forged\nsharpnet-state: not one!\n"
    assert judge_run(ANN, DsyncSide("oslo", 0, forged + STATE), WELL) == "AQAAAMXArhAf7g1r+/=="


def test_what_could_not_all_be_made_alike_is_left_to_the_next_run() -> None:
    found = judged(STATE, b"", (2, 0))
    assert (found.code, found.message) == (
        FailureCode.MAIL_CHANGED,
        "the mail of ann@fjord.example changed while it was brought together",
    )
    assert judged(STATE, FULL, (2, 75)).code == FailureCode.DISK_FULL


@pytest.mark.parametrize(
    ("one", "other", "codes", "code", "message"),
    [
        (LEFT, FULL, (75, 75), FailureCode.DISK_FULL, "the disk of the mail is full on lima"),
        (FULL, LEFT, (75, 75), FailureCode.DISK_FULL, "the disk of the mail is full on oslo"),
        (b"", FULL, (0, 75), FailureCode.DISK_FULL, "the disk of the mail is full on lima"),
        (
            b"Error: Quota exceeded (mailbox for user is full)",
            LEFT,
            (75, 75),
            FailureCode.MAIL_QUOTA,
            f"the mailbox of {ANN} is full on oslo: its quota is reached",
        ),
        (LEFT, b"Error: User doesn't exist", (75, 67), FailureCode.MAIL_USER, f"{ANN} is no user of lima"),
        (
            b"Error: Couldn't lock /home/ann/.dovecot-sync.lock: Timed out",
            LEFT,
            (75, 75),
            FailureCode.BUSY,
            f"another run works on the mail of {ANN} on oslo",
        ),
        (
            LEFT,
            b"Error: auth-master: userdb lookup(ann): connect(/run/dovecot/auth-userdb) failed: No such file",
            (75, 75),
            FailureCode.MAIL_DOWN,
            "Dovecot does not run on lima, or its SSH user may not ask it for users",
        ),
        (
            b"Error: stat(/var/vmail/ann) failed: Permission denied",
            LEFT,
            (75, 75),
            FailureCode.PERMISSION,
            f"the SSH user may not touch the mail of {ANN} on oslo",
        ),
        (LEFT, b"sharpnet-stop: no-doveadm\n", (75, 90), FailureCode.NO_DOVEADM, "doveadm is missing on lima"),
    ],
)
def test_what_was_the_cause_is_named_with_the_server_where_it_lies(
    one: bytes, other: bytes, codes: tuple[int, int], code: FailureCode, message: str
) -> None:
    found = judged(one, other, codes)
    assert (found.code, found.message) == (code, message)
    assert found.hint


def test_what_is_not_known_is_quoted_from_the_side_that_was_not_only_left_alone() -> None:
    found = judged(LEFT + STATE, b"Error: first\nError: \x1b[1mstrange\n")
    assert (found.code, found.message) == (
        FailureCode.MAIL_FAILED,
        "the mail of ann@fjord.example failed on lima (status 75)",
    )
    assert found.hint.startswith("It said: ")
    assert "strange" in found.hint
    assert found.hint.isprintable()


def test_where_nobody_said_anything_the_status_is_all_there_is() -> None:
    found = judged(LEFT, b"", (75, 75))
    assert (found.message, found.hint) == ("the mail of ann@fjord.example failed on oslo (status 75)", "")
    assert failure_of("*", DsyncSide("lima", 1, b"")).message == "the mail of * failed on lima (status 1)"


@pytest.mark.parametrize(("codes", "server"), [((137, 75), "oslo"), ((75, 137), "lima"), ((137, 137), "oslo")])
def test_who_was_killed_is_named(codes: tuple[int, int], server: str) -> None:
    found = judged(LEFT, LEFT, codes)
    assert found.message == f"what worked on the mail of {ANN} was killed on {server}"
    assert judged(FULL, LEFT, codes).code == FailureCode.DISK_FULL


@given(st.binary(), st.binary(), st.integers(0, 255), st.integers(0, 255))
def test_whatever_is_said_is_a_state_or_a_failure(one: bytes, other: bytes, code: int, other_code: int) -> None:
    found = judge_run(ANN, DsyncSide("oslo", code, one), DsyncSide("lima", other_code, other))
    assert isinstance(found, str) == (code == other_code == 0)


def box(letter: str, messages: int = 1, unseen: int = 0, changes: int = 1) -> Mailbox:
    return Mailbox(letter * 32, 1700000000, messages, unseen, changes)


A, B, C, D = map(box, "abcd")


def test_mailboxes_of_one_name_that_are_two_were_created_apart() -> None:
    assert created_apart({"INBOX": A, "Sent": B}, {"INBOX": C, "Sent": D}) == ("INBOX", "Sent")
    assert created_apart({"INBOX": A, "Sent": B}, {"INBOX": A, "Sent": D}) == ("Sent",)


def test_one_that_is_on_one_side_only_or_was_renamed_was_not() -> None:
    assert created_apart({"INBOX": A, "Here": B}, {"INBOX": A, "There": C}) == ()
    assert created_apart({"Work": A}, {"Work": B, "Old": A}) == ()
    assert created_apart({"Work": A, "Old": B}, {"Work": B}) == ()


def test_one_that_is_empty_on_a_side_takes_the_others_identity_there() -> None:
    here = {"INBOX": A, "Sent": box("e", 0), "Trash": C, "Void": box("1", 0), "Same": box("9", 0)}
    there = {"INBOX": box("f", 0), "Sent": B, "Trash": D, "Void": box("2", 0), "Same": box("9", 0)}
    assert [*made_one_by_itself(here, there)] == [("INBOX", True), ("Sent", False), ("Void", True)]


def test_alike_is_what_has_as_many_messages_read_and_unread_on_both() -> None:
    assert are_alike({"INBOX": box("a", 3, 1, 7)}, {"INBOX": box("a", 3, 1, 9)})
    assert not are_alike({"INBOX": box("a", 3)}, {"INBOX": box("a", 2)})
    assert not are_alike({"INBOX": box("a", 3, 1)}, {"INBOX": box("a", 3, 2)})
    assert not are_alike({"INBOX": A, "Work": box("b", 1)}, {"INBOX": A, "Work": box("b", 0)})
    assert are_alike({"INBOX": A, "Shared": B}, {"INBOX": A, "Other": C, "Public": D})
    assert are_alike({"Shared": box("a", 1)}, {"Shared": box("b", 2)})


def test_a_state_counts_while_nothing_was_changed_on_either_side() -> None:
    mark = mark_of({"INBOX": A, "Work": B}, {"INBOX": A})
    kept = kept_state(mark, "AQ==")
    assert state_for(kept, mark) == "AQ=="
    assert state_for(kept, mark_of({"Work": B, "INBOX": A}, {"INBOX": A})) == "AQ=="
    for here, there in (
        ({"INBOX": A, "Work": B}, {"INBOX": box("a", changes=2)}),
        ({"INBOX": box("a", 0), "Work": B}, {"INBOX": A}),
        ({"INBOX": A}, {"INBOX": A, "Work": B}),
        ({}, {}),
    ):
        assert state_for(kept, mark_of(here, there)) == ""
    assert state_for("", mark) == ""


def test_mailboxes_are_read_with_their_figures_and_nothing_else_is() -> None:
    out = (
        b"mailbox\tmessages\tunseen\tuidvalidity\thighestmodseq\tguid\n"
        b"INBOX\t3\t2\t1700000000\t9\t" + b"a" * 32 + b"\n"
        b"Odd\tmany\t2\t1700000000\t9\t" + b"a" * 32 + b"\nShort\t1\t1\t1700000000\t9\t12\nNothing\n"
        b"\xff\t1\t0\t1700000000\t1\t" + b"b" * 32 + b"\n"
    )
    assert read_mailboxes(out) == {"INBOX": box("a", 3, 2, 9), "\ufffd": B}
    assert read_mailboxes(b"") == {}


def test_what_changed_meanwhile_is_left_to_the_next_run() -> None:
    assert changed_failure(ANN).hint == "The next run settles it."


def test_what_is_said_of_them_holds_the_line_that_mends_it() -> None:
    found = apart_failure(MailboxPair("ann lee", "oslo", "lima"), ["INBOX", "A", "B", "C"])
    assert found.message == "INBOX, A, B and 1 more was created apart on each, and dsync never makes one of the two"
    assert found.hint == "`mail seed 'ann lee' --from oslo` does; no message is lost on either side."
    assert found.refused


def test_a_user_of_one_server_only_is_named_with_both() -> None:
    found = alone_failure(ANN, "oslo", "lima")
    assert found.message == "ann@fjord.example is a user of oslo, but not of lima"
    assert found.code == FailureCode.MAIL_USER

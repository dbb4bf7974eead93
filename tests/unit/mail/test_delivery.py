"""What became of a probe message, and what marks one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.utils import parsedate_to_datetime

import pytest

from core.mail.delivery import Delivery, judge_delivery, left_behind, message, token_at
from core.mail.smtp import SmtpReply

NOW = datetime(2026, 6, 14, 13, 2, 7, tzinfo=UTC)
BOX = "probe@shop.test"
YES, NO = SmtpReply(250, "2.0.0 Ok"), SmtpReply(552, "5.2.2 Quota exceeded")
GREY = SmtpReply(450, "4.2.0 Greylisted")


@pytest.mark.parametrize(
    ("delivery", "shown", "found"),
    [
        (Delivery(reply=YES, folder="INBOX", took_s=0.31), "arrived in 0.31 s", []),
        (
            Delivery(reply=YES, folder="Junk\u202e", took_s=3),
            "arrived in Junk\\u202e",
            [("WRONG", "north", f"a probe message for {BOX} went to the folder Junk\\u202e, not to INBOX")],
        ),
        (
            Delivery(reply=YES, waited_s=30, kept={"north": "it was taken, and not found"}),
            "not seen",
            [
                ("WRONG", "north", f"a probe message for {BOX} was taken, and was not in the mailbox 30 s later"),
                (
                    "UNKNOWN",
                    "north",
                    f"a probe message may be left in the mailbox {BOX}: it was taken, and not found",
                ),
            ],
        ),
        (
            Delivery(reply=NO),
            "not sent",
            [("WRONG", "north", f"it does not take a probe message for {BOX}: 552 5.2.2 Quota exceeded")],
        ),
        (
            Delivery(reply=GREY),
            "tried again later",
            [("LATER", "north", "it greylists the probe message: 450 4.2.0 Greylisted. It is sent again later")],
        ),
        (
            Delivery(why="it says 'NO'"),
            "not sent",
            [("WRONG", "north", f"no probe message was sent to {BOX}: it says 'NO'")],
        ),
        (
            Delivery(reply=YES, folder="INBOX", took_s=1, kept={"south": "refused"}),
            "arrived in 1 s",
            [
                (
                    "UNKNOWN",
                    "south",
                    f"not known whether the probe message of north was copied into the mailbox {BOX}: refused",
                )
            ],
        ),
    ],
)
def test_what_came_of_a_message_is_said(delivery: Delivery, shown: str, found: list[tuple[str, str, str]]) -> None:
    assert str(delivery) == shown
    assert [(one.level.name, one.where, one.text) for one in judge_delivery("north", BOX, delivery)] == found


def test_a_message_says_what_it_is_and_wants_no_answer() -> None:
    token = token_at(NOW, "0123456789abcdef" * 2)
    whole = message_from_bytes(message(token, BOX, NOW))
    assert (whole["From"], whole["To"], whole["X-Sharpnet-Probe"]) == (f"<{BOX}>", f"<{BOX}>", token)
    assert (whole["Auto-Submitted"], parsedate_to_datetime(whole["Date"])) == ("auto-generated", NOW)
    assert b"\r\n.\r\n" not in message(token, BOX, NOW)


@pytest.mark.parametrize(
    ("age", "left"),
    [(timedelta(minutes=10), True), (timedelta(minutes=10) - timedelta(seconds=1), False), (-timedelta(days=1), False)],
)
def test_only_what_is_old_enough_was_left_behind(age: timedelta, left: bool) -> None:
    token = token_at(NOW - age, "f" * 32)
    assert left_behind([token], NOW) == ((token,) if left else ())


@pytest.mark.parametrize(
    "odd",
    [
        "",
        "sharpnet-",
        "sharpnet-1-zz",
        "sharpnet-1-" + "f" * 33,
        "x sharpnet-1-" + "f" * 32,
        f"sharpnet-{9**12}-{'f' * 32}",
    ],
)
def test_what_is_no_mark_of_ours_is_left_alone(odd: str) -> None:
    assert left_behind([odd], NOW) == ()

"""What waits in a mail server's queue."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.fleet import MailQueue
from core.mail.finding import Finding, Level
from core.mail.queue import Queue, exim_queue, judge_queue, postfix_queue

NOW_S = 1_796_000_000.0
LIMITS = MailQueue(2, timedelta(hours=1))


def line(arrived_s: object, reason: object = "connection timed out", **more: object) -> str:
    recipients = [{"address": "a@b.test", "delay_reason": reason}]
    message = {"queue_name": "deferred", "queue_id": "4F1", "arrival_time": arrived_s, "recipients": recipients}
    return json.dumps({**message, **more})


def test_an_empty_queue_is_empty() -> None:
    assert postfix_queue("", NOW_S, cut=False) == Queue(0)
    assert str(Queue(0)) == "empty"
    assert judge_queue("north", Queue(0), LIMITS) == ()


def test_messages_are_counted_with_the_oldest_and_the_reason_of_most() -> None:
    printed = "\n".join([line(NOW_S - 60, "rare"), line(int(NOW_S) - 7200), line(int(NOW_S) - 5)])
    queue = postfix_queue(printed, NOW_S, cut=False)
    assert queue == Queue(3, timedelta(hours=2), "connection timed out")
    text = "3 messages, oldest 2 h in its mail queue: connection timed out"
    assert judge_queue("north", queue, LIMITS) == (Finding(Level.WRONG, "north", text),)


@pytest.mark.parametrize(
    ("queue", "number"),
    [
        (Queue(2, timedelta(hours=1)), 0),
        (Queue(3, timedelta(hours=1)), 1),
        (Queue(1, timedelta(hours=1, seconds=1)), 1),
        (Queue(1), 0),
        (Queue(3), 1),
    ],
)
def test_what_is_just_at_a_limit_is_well(queue: Queue, number: int) -> None:
    assert len(judge_queue("north", queue, LIMITS)) == number


def test_a_queue_that_was_not_read_to_its_end_is_said_to_be_longer() -> None:
    assert str(postfix_queue(line(5) + "\n" + line(5)[:20], 10.0, cut=True)) == "more than 1 message, oldest 5 s"


@pytest.mark.parametrize("value", [None, True, -1, 1 << 40, "1", 1.5, [], {}])
def test_a_time_that_is_none_counts_the_message_all_the_same(value: object) -> None:
    assert postfix_queue(line(value), NOW_S, cut=False) == Queue(1, None, "connection timed out")


def test_a_clock_that_was_put_back_makes_no_message_older_than_it_is() -> None:
    assert postfix_queue(line(int(NOW_S) + 60), NOW_S, cut=False).oldest == timedelta(0)


@pytest.mark.parametrize(
    "odd",
    [
        "mail system is down",
        "[]",
        "{}",
        json.dumps({"queue_id": 5}),
        "[" * 100_000,
    ],
)
def test_what_is_no_message_is_not_counted(odd: str) -> None:
    assert postfix_queue(odd, NOW_S, cut=False) == Queue(0)


@pytest.mark.parametrize("recipients", [None, [], ["a"], [{}], [{"delay_reason": 5}], {"a": 1}])
def test_a_message_without_a_reason_has_none(recipients: object) -> None:
    assert postfix_queue(line(5, recipients=recipients), 10.0, cut=False).reason is None


@given(st.text())
def test_whatever_is_printed_is_read_and_what_is_shown_is_printable(text: str) -> None:
    queue = postfix_queue(text + "\n" + line(5, text), 10.0, cut=False)
    assert queue.messages >= 1
    assert str(queue).isprintable()
    assert queue.reason is None or queue.reason.isprintable()
    assert exim_queue(text, cut=False).messages >= 0


def test_exims_list_is_read_by_its_first_lines() -> None:
    printed = (
        "25m  2.9K 0t5C6f-0000c8-00 <alice@example.com>\n          brutus@example.com\n\n"
        " 3h   512 0t5C6g-0000c9-00 <>\n        D caesar@example.com\n          mark@example.com\n\n"
        " 2d  1.1M 0t5C6h-0000ca-00 <bob@example.com> *** frozen ***\n"
    )
    assert exim_queue(printed, cut=False) == Queue(3, timedelta(days=2))
    assert exim_queue("", cut=False) == Queue(0)

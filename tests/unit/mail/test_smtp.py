"""What the answers of an exchanger mean."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.mail.finding import Finding, Level, worst_of, wrong_texts
from core.mail.smtp import Certificate, SmtpAsked, SmtpReply, SmtpSeen, is_for, judge_rejects, judge_smtp

NOW = datetime(2026, 6, 14, 13, 2, 7, tzinfo=UTC)
DAY = timedelta(days=1)
ASKED = SmtpAsked("postmaster@shop.test", "nobody-1@shop.test", "mx.shop.test", 14 * DAY, NOW)
CERTIFICATE = Certificate(("mx.shop.test",), NOW + 90 * DAY)
YES, NO = SmtpReply(250, "2.1.5 Ok"), SmtpReply(550, "5.1.1 User unknown")
RELAY = SmtpReply(554, "5.7.1 Relay access denied")
WELL = SmtpSeen("", "", CERTIFICATE, YES, NO, RELAY, ("RCPT TO", 10.0))
GREY = SmtpReply(450, "4.2.0 <postmaster@shop.test>: Recipient address rejected: Greylisted, come back")
BUSY = SmtpReply(451, "4.3.0 Temporary lookup failure")


def said(seen: SmtpSeen, asked: SmtpAsked = ASKED) -> list[tuple[str, str]]:
    return [(one.level.name, one.text) for one in judge_smtp("north", seen, asked)]


def test_a_server_that_takes_what_it_must_and_nothing_else_is_well() -> None:
    assert said(WELL) == []


def test_a_server_that_was_not_asked_is_not_blamed() -> None:
    assert said(SmtpSeen(broken="connection refused at port 25")) == [("WRONG", "SMTP: connection refused at port 25")]


@pytest.mark.parametrize(
    ("change", "level", "text"),
    [
        ({"tls": "it offers no STARTTLS"}, "WRONG", "SMTP: it offers no STARTTLS"),
        (
            {"slowest": ("RCPT TO", 10.1)},
            "WRONG",
            "SMTP: it takes 10 s to answer RCPT TO: not every sender waits so long",
        ),
        ({"probe": GREY}, "LATER", f"it greylists: {GREY}. It is asked again later"),
        (
            {"probe": BUSY},
            "WRONG",
            "it does not take mail for postmaster@shop.test now: 451 4.3.0 Temporary lookup failure",
        ),
        ({"probe": NO}, "WRONG", "it refuses mail for postmaster@shop.test: 550 5.1.1 User unknown"),
        (
            {"unknown": YES},
            "WRONG",
            "it takes mail for addresses at shop.test that nobody has, and so sends to strangers what comes back",
        ),
        (
            {"unknown": BUSY},
            "WRONG",
            f"to addresses at shop.test that nobody has it says {BUSY}: senders go on for days, and are told nothing",
        ),
        (
            {"relay": YES},
            "WRONG",
            "it takes mail of strangers for strangers (an open relay), from the bot's address at least",
        ),
    ],
)
def test_each_thing_that_is_wrong_is_said(change: dict[str, object], level: str, text: str) -> None:
    assert said(replace(WELL, **change)) == [(level, text)]  # type: ignore[arg-type]


@pytest.mark.parametrize("answer", [GREY, BUSY])
def test_what_a_server_says_of_every_address_is_said_once(answer: SmtpReply) -> None:
    assert len(said(replace(WELL, probe=answer, unknown=answer, relay=answer))) == 1


def test_an_address_that_nobody_has_may_be_greylisted() -> None:
    assert said(replace(WELL, unknown=GREY)) == []
    assert len(said(replace(WELL, probe=None, unknown=BUSY))) == 1


@pytest.mark.parametrize("relay", [SmtpReply(454, "4.7.1 Relay access denied"), RELAY, None])
def test_a_stranger_who_is_refused_for_now_is_refused(relay: SmtpReply | None) -> None:
    assert said(replace(WELL, relay=relay)) == []


def test_the_bots_own_machine_may_send_anywhere() -> None:
    assert said(replace(WELL, relay=YES, own=True)) == []


def test_what_must_be_refused_is_judged_alone_as_well() -> None:
    bad = replace(WELL, unknown=YES, relay=YES, probe=NO)
    assert [one.text[:18] for one in judge_rejects("north", bad, ASKED)] == ["it takes mail for ", "it takes mail of s"]


@pytest.mark.parametrize(
    ("text", "greylists"),
    [
        ("450 4.2.0 Greylisted, see http://example.test", True),
        ("451 4.7.1 Greylisting in action, please come back in 00:05:00", True),
        ("451 4.7.1 Try again later", True),
        ("450 4.3.2 Service currently unavailable", True),
        ("450 gray-listed", True),
        ("452 4.3.1 Insufficient system storage; try again later", False),
        ("421 4.7.0 greylisted", False),
        ("550 5.7.1 greylisted for ever", False),
        ("451 4.3.0 Temporary lookup failure, try again later", False),
        ("450 4.7.1 Client host rejected", False),
    ],
)
def test_greylisting_is_told_from_what_else_is_for_now(text: str, greylists: bool) -> None:
    code, _, rest = text.partition(" ")
    assert SmtpReply(int(code), rest).greylists is greylists


@pytest.mark.parametrize(
    ("certificate", "text"),
    [
        (
            Certificate(("a.test", "b.test", "c.test"), NOW + 90 * DAY),
            "is for a.test, b.test and 1 more, not for mx.shop.test",
        ),
        (Certificate((), NOW + 90 * DAY), "is for no name, not for mx.shop.test"),
        (Certificate(("mx.shop.test",), NOW), "has expired"),
        (Certificate(("mx.shop.test",), NOW + timedelta(seconds=1)), "ends today"),
        (Certificate(("mx.shop.test",), NOW + 14 * DAY - timedelta(seconds=1)), "ends in 13 days"),
    ],
)
def test_a_certificate_that_will_not_do_is_said(certificate: Certificate, text: str) -> None:
    assert said(replace(WELL, certificate=certificate)) == [("WRONG", f"SMTP: its certificate {text}")]


def test_a_certificate_is_good_to_its_last_day_that_matters_and_for_any_name_where_none_is_asked_for() -> None:
    assert said(replace(WELL, certificate=replace(CERTIFICATE, ends_at=NOW + 14 * DAY))) == []
    assert said(replace(WELL, certificate=replace(CERTIFICATE, names=())), replace(ASKED, name=None)) == []


@pytest.mark.parametrize(
    ("pattern", "name", "fits"),
    [
        ("mx.shop.test", "MX.shop.test", True),
        ("*.shop.test", "mx.shop.test", True),
        ("*.shop.test", "a.mx.shop.test", False),
        ("*.shop.test", "shop.test", False),
        ("*.test", "shop.test", False),
        ("shop.test", "mx.shop.test", False),
    ],
)
def test_a_star_stands_for_one_label(pattern: str, name: str, fits: bool) -> None:
    assert is_for(pattern, name) is fits


@given(st.integers(200, 599), st.text())
def test_whatever_a_server_says_is_one_printable_line(code: int, text: str) -> None:
    assert str(SmtpReply(code, text)).isprintable()
    for one in judge_smtp("north", replace(WELL, probe=SmtpReply(code, text)), ASKED):
        assert one.text.isprintable()


def test_the_worst_of_several_counts_and_only_what_is_wrong_is_told() -> None:
    found = [Finding(Level.LATER, "a", "x"), Finding(Level.WRONG, "a", "y"), Finding(Level.WRONG, "b", "y")]
    assert (worst_of(found), worst_of(found[:1]), worst_of([])) == (Level.WRONG, Level.LATER, None)
    assert wrong_texts([*found, Finding(Level.UNKNOWN, "a", "z")]) == ("y",)

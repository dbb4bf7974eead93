"""Conversations with mail servers that are hostile, slow or broken: a word why, within the limits."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from checks.harness import LOOPBACK, free_port, line_server

from core.errors import MailError
from core.mail.smtp import SmtpAsked, SmtpSeen
from ops.mail.imap import mailbox
from ops.mail.smtp import ask_smtp, nobodys

NOW = datetime(2026, 6, 14, 13, 2, 7, tzinfo=UTC)
ASKED = SmtpAsked("postmaster@shop.test", nobodys("shop.test"), None, timedelta(days=14), NOW)
BANNER = b"220 mail.test ESMTP\r\n"
EHLO = b"250-mail.test\r\n250-SIZE 1000\r\n250 HELP\r\n"
PLAIN = {b"EHLO [127.0.0.1]\r\n": EHLO, b"MAIL FROM:<>": b"250 ok\r\n", b"RSET": b"250 ok\r\n", b"QUIT": b"221 bye\r\n"}


async def seen(greeting: bytes, answers: dict[bytes, bytes], *, answer_s: float = 20.0) -> SmtpSeen:
    async with line_server(greeting, answers) as port:
        return await ask_smtp(LOOPBACK, port, ASKED, answer_s=answer_s, whole_s=30.0)


@pytest.mark.parametrize(
    ("greeting", "answers", "why"),
    [
        (b"554 go away\r\n", {}, "it says '554 go away'"),
        (b"SSH-2.0-x\r\n", {}, "it says 'SSH-2.0-x'"),
        (b"\r\n", {}, "it says nothing"),
        (b"220-a\r\n" * 201, {}, "its answer to its banner has more than 200 lines"),
        (b"2" * 70_000, {}, "it says a line of more than 65,536 bytes"),
        (BANNER, {b"EHLO": b"421 \x1b[31mbusy`\r\n"}, 'it says "421 \\\\x1b[31mbusy\'"'),
        (BANNER, {}, "it broke the connection off"),
    ],
)
async def test_what_is_no_conversation_is_said(greeting: bytes, answers: dict[bytes, bytes], why: str) -> None:
    found = await seen(greeting, answers)
    assert (found.broken, found.probe) == (why, None)


async def test_nobody_there_is_said() -> None:
    port = free_port()
    found = await ask_smtp(LOOPBACK, port, ASKED)
    assert found.broken == f"connection refused at port {port}"


async def test_who_says_nothing_is_given_up_with_what_was_awaited() -> None:
    assert (await seen(b"", {}, answer_s=0.2)).broken == "no answer to its banner within 0.2 s"


async def test_every_address_is_asked_for_and_what_was_answered_is_kept() -> None:
    taken, refused, relayed = b"250 2.1.5 Ok\r\n", b"550 no\r\n", b"554 no\r\n"
    answers = {b"RCPT TO:<post": taken, b"RCPT TO:<no-such": refused, b"RCPT TO:<nobody@ex": relayed}
    found = await seen(BANNER, PLAIN | answers)
    assert (found.broken, found.tls) == ("", "it offers no STARTTLS")
    assert [str(one) for one in (found.probe, found.unknown, found.relay)] == ["250 2.1.5 Ok", "550 no", "554 no"]
    assert found.own


async def test_a_conversation_that_ends_keeps_what_was_seen_before() -> None:
    found = await seen(BANNER, PLAIN | {b"RCPT TO:<post": b"250 2.1.5 Ok\r\n"})
    assert (str(found.probe), found.unknown, found.broken) == ("250 2.1.5 Ok", None, "it broke the connection off")


async def test_what_is_said_before_tls_counts_for_nothing_in_it() -> None:
    answers = {b"EHLO": b"250-a\r\n250 STARTTLS\r\n", b"STARTTLS": b"220 go\r\n250 injected\r\n"}
    found = await seen(BANNER, answers)
    assert found.tls == "it said something between STARTTLS and TLS"


async def test_whom_a_server_takes_mail_for_is_seen_without_tls_where_that_fails() -> None:
    recipients = {b"RCPT TO": b"550 no\r\n"}
    answers = {**PLAIN, **recipients, b"EHLO [127.0.0.1]\r\n": b"250-a\r\n250 STARTTLS\r\n", b"STARTTLS": b"454 no\r\n"}
    found = await seen(BANNER, answers)
    assert (found.tls, found.broken, str(found.probe)) == ("it says '454 no'", "", "550 no")


@pytest.mark.parametrize(
    ("greeting", "answers", "why"),
    [
        (b"* BYE busy\r\n", {}, "it says '* BYE busy'"),
        (b"* OK ready\r\n", {b"a1 CAPABILITY": b"* CAPABILITY IMAP4rev1\r\na1 OK\r\n"}, "so the password was not said"),
        (b"* OK ready\r\n", {b"a1": b"* BYE busy\r\n"}, "it says '* BYE busy'"),
        (b"* OK ready\r\n", {b"a1": b"a1 BAD what\r\n"}, "it says 'BAD what'"),
        (b"* OK ready\r\n", {b"a1": b"* X {999999999}\r\n"}, "it announces 999,999,999 bytes"),
        (b"* OK ready\r\n", {b"a1": b"* a\r\n" * 10_001}, "its answer to CAPABILITY has more than 10,000 lines"),
        (b"* OK ready\r\n", {b"a1": (b"* " + b"a" * 60_000 + b"\r\n") * 20}, "it says more than 1,048,576 bytes"),
    ],
)
async def test_an_imap_server_that_will_not_do_is_said(greeting: bytes, answers: dict[bytes, bytes], why: str) -> None:
    async with line_server(greeting, answers) as port:
        with pytest.raises(MailError, match=r".*") as raised:
            async with mailbox(LOOPBACK, port, "probe", "secret", None):
                pytest.fail("it was let in")
    assert raised.value.message.endswith(why)


def test_an_address_that_nobody_has_is_always_the_same_one_of_its_domain() -> None:
    assert nobodys("shop.test") == nobodys("shop.test") != nobodys("blog.test")
    assert nobodys("shop.test").endswith("@shop.test")

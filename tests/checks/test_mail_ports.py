"""SMTP and IMAP: every way in which a port says something else than it should, before TLS and in it."""

from __future__ import annotations

import contextlib
import ssl
from typing import TYPE_CHECKING

import pytest
from checks.harness import PATIENCE_S, free_port, line_server, ports_at, server_tls

from core.fleet import ServerChecks
from ops.checks import all_checks

if TYPE_CHECKING:
    import asyncio
    from pathlib import Path

    from checks.harness import AfterStartTls

GREETING = b"* OK [CAPABILITY IMAP4rev1] ready\r\n"
TAKES_STARTTLS = {b"EHLO": b"250-a\r\n250 STARTTLS\r\n", b"STARTTLS": b"220 begin\r\n"}
OFFERED = b"* CAPABILITY IMAP4rev1 STARTTLS\r\na OK done\r\n"


async def smtp(port: int, *, mail_name: str | None = None, timeout_s: float = PATIENCE_S) -> tuple[str, ...] | None:
    checks = ServerChecks(smtp=port, mail_name=mail_name)
    return await all_checks()["smtp"].look(ports_at(checks, timeout_s=timeout_s), "one")


async def imap(port: int) -> tuple[str, ...] | None:
    return await all_checks()["imap"].look(ports_at(ServerChecks(imap=port)), "one")


@pytest.mark.parametrize(
    ("greeting", "answers", "said"),
    [
        (b"554 no service\r\n", {}, "SMTP: it says '554 no service'"),
        (b"220 a\r\n", {b"EHLO": b"421 busy\r\n"}, "SMTP: it says '421 busy'"),
        (
            b"220-a\r\n220 b\r\n",
            {b"EHLO": b"250-a\r\n250 STARTTLS\r\n", b"STARTTLS": b"454 no certificate\r\n"},
            "SMTP: it says '454 no certificate'",
        ),
        (b"220 a\r\n", {}, "SMTP: it closed the connection too soon"),
        (b"\x07\r\n", {}, "SMTP: it says '?'"),
        (b"x" * 70000, {}, "SMTP: it answers, but not in SMTP"),
    ],
)
async def test_each_way_not_to_speak_smtp_is_said(greeting: bytes, answers: dict[bytes, bytes], said: str) -> None:
    async with line_server(greeting, answers) as port:
        assert await smtp(port) == (said,)


async def test_a_mail_server_that_is_not_there_is_said() -> None:
    port = free_port()
    assert await smtp(port) == (f"SMTP: connection refused at port {port}",)


@pytest.fixture
def begin_tls(tmp_path: Path) -> AfterStartTls:
    """Go on in TLS, with a certificate that signs itself."""
    context = server_tls(tmp_path)

    async def begin(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ssl.SSLError):
            await writer.start_tls(context)
            await reader.read()

    return begin


async def test_any_certificate_will_do_where_no_name_is_asked_for(begin_tls: AfterStartTls) -> None:
    async with line_server(b"220 a\r\n", TAKES_STARTTLS, begin_tls) as port:
        assert await smtp(port) == ()


async def test_one_that_signs_itself_is_said_where_a_name_is(begin_tls: AfterStartTls) -> None:
    async with line_server(b"220 a\r\n", TAKES_STARTTLS, begin_tls) as port:
        assert await smtp(port, mail_name="mail.test") == ("SMTP: its certificate is self-signed",)


async def test_a_mail_server_without_starttls_is_said() -> None:
    async with line_server(b"220-STARTTLS\r\n220 STARTTLS\r\n", {b"EHLO": b"250-a\r\n250 SIZE\r\n"}) as port:
        assert await smtp(port) == ("SMTP: it offers no STARTTLS",)


async def talk_nonsense(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(1)
    writer.write(b"554 what is this?\r\n")
    await reader.read()


async def hang_up(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    await reader.read(1)


async def hang_up_at_once(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()


async def fall_silent(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while await reader.read(65536):
            pass


@pytest.mark.parametrize(
    ("after_starttls", "timeout_s", "said"),
    [
        (talk_nonsense, PATIENCE_S, "SMTP: TLS failed: wrong version number"),
        (hang_up, PATIENCE_S, "SMTP: it broke the connection off"),
        (hang_up_at_once, PATIENCE_S, "SMTP: it broke the connection off"),
        (fall_silent, 0.5, "SMTP: no TLS connection within 0.5 s"),
    ],
)
async def test_each_way_not_to_begin_tls_is_said(after_starttls: AfterStartTls, timeout_s: float, said: str) -> None:
    async with line_server(b"220 a\r\n", TAKES_STARTTLS, after_starttls) as port:
        assert await smtp(port, timeout_s=timeout_s) == (said,)


@pytest.mark.parametrize(
    ("greeting", "answers"), [(b"", {}), (b"220-slow", {}), (b"220 a\r\n", {b"EHLO": b"250-a\r\n"})]
)
async def test_a_server_that_falls_silent_is_said_with_the_time(greeting: bytes, answers: dict[bytes, bytes]) -> None:
    async with line_server(greeting, answers) as port:
        assert await smtp(port, timeout_s=0.5) == ("SMTP: no answer within 0.5 s",)


async def test_an_imap_server_with_starttls_is_well(begin_tls: AfterStartTls) -> None:
    answers = {b"a CAPABILITY": OFFERED, b"b STARTTLS": b"b OK begin\r\n"}
    async with line_server(GREETING, answers, begin_tls) as port:
        assert await imap(port) == ()


@pytest.mark.parametrize(
    ("greeting", "answers", "said"),
    [
        (b"* BYE busy\r\n", {}, "IMAP: it says '* BYE busy'"),
        (GREETING, {b"a": b"* CAPABILITY IMAP4rev1\r\na OK done\r\n"}, "IMAP: it offers no STARTTLS"),
        (GREETING, {b"a": OFFERED, b"b": b"b NO not now\r\n"}, "IMAP: it says 'b NO not now'"),
        (GREETING, {b"a": b"* BYE shutting down\r\n"}, "IMAP: it says '* BYE shutting down'"),
        (GREETING, {}, "IMAP: it closed the connection too soon"),
    ],
)
async def test_each_way_not_to_speak_imap_is_said(greeting: bytes, answers: dict[bytes, bytes], said: str) -> None:
    async with line_server(greeting, answers) as port:
        assert await imap(port) == (said,)

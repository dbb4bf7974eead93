"""SMTP and IMAP: the banner, and that STARTTLS is offered and taken."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from checks.rig import free_port, line_server, ports_at, server_tls, smtp_server

from core.fleet import ServerChecks
from ops.checks import all_checks

if TYPE_CHECKING:
    from pathlib import Path

GREETING = b"* OK [CAPABILITY IMAP4rev1] ready\r\n"
OFFERED = b"* CAPABILITY IMAP4rev1 STARTTLS\r\na OK done\r\n"


async def smtp(port: int) -> tuple[str, ...] | None:
    return await all_checks()["smtp"].look(ports_at(ServerChecks(smtp=port)), "one")


async def imap(port: int) -> tuple[str, ...] | None:
    return await all_checks()["imap"].look(ports_at(ServerChecks(imap=port)), "one")


async def test_a_mail_server_with_starttls_is_well(tmp_path: Path) -> None:
    with smtp_server(server_tls(tmp_path)) as port:
        assert await smtp(port) == ()


async def test_a_mail_server_without_starttls_is_said() -> None:
    with smtp_server(None) as port:
        assert await smtp(port) == ("SMTP: it offers no STARTTLS",)


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


async def test_an_imap_server_with_starttls_is_well() -> None:
    async with line_server(GREETING, {b"a CAPABILITY": OFFERED, b"b STARTTLS": b"b OK begin\r\n"}) as port:
        assert await imap(port) == ()


@pytest.mark.parametrize(
    ("greeting", "answers", "said"),
    [
        (b"* BYE busy\r\n", {}, "IMAP: it says '* BYE busy'"),
        (GREETING, {b"a": b"* CAPABILITY IMAP4rev1\r\na OK done\r\n"}, "IMAP: it offers no STARTTLS"),
        (GREETING, {b"a": OFFERED, b"b": b"b NO not now\r\n"}, "IMAP: it says 'b NO not now'"),
        (GREETING, {}, "IMAP: it closed the connection too soon"),
    ],
)
async def test_each_way_not_to_speak_imap_is_said(greeting: bytes, answers: dict[bytes, bytes], said: str) -> None:
    async with line_server(greeting, answers) as port:
        assert await imap(port) == (said,)

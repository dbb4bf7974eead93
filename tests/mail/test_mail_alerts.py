"""What is looked at by itself: each fault of a mail server is one message, and a well one is none."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

import pytest
from mail.harness import DOMAIN, PATIENCE_S, opened

from jobs.watch import Watcher
from lab import mail
from ops.checks import all_checks

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from lab import Lab
    from ops.ports import Ports

OF_SERVERS = ("mail", "mail_rejects", "mail_queue", "mail_recipients", "mail_delivery")


@pytest.fixture
async def ports(mail_lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Ports]:
    async with opened(mail_lab, tmp_path, monkeypatch) as ports:
        yield ports


async def found(ports: Ports, name: str, target: str) -> tuple[str, ...] | None:
    return await all_checks()[name].look(ports, target)


async def titles(ports: Ports) -> list[str]:
    return [card.reply.title for card in await ports.store.cards.waiting() if card.key.startswith("outage:")]


async def test_of_a_fleet_that_is_well_nothing_is_told(ports: Ports) -> None:
    for server in ("oslo", "lima"):
        assert {name: await found(ports, name, server) for name in OF_SERVERS} == dict.fromkeys(OF_SERVERS, ())
    assert [await found(ports, "mx", f"ns{n}") for n in (1, 2, 3)] == [(), (), ()]


async def test_what_is_looked_at_is_every_exchanger_and_every_name_server(ports: Ports) -> None:
    for name in OF_SERVERS:
        assert [target.name for target in all_checks()[name].targets(ports.fleet)] == ["oslo", "lima"]
    assert [target.name for target in all_checks()["mx"].targets(ports.fleet)] == ["ns1", "ns2", "ns3"]


async def test_an_open_relay_is_told_once(ports: Ports, mail_lab: Lab) -> None:
    with mail.setting(mail_lab, "oslo", mynetworks="0.0.0.0/0"):
        task = asyncio.create_task(Watcher(ports).run())
        try:
            async with asyncio.timeout(PATIENCE_S):
                while not await titles(ports):  # noqa: ASYNC110 - others change it
                    await asyncio.sleep(0.1)
            await asyncio.sleep(2)
            (title,) = await titles(ports)
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
    assert "oslo" in title
    assert "is degraded: it takes mail of strangers for strangers (an open relay)" in title


async def test_greylisting_is_told_by_no_check(ports: Ports, mail_lab: Lab) -> None:
    grey = f"inline:{{ {{{DOMAIN} = 450 4.2.0 Greylisted}} }}"
    with mail.setting(mail_lab, "lima", smtpd_recipient_restrictions=f"check_recipient_access {grey}"):
        assert [await found(ports, name, "lima") for name in OF_SERVERS] == [(), (), (), (), None]

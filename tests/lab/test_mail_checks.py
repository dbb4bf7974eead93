"""The checks of mail servers, at a real Postfix and a real Dovecot: all well, and each thing that can be wrong."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from lab import Lab, tls
from ops.checks import _starttls as starttls
from ops.checks import all_checks
from ops.clock import SystemClock
from ops.fleetfile import examine

if TYPE_CHECKING:
    from collections.abc import Iterator

    from core.fleet import Fleet
    from lab.small_fleet import SmallFleet
    from ops.ports import Ports

KINDS = ["smtp", "imap"]
MAIL_NAME = "mail.fjord.example"


def with_mail(tree: dict[str, Any]) -> None:
    """Give both servers mail, but a certificate for it to only one."""
    # What a busy machine may take is no trouble here.
    tree["watch"]["timeout"] = "20s"
    tree["servers"]["oslo"]["checks"] = {"smtp": 2525, "imap": 1143, "mail_name": MAIL_NAME}
    tree["servers"]["lima"]["checks"] = {"smtp": 2526, "imap": 1144}


@pytest.fixture(scope="module")
def mail_lab(tmp_path_factory: pytest.TempPathFactory, small_fleet: SmallFleet) -> Iterator[Lab]:
    fleet_file = small_fleet(tmp_path_factory.mktemp("mail"), with_mail)
    with Lab(fleet_file, fleet_file.parent / ".lab") as lab:
        yield lab


@pytest.fixture
def fleet(mail_lab: Lab, monkeypatch: pytest.MonkeyPatch) -> Iterator[Fleet]:
    """Give the fleet as its file describes it, while this process trusts the lab's authority."""
    found, problems = examine(mail_lab.fleet.file, mail_lab.env)
    assert found, problems
    monkeypatch.setenv("SSL_CERT_FILE", mail_lab.env["SSL_CERT_FILE"])
    starttls.verifying.cache_clear()
    yield found
    starttls.verifying.cache_clear()


async def said(fleet: Fleet, kind: str, server: str = "oslo") -> tuple[str, ...] | None:
    ports = cast("Ports", SimpleNamespace(fleet=fleet, clock=SystemClock()))
    return await all_checks()[kind].look(ports, server)


def asked(fleet: Fleet, mail_name: str | None, certificate: timedelta = timedelta(days=14)) -> Fleet:
    """Return the fleet with something else asked of the certificate of Oslo's mail."""
    oslo = fleet.servers["oslo"]
    checks = replace(oslo.checks, mail_name=mail_name, mail_certificate=certificate)
    return replace(fleet, servers={**fleet.servers, "oslo": replace(oslo, checks=checks)})


def impatient(fleet: Fleet) -> Fleet:
    return replace(fleet, watch=replace(fleet.watch, timeout=timedelta(milliseconds=500)))


@pytest.mark.parametrize("kind", KINDS)
class TestAMailServer:
    async def test_with_a_certificate_for_its_name_is_well(self, fleet: Fleet, kind: str) -> None:
        assert await said(fleet, kind) == ()

    async def test_that_offers_no_starttls_is_said(self, fleet: Fleet, kind: str) -> None:
        assert await said(fleet, kind, "lima") == (f"{kind.upper()}: it offers no STARTTLS",)

    async def test_with_a_certificate_for_another_name_is_said(self, fleet: Fleet, kind: str) -> None:
        found = await said(asked(fleet, "mail.ceviche.example"), kind)
        assert found == (f"{kind.upper()}: its certificate is for another name",)

    async def test_whose_certificate_ends_soon_is_said_with_the_days_left(self, fleet: Fleet, kind: str) -> None:
        found = await said(asked(fleet, MAIL_NAME, timedelta(days=40)), kind)
        assert found == (f"{kind.upper()}: its certificate ends in 29 days",)

    async def test_whose_authority_nobody_trusts_is_said_where_a_name_is_asked_for(
        self, fleet: Fleet, kind: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("SSL_CERT_FILE")
        starttls.verifying.cache_clear()
        (found,) = await said(fleet, kind) or ("",)
        assert found == f"{kind.upper()}: its certificate is signed by an authority that this machine does not trust"
        assert await said(asked(fleet, None), kind) == ()

    async def test_that_is_frozen_is_said_with_the_time(self, mail_lab: Lab, fleet: Fleet, kind: str) -> None:
        mail_lab.freeze("oslo")
        try:
            found = await said(impatient(fleet), kind)
        finally:
            mail_lab.back("oslo")
        assert found == (f"{kind.upper()}: no answer within 0.5 s",)

    async def test_that_is_killed_is_said_and_well_when_it_is_back(
        self, mail_lab: Lab, fleet: Fleet, kind: str
    ) -> None:
        mail_lab.drop("oslo")
        try:
            found = await said(fleet, kind)
        finally:
            mail_lab.back("oslo")
        port = {"smtp": 2525, "imap": 1143}[kind]
        assert found == (f"{kind.upper()}: connection refused at port {port}",)
        assert await said(fleet, kind) == ()


async def test_a_certificate_that_has_expired_is_said_only_where_a_name_is_asked_for(
    mail_lab: Lab, fleet: Fleet
) -> None:
    unnamed = asked(fleet, None)
    with tls.expired(mail_lab.authority, mail_lab.host("oslo").folder):
        mail_lab.restart_host("oslo")
        found = {kind: (await said(fleet, kind), await said(unnamed, kind)) for kind in KINDS}
    mail_lab.restart_host("oslo")
    assert found == {kind: ((f"{kind.upper()}: its certificate has expired",), ()) for kind in KINDS}
    assert [await said(fleet, kind) for kind in KINDS] == [(), ()]

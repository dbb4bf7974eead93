"""Who takes which mail."""

from __future__ import annotations

import pytest

from core.fleet import Mail, MailDomain, ProbeMailbox, SecretRef

GARDEN, SHOP = MailDomain("garden.test", ("north", "south")), MailDomain("shop.test", ("south", "east"))
MAIL = Mail({"garden.test": GARDEN, "shop.test": SHOP})


def test_a_server_has_the_domains_whose_mail_it_takes() -> None:
    assert [MAIL.domains_of(name) for name in ("north", "south", "west")] == [(GARDEN,), (GARDEN, SHOP), ()]


def test_every_exchanger_is_named_once() -> None:
    assert MAIL.exchangers == ("north", "south", "east")


@pytest.mark.parametrize("user", ["probe", "probe@garden.test"])
def test_a_mailbox_has_the_address_of_its_login(user: str) -> None:
    mailbox = ProbeMailbox(user, SecretRef("env", "X"))
    assert mailbox.address_in("garden.test") == "probe@garden.test"

"""Who takes which mail."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from core.errors import UsageError
from core.fleet import Mail, MailDomain, ProbeMailbox, SecretRef
from core.fleet.lookup import mail_domain_named

if TYPE_CHECKING:
    from core.fleet import Fleet

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


@pytest.mark.parametrize("typed", ["garden.test", "Garden.test.", "ann@garden.test"])
def test_a_person_names_a_mail_domain_or_an_address_in_it(fleet: Fleet, typed: str) -> None:
    assert mail_domain_named(typed, replace(fleet, mail=MAIL)) == GARDEN


@pytest.mark.parametrize(
    ("mail", "hint"), [(MAIL, "Did you mean garden.test?"), (None, "app.yaml has none under mail.domains.")]
)
def test_a_domain_that_is_none_is_refused_with_what_there_is(fleet: Fleet, mail: Mail | None, hint: str) -> None:
    with pytest.raises(UsageError, match=r"^'gardn\.test' is no mail domain of this fleet\.$") as raised:
        mail_domain_named("gardn.test", replace(fleet, mail=mail))
    assert raised.value.hint == hint

"""Labs with mail: real Postfix and Dovecot on two servers, and a sender outside; one lab a file of tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from mail.harness import with_mail

from lab import Lab
from lab.small_fleet import address_blocks, write_small_fleet

if TYPE_CHECKING:
    from collections.abc import Iterator

BLOCKS = address_blocks()


@pytest.fixture(scope="module")
def mail_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Bring up a lab with mail that each test leaves as it was, but for mail that was read."""
    fleet_file = write_small_fleet(tmp_path_factory.mktemp("mail"), next(BLOCKS), with_mail)
    with Lab(fleet_file, fleet_file.parent / ".lab") as lab:
        yield lab

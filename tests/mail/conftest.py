"""Labs with mail: real Postfix and Dovecot on two servers, and a sender outside; one lab a file of tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from mail.harness import ANN, BOB, with_mail
from mail.mirrored import Post, with_mirror
from sync.harness import SharedLab, lab_to_share, rigged

from lab import Lab
from lab.small_fleet import address_blocks, write_small_fleet

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

BLOCKS = address_blocks()


@pytest.fixture(scope="module")
def mail_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Bring up a lab with mail that each test leaves as it was, but for mail that was read."""
    fleet_file = write_small_fleet(tmp_path_factory.mktemp("mail"), next(BLOCKS), with_mail)
    with Lab(fleet_file, fleet_file.parent / ".lab") as lab:
        yield lab


@pytest.fixture(scope="module")
def mirrored_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SharedLab]:
    """Bring up a lab whose mailboxes are kept alike."""
    with lab_to_share(tmp_path_factory.mktemp("mirrored"), with_mirror) as shared:
        yield shared


@pytest.fixture
async def post(mirrored_lab: SharedLab, tmp_path: Path) -> AsyncIterator[Post]:
    """Open a process with a store of its own on that lab, in which Ann and Bob have no mail yet."""
    async with rigged(mirrored_lab, tmp_path / "store.sqlite") as rig:
        post = Post(rig)
        for user in (ANN, BOB):
            post.empty(user)
        yield post

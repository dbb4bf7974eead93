"""Hostile dumps and servers between real servers of both engines: one lab a worker, a site of its own a test."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pytest
from databases.harness import with_databases
from sync.conftest import rig
from sync.harness import SharedLab, lab_to_share

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["rig"]
SITES = 15


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SharedLab]:
    """Bring up a lab whose sites are given out one a test; none takes the last one."""
    with lab_to_share(tmp_path_factory.mktemp("lab"), partial(with_databases, sites=SITES)) as shared:
        yield shared

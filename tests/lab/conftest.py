"""Labs for tests: each at its own addresses, and down again whatever happens."""

import contextlib
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from lab import Lab
from lab.small_fleet import Change, SmallFleet, StartLab, address_blocks, write_small_fleet


@pytest.fixture(scope="session")
def small_fleet() -> SmallFleet:
    """Write a small fleet's app.yaml: `small_fleet(folder, change=None)`; `change` may alter the tree before."""
    if os.geteuid() != 0:
        pytest.fail("tests against real servers need root: run them with `make test`, which asks sudo")
    blocks = address_blocks()

    def write(folder: Path, change: Change | None = None) -> Path:
        return write_small_fleet(folder, next(blocks), change)

    return write


@pytest.fixture
def start_lab() -> Iterator[StartLab]:
    """Bring a lab up for one test: `start_lab(fleet_file, records={})`."""
    with contextlib.ExitStack() as labs:

        def start(fleet_file: Path, records: Mapping[str, Sequence[str]] | None = None) -> Lab:
            return labs.enter_context(Lab(fleet_file, fleet_file.parent / ".lab", records=records))

        yield start


@pytest.fixture
def lab(tmp_path: Path, small_fleet: SmallFleet, start_lab: StartLab) -> Lab:
    """Give one test a lab of its own, to break as it likes."""
    return start_lab(small_fleet(tmp_path))


@pytest.fixture(scope="module")
def shared_lab(tmp_path_factory: pytest.TempPathFactory, small_fleet: SmallFleet) -> Iterator[Lab]:
    """Give a file of tests one lab, which none of them breaks."""
    fleet_file = small_fleet(tmp_path_factory.mktemp("shared"))
    with Lab(fleet_file, fleet_file.parent / ".lab") as lab:
        yield lab

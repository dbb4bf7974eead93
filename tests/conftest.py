"""What holds for all tests: how Hypothesis makes its examples, and which are run first."""

from __future__ import annotations

import os
from itertools import islice
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, Phase, settings

if TYPE_CHECKING:
    import pytest

# No deadline, and no look at how long examples take to draw: both measure time, and a busy machine fails by them.
# The same examples each time, or a change would fail by what another one broke; pytest --hypothesis-profile=random
# draws others.
settings.register_profile(
    "same", deadline=None, derandomize=True, print_blob=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("random", settings.get_profile("same"), derandomize=False)
# For tests/mutants: that a test fails is all there is to know, whatever the smallest example would be.
settings.register_profile("unshrunk", settings.get_profile("same"), phases=[Phase.explicit, Phase.generate])
settings.load_profile("same")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give each of the processes that share the tests some of the long ones first: begun last, one would run alone.

    Long are those with a time limit of their own. Each process begins with an equal part of the list.
    """
    own = {item: mark.args[0] for item in items if (mark := item.get_closest_marker("timeout")) is not None}
    long = sorted(own, key=lambda item: -own[item])
    others = iter([item for item in items if item not in own])
    processes, left = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")), len(items)
    ordered: list[pytest.Item] = []
    for number in range(processes):
        size = left // (processes - number)
        first = long[number::processes]
        ordered += [*first, *islice(others, max(0, size - len(first)))]
        left -= size
    items[:] = [*ordered, *others]

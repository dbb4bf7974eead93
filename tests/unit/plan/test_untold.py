"""What plans say of what has not happened: nothing."""

from __future__ import annotations

import pytest
from unit.untold import said_untold

from core.plan.plan import Failover, Move, Plan, ZoneChange
from core.plan.progress import CutoverProgress, LateFiles, NameServerProgress
from core.plan.restore import Restore


@pytest.mark.parametrize(
    "kind", [Move, ZoneChange, Failover, Plan, NameServerProgress, LateFiles, CutoverProgress, Restore]
)
def test_what_has_not_happened_is_nothing(kind: type) -> None:
    assert said_untold(kind) == ({"there": "files", "recorded": True} if kind is Restore else {})

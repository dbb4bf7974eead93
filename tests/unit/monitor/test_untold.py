"""What states say of what has not happened: nothing."""

from __future__ import annotations

import pytest
from unit.untold import said_untold

from core.monitor.detection import Judgement
from core.monitor.state import StateTally


@pytest.mark.parametrize("kind", [StateTally, Judgement])
def test_what_has_not_happened_is_nothing(kind: type) -> None:
    assert said_untold(kind) == {}

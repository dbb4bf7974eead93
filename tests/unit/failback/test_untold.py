"""What comparisons say of what has not happened: nothing."""

from __future__ import annotations

import pytest
from unit.untold import said_untold

from core.failback.compare import Comparison


@pytest.mark.parametrize("kind", [Comparison])
def test_what_has_not_happened_is_nothing(kind: type) -> None:
    assert said_untold(kind) == {}

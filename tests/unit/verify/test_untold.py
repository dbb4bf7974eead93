"""What proofs say of what has not happened: nothing."""

from __future__ import annotations

import pytest
from unit.untold import said_untold

from core.verify.compare import Proof


@pytest.mark.parametrize("kind", [Proof])
def test_what_has_not_happened_is_nothing(kind: type) -> None:
    assert said_untold(kind) == {}

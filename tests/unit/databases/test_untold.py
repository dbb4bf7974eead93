"""What copies of databases say of what has not happened: nothing."""

from __future__ import annotations

import pytest
from unit.untold import said_untold

from core.databases.copies import DatabaseState


@pytest.mark.parametrize("kind", [DatabaseState])
def test_what_has_not_happened_is_nothing(kind: type) -> None:
    assert said_untold(kind) == {}

"""What pages say of what has not happened: nothing."""

from __future__ import annotations

import pytest
from unit.untold import said_untold

from core.page.days import Day
from core.page.model import Page
from core.page.redaction import Redaction


@pytest.mark.parametrize("kind", [Day, Page, Redaction])
def test_what_has_not_happened_is_nothing(kind: type) -> None:
    assert said_untold(kind) == {}

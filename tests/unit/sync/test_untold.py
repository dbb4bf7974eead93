"""What results of syncs say of what has not happened: nothing."""

from __future__ import annotations

import pytest
from unit.untold import said_untold

from core.sync.result import SyncProgress, SyncResult
from core.sync.rsync_output import PathChange, Stats
from core.sync.served import AddressAnswer, Doubt
from core.sync.undo import UndoResult


@pytest.mark.parametrize("kind", [SyncProgress, SyncResult, PathChange, Stats, AddressAnswer, Doubt, UndoResult])
def test_what_has_not_happened_is_nothing(kind: type) -> None:
    assert said_untold(kind) == {}

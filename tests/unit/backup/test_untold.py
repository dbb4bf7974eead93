"""What results of backups say of what has not happened: nothing."""

from __future__ import annotations

import pytest
from unit.untold import said_untold

from core.backup.report import ListedBackup
from core.backup.result import BackupResult
from core.backup.sample import RestoreTestResult


@pytest.mark.parametrize("kind", [ListedBackup, BackupResult, RestoreTestResult])
def test_what_has_not_happened_is_nothing(kind: type) -> None:
    assert said_untold(kind) == {}

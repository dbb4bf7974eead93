"""The demo has a store of its own in the folder where it runs, and takes nobody else's."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.demo import MARK, STORE, _fresh_store
from lab.errors import NotTheLabsError


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def files() -> list[str]:
    return sorted(str(file) for file in Path().rglob("*") if file.is_file())


def test_a_store_that_is_there_is_left_alone_and_named() -> None:
    STORE.write_text("somebody's")
    with pytest.raises(NotTheLabsError, match=r"sharpnet\.db is there already"), _fresh_store():
        pass
    assert (STORE.read_text(), files()) == ("somebody's", ["sharpnet.db"])


def test_a_store_that_was_moved_away_beside_it_is_still_there_after_the_demo() -> None:
    for name in ("sharpnet.db.old", "sharpnet.db2", "sharpnet.db-wal.old"):
        Path(name).write_text("somebody's")
    with _fresh_store():
        for end in ("", "-wal", "-shm"):
            Path(f"{STORE}{end}").write_text("the demo's")
    assert files() == ["sharpnet.db-wal.old", "sharpnet.db.old", "sharpnet.db2"]


def test_what_a_killed_demo_has_left_is_begun_anew() -> None:
    MARK.parent.mkdir()
    MARK.touch()
    STORE.write_text("the last demo's")
    with _fresh_store():
        assert files() == [str(MARK)]
    assert files() == []

"""Who only looks leaves nothing behind: no store is made that was not there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bot.terminal.main import main

FLEET = Path(__file__).parents[3] / "app.yaml"


@pytest.mark.parametrize(
    ("line", "exit_code"),
    [
        ("status", 1),
        ("sites", 0),
        ("history --verify", 0),
        ("incidents", 0),
        ("maintenance", 0),
        ("failback uk", 0),
        ("ack 1", 2),
        ("approve K7Q2", 2),
    ],
)
def test_a_command_that_only_looks_or_is_refused_makes_no_store(
    line: str, exit_code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A demo may run on this machine: these addresses are nobody's.
    elsewhere = re.sub(r"\b127\.(\d\d)\.", r"127.1\1.", FLEET.read_text())
    (tmp_path / "app.yaml").write_text(elsewhere)
    monkeypatch.chdir(tmp_path)
    for name in ("SHARPNET_CONFIG", "DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(SystemExit) as ended:
        main(line.split())
    assert ended.value.code == exit_code
    assert [file.name for file in tmp_path.iterdir()] == ["app.yaml"]

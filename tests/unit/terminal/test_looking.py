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


@pytest.mark.parametrize("place", ["kept", "kept/store.db"])
def test_a_store_that_others_can_write_is_not_opened(
    place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "store.db").touch()
    (tmp_path / place).chmod(0o777)
    (tmp_path / "app.yaml").write_text(FLEET.read_text())
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SHARPNET_CONFIG", raising=False)
    monkeypatch.setenv("DATABASE_URL", "sqlite:///kept/store.db")
    with pytest.raises(SystemExit) as ended:
        main(["history"])
    assert ended.value.code == 2
    said = " ".join(capsys.readouterr().err.split())
    assert "can be changed by everybody" in said
    assert "chmod o-w" in said

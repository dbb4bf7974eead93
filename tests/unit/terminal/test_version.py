"""`sharpnet --version` answers on whatever machine and in whatever state."""

from __future__ import annotations

import platform
import re
from typing import TYPE_CHECKING

import pytest

from bot.terminal.main import main
from bot.terminal.version import sqlite_version, version_lines

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SHARPNET_CONFIG", "DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)


def typed(capsys: pytest.CaptureFixture[str], *words: str) -> list[str]:
    """Return what is printed for a line that is all right."""
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 0
    return capsys.readouterr().out.splitlines()


def test_what_runs_is_told_with_its_versions() -> None:
    own, python, sqlite, *_ = version_lines({})
    assert re.fullmatch(r"sharpnet (\d+\.\d+\.\d+|of this folder \(not installed\))", own)
    assert python == f"Python {platform.python_version()}"
    assert sqlite == f"SQLite {sqlite_version()}"
    assert re.fullmatch(r"3\.\d+\.\d+", sqlite_version())


def test_the_files_are_told_in_full_and_whether_they_are_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "fleet.yaml").touch()
    environ = {"SHARPNET_CONFIG": "fleet.yaml", "DATABASE_URL": "sqlite:///kept/store.db"}
    assert version_lines(environ)[3:] == [
        f"fleet file {tmp_path}/fleet.yaml (there)",
        f"store {tmp_path}/kept/store.db (not there)",
    ]
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "store.db").touch()
    assert version_lines(environ)[4] == f"store {tmp_path}/kept/store.db (there)"


def test_a_database_that_is_not_known_is_said_beside_the_fleet_file(tmp_path: Path) -> None:
    lines = version_lines({"DATABASE_URL": "postgresql://bot:hunter2@db/sharpnet"}, f"{tmp_path}/app.yaml")
    assert lines[3] == f"fleet file {tmp_path}/app.yaml (not there)"
    assert lines[4] == (
        "store not known: DATABASE_URL begins with 'postgresql', which is not known here. "
        "Use sqlite:///PATH, or leave it out for sharpnet.db beside app.yaml."
    )


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("", "there, but no file"),
        ("app.yaml/inside", "not there"),
        (300 * "x", "cannot be looked at: File name too long"),
    ],
)
def test_a_path_that_is_no_file_is_said(tmp_path: Path, name: str, said: str) -> None:
    (tmp_path / "app.yaml").touch()
    assert version_lines({}, str(tmp_path / name))[3] == f"fleet file {tmp_path / name} ({said})"


@pytest.mark.parametrize("option", ["--version", "-V"])
def test_it_is_answered_for_a_fleet_file_that_cannot_be_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], option: str
) -> None:
    (tmp_path / "app.yaml").write_text("{{{")
    there = [f"fleet file {tmp_path}/app.yaml (there)", f"store {tmp_path}/sharpnet.db (not there)"]
    assert typed(capsys, "--config", f"{tmp_path}/app.yaml", option)[3:] == there
    assert typed(capsys, option, "--config", f"{tmp_path}/app.yaml")[3:] == there


def test_a_long_path_stays_on_its_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    deep = tmp_path / "/".join(20 * ["a-folder-of-some-length"]) / "app.yaml"
    assert typed(capsys, "--config", str(deep), "-V")[3] == f"fleet file {deep} (not there)"

"""The unit in the handbook is one that systemd knows all of, and lets little through."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

HANDBOOK = Path(__file__).parents[2] / "docs/handbook.md"
# As systemd counts it, times ten.
EXPOSED = 17


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """Write the unit, with a program that this machine has."""
    lines = HANDBOOK.read_text().partition("    [Unit]\n")[2].partition("WantedBy=multi-user.target\n")[0].splitlines()
    text = "\n".join(["[Unit]", *(line.strip() for line in lines), "WantedBy=multi-user.target", ""])
    written = tmp_path / "sharpnet.service"
    written.write_text(re.sub(r"ExecStart=\S+", "ExecStart=/usr/bin/true", text))
    return written


def analyze(*words: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["systemd-analyze", "--no-pager", *words], capture_output=True, text=True, check=False)


def test_systemd_knows_all_that_the_unit_says(unit: Path) -> None:
    seen = analyze("verify", "--man=no", unit)
    assert (seen.returncode, [line for line in seen.stderr.splitlines() if unit.name in line]) == (0, [])
    unit.write_text(unit.read_text().replace("ProtectClock=yes", "ProtectWatch=yes"))
    assert "ProtectWatch" in analyze("verify", "--man=no", unit).stderr


def test_the_unit_takes_away_what_it_took_away_when_it_was_tried(unit: Path) -> None:
    seen = analyze("security", "--offline=yes", f"--threshold={EXPOSED}", unit)
    assert seen.returncode == 0, seen.stdout.splitlines()[-1]
    unit.write_text(unit.read_text().replace("CapabilityBoundingSet=\n", ""))
    assert analyze("security", "--offline=yes", f"--threshold={EXPOSED}", unit).returncode != 0

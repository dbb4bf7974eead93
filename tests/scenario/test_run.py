"""`sharpnet run` as a platform starts it: what it says when it cannot, and how it stops."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from lab.small_fleet import write_small_fleet

if TYPE_CHECKING:
    from collections.abc import Mapping

SHARPNET = Path(sys.executable).parent / "sharpnet"
TOKENS = {"SLACK_BOT_TOKEN": "xoxb-test", "SLACK_APP_TOKEN": "xapp-test"}
WAIT_S = 30.0


def without_slack(tree: dict[str, Any]) -> None:
    del tree["slack"]


def start(folder: Path, environ: Mapping[str, str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [SHARPNET, "run"],
        cwd=folder,
        env={**os.environ, **environ},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        (TOKENS, "Slack's tokens are set, but app.yaml has no slack section"),
        ({"DATABASE_URL": "mysql://somewhere"}, "DATABASE_URL begins with 'mysql', which is not known here"),
        ({"SHARPNET_CONFIG": "nowhere.yaml"}, "nowhere.yaml"),
        ({"SLACK_BOT_TOKEN": "xoxb-test"}, "SLACK_APP_TOKEN"),
    ],
)
def test_a_bot_that_cannot_run_says_why_in_words_and_ends(
    tmp_path: Path, environ: Mapping[str, str], said: str
) -> None:
    write_small_fleet(tmp_path, "127.0.77.", without_slack)
    bot = start(tmp_path, environ)
    out, _ = bot.communicate(timeout=WAIT_S)
    assert bot.returncode == 2, out
    assert said in out
    assert "Traceback" not in out


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_bot_that_is_told_to_stop_ends_in_order(tmp_path: Path, number: signal.Signals) -> None:
    write_small_fleet(tmp_path, "127.0.77.", without_slack)
    bot = start(tmp_path, {})
    assert bot.stdout is not None
    deadline = time.monotonic() + WAIT_S
    lines = []
    while time.monotonic() < deadline and not any("serving" in line for line in lines):
        lines.append(bot.stdout.readline())
    bot.send_signal(number)
    out, _ = bot.communicate(timeout=WAIT_S)
    assert bot.returncode == 0, "".join(lines) + out
    assert "Traceback" not in "".join(lines) + out

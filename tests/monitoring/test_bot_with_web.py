"""`sharpnet run` with a web section in app.yaml."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lab.small_fleet import write_small_fleet

if TYPE_CHECKING:
    from collections.abc import Callable

SHARPNET = Path(sys.executable).parent / "sharpnet"
WAIT_S = 30.0


def start(folder: Path, port: int, environ: dict[str, str] | None = None) -> subprocess.Popen[str]:
    def change(tree: dict[str, Any]) -> None:
        if environ is None:
            del tree["slack"]
        tree["web"] = {"port": port}

    write_small_fleet(folder, "127.0.78.", change)
    env = {**os.environ, **(environ or {})}
    output = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    return subprocess.Popen([SHARPNET, "run"], cwd=folder, env=env, text=True, **output)


def answer(url: str) -> tuple[int, str]:
    deadline = time.monotonic() + WAIT_S
    while True:
        try:
            with urllib.request.urlopen(url, timeout=5) as found:  # noqa: S310 - our own
                return found.status, found.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except urllib.error.URLError:
            assert time.monotonic() < deadline
            time.sleep(0.05)


def test_a_bot_answers_monitoring_on_its_own_machine_only_and_still_ends_in_order(
    tmp_path: Path, free_port: Callable[[], int]
) -> None:
    port = free_port()
    bot = start(tmp_path, port)
    try:
        assert answer(f"http://127.0.0.1:{port}/healthz") == (200, '{"ok": true}')
        assert "sharpnet_build_info" in answer(f"http://127.0.0.1:{port}/metrics")[1]
        assert "slack" not in json.loads(answer(f"http://127.0.0.1:{port}/readyz")[1])
        with socket.socket() as other:
            assert other.connect_ex(("127.0.0.2", port)) != 0
    finally:
        bot.send_signal(signal.SIGTERM)
        out, _ = bot.communicate(timeout=WAIT_S)
    assert bot.returncode == 0, out
    assert "Traceback" not in out


def test_a_bot_whose_port_slack_needs_says_so_and_does_not_start(tmp_path: Path, free_port: Callable[[], int]) -> None:
    port = free_port()
    bot = start(tmp_path, port, {"SLACK_BOT_TOKEN": "xoxb-x", "SLACK_SIGNING_SECRET": "x", "PORT": str(port)})
    out, _ = bot.communicate(timeout=WAIT_S)
    assert bot.returncode == 2, out
    assert f"PORT and web.port in app.yaml are both {port}" in out


def test_a_bot_whose_port_is_taken_says_so_and_does_not_start(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        bot = start(tmp_path, other.getsockname()[1])
        out, _ = bot.communicate(timeout=WAIT_S)
    assert bot.returncode == 2, out
    assert "cannot be listened on" in out
    assert "Traceback" not in out

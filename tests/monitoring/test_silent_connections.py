"""`sharpnet run`, with 1,024 file descriptors, while connections come to its port that say nothing."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import signal
import socket
import subprocess
import time
from typing import TYPE_CHECKING, Any

import pytest
from monitoring.harness import answering
from monitoring.test_bot_with_web import SHARPNET, WAIT_S, answer

from lab.small_fleet import write_small_fleet

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

BLOCK = "127.0.79."
# With `every: 1s`, `retry: 200ms` and `down_after: 2`, an alert is there in less.
LASTS_S = 6.0
# Nobody can log in there, which is all that is wrong with them.
SEEN = {"up", "degraded"}
BANNER = b"SSH-2.0-here\r\n"


@pytest.fixture(autouse=True)
def enough_descriptors() -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(before[0], min(4096, before[1])), before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


@contextlib.contextmanager
def running(folder: Path, port: int, environ: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    def change(tree: dict[str, Any]) -> None:
        if not environ:
            del tree["slack"]
        tree["web"] = {"port": port}

    write_small_fleet(folder, BLOCK, change)
    log = (folder / "log").open("wb")
    words = ["prlimit", "--nofile=1024:1024", SHARPNET, "run"]
    with log, answering(f"{BLOCK}1", 2222, BANNER), answering(f"{BLOCK}2", 2022, BANNER):
        bot = subprocess.Popen(words, cwd=folder, env={**os.environ, **environ}, stdout=log, stderr=log)
        try:
            yield bot
        finally:
            bot.send_signal(signal.SIGTERM)
            bot.wait(WAIT_S)


def state_of(web: str, server: str) -> str:
    named = f'sharpnet_server_state{{server="{server}",state="'
    page = answer(f"{web}/metrics")[1]
    return next(line.removeprefix(named).partition('"')[0] for line in page.splitlines() if line.startswith(named))


def outages(web: str) -> float:
    page = answer(f"{web}/metrics")[1]
    return next(float(line.split()[1]) for line in page.splitlines() if line.startswith("sharpnet_outages_open "))


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT_S
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.2)


def keep_silent(port: int, how_many: int, lasts_s: float) -> None:
    """Hold so many connections, each opened again as soon as it is closed."""
    silent: list[socket.socket] = []
    deadline = time.monotonic() + lasts_s
    try:
        while time.monotonic() < deadline:
            while len(silent) < how_many:
                one = socket.create_connection(("127.0.0.1", port), timeout=WAIT_S)
                one.settimeout(0)
                silent.append(one)
            time.sleep(0.1)
            silent = [one for one in silent if is_open(one)]
    finally:
        for one in silent:
            one.close()


def is_open(one: socket.socket) -> bool:
    try:
        ended = one.recv(1) == b""
    except BlockingIOError:
        return True
    except ConnectionError:
        ended = True
    if ended:
        one.close()
    return not ended


def test_silent_connections_neither_blind_the_watch_nor_close_the_pages(
    tmp_path: Path, free_port: Callable[[], int]
) -> None:
    port = free_port()
    web = f"http://127.0.0.1:{port}"
    with running(tmp_path, port, {}) as bot:
        wait_until(lambda: {state_of(web, name) for name in ("oslo", "lima")} <= SEEN)
        wait_until(lambda: outages(web) > 0)
        time.sleep(3)
        before = outages(web)
        keep_silent(port, 1040, LASTS_S)
        assert bot.poll() is None
        assert json.loads(answer(f"{web}/readyz")[1])["watch"] == "ok"
        assert {state_of(web, name) for name in ("oslo", "lima")} <= SEEN
        assert outages(web) == before
    log = (tmp_path / "log").read_text()
    assert "Traceback" not in log
    assert "web=closed" in log


def test_silent_connections_to_slacks_port_do_not_blind_the_watch(tmp_path: Path, free_port: Callable[[], int]) -> None:
    port, slack_port = free_port(), free_port()
    web = f"http://127.0.0.1:{port}"
    slack = {
        "SLACK_BOT_TOKEN": "xoxb-x",
        "SLACK_SIGNING_SECRET": "x",
        "PORT": str(slack_port),
        "SLACK_API_URL": "http://127.0.0.1:9/api/",
    }
    with running(tmp_path, port, slack) as bot:
        wait_until(lambda: {state_of(web, name) for name in ("oslo", "lima")} <= SEEN)
        keep_silent(slack_port, 1040, LASTS_S)
        assert bot.poll() is None
        assert answer(f"http://127.0.0.1:{slack_port}/healthz") == (200, '{"ok": true}')
        assert {state_of(web, name) for name in ("oslo", "lima")} <= SEEN
    assert "Traceback" not in (tmp_path / "log").read_text()

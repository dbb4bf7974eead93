"""The demo's fleet, a local Slack, the bot, and a real browser on its page."""

from __future__ import annotations

import fcntl
import os
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from browser.chromium import chromium
from ruamel.yaml import YAML

from lab import Lab
from lab.slack import LocalSlack

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Page

TOP = Path(__file__).parents[2]
SHARPNET = Path(sys.executable).parent / "sharpnet"
END_S = 20


@dataclass(frozen=True)
class Demo:
    """What the demo is made of: its lab, its Slack, and a line typed in a second terminal."""

    lab: Lab
    slack: LocalSlack
    config: Path

    def type(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Type `sharpnet WORDS` in a terminal beside the bot."""
        return subprocess.run(
            [SHARPNET, "--config", self.config, *words],
            check=False,
            capture_output=True,
            text=True,
            timeout=60,
            env=os.environ | self.lab.env,
        )


@pytest.fixture
def alone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Wait until no other test has the demo's addresses, which its pictures show."""
    with (tmp_path_factory.getbasetemp().parent / "demo.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@pytest.fixture
def demo(tmp_path: Path, alone: None) -> Iterator[Demo]:  # noqa: ARG001 -- it holds the addresses meanwhile
    """Bring up what `make demo` does, from a copy of its fleet file that looks a little more often."""
    yaml = YAML(typ="safe", pure=True)
    tree: dict[str, Any] = yaml.load(TOP / "app.yaml")
    tree["watch"] |= {"every": "1s", "retry": "300ms", "timeout": "1s"}
    config = tmp_path / "app.yaml"
    yaml.dump(tree, config)
    with (
        Lab(config, tmp_path / ".lab" / "demo") as lab,
        LocalSlack.for_fleet(config, tmp_path / "slack", port=_free_port()) as slack,
        (tmp_path / "bot.log").open("wb") as log,
    ):
        demo = Demo(lab, slack, config)
        copied = demo.type("sync", "--all")
        assert copied.returncode == 0, copied.stdout + copied.stderr
        bot = subprocess.Popen(
            [SHARPNET, "--config", config, "run"], env=os.environ | lab.env | slack.env, stdout=log, stderr=log
        )
        try:
            slack.wait_for_bot()
            yield demo
        finally:
            bot.terminate()
            bot.wait(END_S)


@pytest.fixture
def page(demo: Demo) -> Iterator[Page]:
    """Open the local Slack's page in Debian's Chromium, as Alice, in the ops channel."""
    with chromium() as browser:
        page = browser.new_page(viewport={"width": 1180, "height": 900}, device_scale_factor=2)
        page.goto(demo.slack.url)
        page.locator(".composer-input").wait_for()
        yield page


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])

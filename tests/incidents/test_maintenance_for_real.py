"""A maintenance around a real server that dies, asked for in the terminal, with a bot that is killed in the middle."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from core.wording import stamp
from lab import Lab
from lab.small_fleet import address_blocks, write_small_fleet
from ops.store.sqlite.driver import sqlite3

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SHARPNET = Path(sys.executable).parent / "sharpnet"
WAIT_S = 60.0


class Fleet:
    """A lab, and a bot for it that can be killed."""

    def __init__(self, lab: Lab, folder: Path) -> None:
        self.lab = lab
        self._folder = folder
        self._env = {**os.environ, **lab.env, "LOGNAME": "alice"}
        self._bots: list[subprocess.Popen[bytes]] = []

    def start(self) -> None:
        log = (self._folder / "bot.log").open("ab")
        self._bots.append(subprocess.Popen([SHARPNET, "run"], cwd=self._folder, env=self._env, stdout=log, stderr=log))
        log.close()

    def kill(self) -> None:
        for bot in self._bots:
            bot.kill()
            bot.wait(timeout=WAIT_S)
        self._bots.clear()

    def type_in(self, *words: str) -> str:
        return subprocess.run(
            [SHARPNET, *words],
            cwd=self._folder,
            env=self._env,
            check=False,
            capture_output=True,
            text=True,
            timeout=WAIT_S,
        ).stdout

    def asked(self, *words: str) -> Any:  # noqa: ANN401 - JSON
        return json.loads(self.type_in(*words, "--json"))

    def kinds(self) -> list[str]:
        return [f"{kind} {subject}" for kind, subject in self._read("SELECT kind, subject FROM record ORDER BY seq")]

    def was_seen(self, state: str, since: str) -> bool:
        """Return whether a bot has looked at the server since then, and found it to be so."""
        found = self._read("SELECT state, seen_at FROM states WHERE target = 'server:oslo'")
        return any(one == state and seen_at > since for one, seen_at in found)

    def _read(self, sql: str) -> list[tuple[str, str]]:
        if not (self._folder / "sharpnet.db").exists():
            return []
        with contextlib.closing(sqlite3.connect(self._folder / "sharpnet.db")) as store:
            try:
                return store.execute(sql).fetchall()
            except sqlite3.OperationalError:
                # The bot that makes the tables has not come to it yet.
                return []


def now() -> str:
    return stamp(datetime.now(UTC))


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT_S
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.1)


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    def change(tree: dict[str, Any]) -> None:
        del tree["slack"]

    config = write_small_fleet(tmp_path, next(address_blocks()), change)
    with Lab(config, tmp_path / ".lab") as lab:
        fleet = Fleet(lab, tmp_path)
        try:
            yield fleet
        finally:
            fleet.kill()


def test_a_bot_killed_during_a_maintenance_goes_on_keeping_quiet_and_what_is_down_at_its_end_alerts(
    fleet: Fleet,
) -> None:
    since = now()
    fleet.start()
    until(lambda: fleet.was_seen("up", since))
    assert "Maintenance M1 of oslo until " in fleet.type_in("maintenance", "oslo", "1h", "new disks")
    fleet.lab.drop("oslo")
    until(lambda: "maintenance.silenced server:oslo" in fleet.kinds())

    fleet.kill()
    since_again = now()
    fleet.start()
    until(lambda: fleet.was_seen("down", since_again))
    kinds = fleet.kinds()
    assert kinds.count("maintenance.silenced server:oslo") == 1
    assert "outage.opened server:oslo" not in kinds

    assert "has ended after" in fleet.type_in("maintenance", "end", "M1")
    until(lambda: "outage.opened server:oslo" in fleet.kinds())
    assert "Outage 1 of oslo: the cause is kept" in fleet.type_in("cause", "a disk died")
    fleet.lab.back("oslo")
    until(lambda: "outage.closed server:oslo" in fleet.kinds())
    outage, maintenance = fleet.asked("incidents")["incidents"]
    assert (outage["id"], outage["cause"], outage["until"] is None) == ("1", "a disk died", False)
    assert (maintenance["id"], maintenance["cause"], maintenance["until"] is None) == ("M1", "new disks", False)
    assert "The record is whole" in fleet.type_in("history", "--verify")

"""A small fleet of real servers, a bot for it in a process of its own, and the channel in which the bot tells of it."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from lab import LabError
from lab.slack import shown_in
from ops.store.sqlite.driver import sqlite3

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lab import Lab
    from lab.slack import LocalSlack, Message

SHARPNET = Path(sys.executable).parent / "sharpnet"
ALICE = "U01ALICE"
WAIT_S = 60.0
LOOK_EVERY_S = 0.2
STAMP = "%Y-%m-%dT%H:%M:%f000Z"
TIMES = {
    "states": ("since_at", "seen_at"),
    "observed": ("from_at", "until_at"),
    "outages": ("opened_at",),
    "cards": ("made_at", "changed_at"),
}
ALL_WELL = "small: oslo up, lima up; 4 of 4 sites served, 3 of 3 name servers in step"


def much_looked_at(tree: dict[str, Any]) -> None:
    """Let everything that the faults touch be looked at every second, and nothing that this machine's load touches."""
    tree["watch"]["timeout"] = "2s"
    for number, server in enumerate(tree["servers"].values()):
        server["web"]["https"] = 8443 + number
        server["checks"] = {"host": {"every": "1s", "disk": "99%", "memory": "100%", "units": False}}
        server.pop("status_page", None)
    for site in tree["sites"].values():
        site["check"]["within"] = "300ms"


class OpsRoom:
    """A lab, a local Slack, and the bot; the bot's store is in `folder`, so that the next bot goes on with it."""

    def __init__(
        self, lab: Lab, fleet_file: Path, slack: LocalSlack, folder: Path, environ: dict[str, str] | None = None
    ) -> None:
        self.lab = lab
        self.slack = slack
        self.fleet_file = fleet_file
        self.store = folder / "sharpnet.db"
        self.log = folder / "bot.log"
        self.env = {
            **os.environ,
            **lab.env,
            **slack.env,
            "SHARPNET_CONFIG": str(fleet_file),
            "DATABASE_URL": f"sqlite:///{self.store}",
            **(environ or {}),
        }

    @contextlib.contextmanager
    def bot(self) -> Iterator[int]:
        """Run a bot until the block ends; it is killed then, as a machine is that loses its power. Its process id."""
        before = sum("socket connected" in entry["summary"] for entry in self.slack.log())
        with self.log.open("ab") as log:
            bot = subprocess.Popen([SHARPNET, "run"], env=self.env, stdout=log, stderr=log)
        try:
            self._wait_until_connected(before + 1)
            self.until_status_says(ALL_WELL)
            yield bot.pid
            assert bot.poll() is None, self.log.read_text()
        finally:
            bot.kill()
            bot.wait(WAIT_S)

    def _wait_until_connected(self, times: int) -> None:
        try:
            self.slack.wait_for_bot(times, WAIT_S)
        except LabError as error:
            pytest.fail(f"{error}. The bot's log:\n{self.log.read_text()}")

    def let_an_hour_pass(self) -> None:
        """Move all that a bot, which must not run, has seen an hour into the past: servers' clocks are not off then."""
        with contextlib.closing(sqlite3.connect(self.store)) as store, store:
            for table, columns in TIMES.items():
                moved = ", ".join(f"{column} = strftime('{STAMP}', {column}, '-1 hour')" for column in columns)
                store.execute(f"UPDATE {table} SET {moved}")  # noqa: S608 - names of our own

    def in_channel(self) -> list[Message]:
        """Give what everybody sees in the channel."""
        return list(filter(_everybody_sees, self.slack.messages()))

    def told(self, words: str) -> Message:
        """Wait until the channel says `words`, and give its message, which must be the only one."""
        self.slack.wait_for_message(lambda message: _everybody_sees(message) and words in shown_in(message), WAIT_S)
        return self.only_message()

    def only_message(self) -> Message:
        """Give the message of the channel, which must have exactly one."""
        found = self.in_channel()
        assert len(found) == 1, [shown_in(message) for message in found]
        return found[0]

    def until_status_says(self, words: str) -> None:
        """Ask for the status until the answer says `words`; each answer is waited for, so that none is an older one."""
        deadline = time.monotonic() + WAIT_S
        said: list[str] = []
        while not any(words in one for one in said):
            assert time.monotonic() < deadline, said
            known = len(self._answers())
            self.slack.command(ALICE, "status")
            while not (said := self._answers()[known:]):
                assert time.monotonic() < deadline, "no answer to `status`"
                time.sleep(LOOK_EVERY_S)

    def _answers(self) -> list[str]:
        return [shown_in(message) for message in self.slack.messages() if "ephemeral_to" in message]


def _everybody_sees(message: Message) -> bool:
    """Return whether it stands in the channel itself: no line of a thread, and no answer to one person."""
    return "ephemeral_to" not in message and message.get("thread_ts") in {None, message["ts"]}

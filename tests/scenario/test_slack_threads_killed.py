"""A bot that is killed the moment after Slack has handed it a reply: each is kept, and none twice."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from lab.small_fleet import write_small_fleet
from ops.store.sqlite.driver import sqlite3

if TYPE_CHECKING:
    from conftest import Shelf

    from core.incident.notes import Annotation
    from lab.slack import LocalSlack

SHARPNET = Path(sys.executable).parent / "sharpnet"
ALICE = "U01ALICE"
KILLS = 5
WAIT_S = 60.0


def start(folder: Path, slack: LocalSlack) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [SHARPNET, "run"],
        cwd=folder,
        env={**os.environ, **slack.env},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.STDOUT,
    )


def notes(shelf: Shelf) -> tuple[Annotation, ...]:
    (outage,) = shelf._do(lambda store: store.outages.all_open())
    return outage.annotations


def test_a_reply_under_a_message_that_the_bot_did_not_know_it_had_posted_is_kept(
    tmp_path: Path, slack: LocalSlack, shelf: Shelf
) -> None:
    write_small_fleet(tmp_path, "127.0.79.")
    bot = start(tmp_path, slack)
    try:
        alert = slack.wait_for_message(lambda message: "Nothing at all answers" in message["text"], WAIT_S)
        bot.kill()
        bot.wait()
        # As if it had been killed between Slack's answer and the store, which is a matter of milliseconds.
        with contextlib.closing(sqlite3.connect(shelf.path)) as store, store:
            store.execute("UPDATE cards SET channel = NULL, ts = NULL, posted_revision = 0, tried_at = made_at")
        reply = slack.reply(alert, "they mend it", ALICE)
        # It is connected before it may post: the claim of the killed one has to run out.
        bot = start(tmp_path, slack)
        slack.wait_for_message(lambda message: message["ts"] == reply["ts"] and bool(message.get("reactions")), WAIT_S)
    finally:
        bot.kill()
        bot.wait()
    assert [said.text for said in notes(shelf)] == ["they mend it"]
    assert len([one for one in slack.messages() if "Nothing at all answers" in one["text"]]) == 1


def test_each_reply_is_kept_once_though_the_bot_is_killed_after_each(
    tmp_path: Path, slack: LocalSlack, shelf: Shelf
) -> None:
    write_small_fleet(tmp_path, "127.0.78.")
    written = [f"reply {number}" for number in range(KILLS)]
    bot = start(tmp_path, slack)
    try:
        # No server of this fleet runs.
        alert = slack.wait_for_message(lambda message: "Nothing at all answers" in message["text"], WAIT_S)
        for number, text in enumerate(written, start=2):
            slack.reply(alert, text, ALICE)
            bot.kill()
            bot.wait()
            bot = start(tmp_path, slack)
            slack.wait_for_bot(number, WAIT_S)
        deadline = time.monotonic() + WAIT_S
        while len(notes(shelf)) < KILLS:
            assert time.monotonic() < deadline, notes(shelf)
            time.sleep(0.1)
        last = slack.reply(alert, "the last one", ALICE)
        slack.wait_for_message(lambda message: message["ts"] == last["ts"] and bool(message.get("reactions")), WAIT_S)
    finally:
        bot.kill()
        bot.wait()
    assert sorted(said.text for said in notes(shelf)) == sorted([*written, "the last one"])

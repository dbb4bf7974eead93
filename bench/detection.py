"""How long from a server's death until the alert stands in Slack, beside what the fleet's settings allow."""

import asyncio
import random
import time
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from statistics import mean, median

from bench.bots import running_bot
from bench.fleets import CHANNEL, PEOPLE, server_names, write_fleet
from bench.result import Row, seconds
from core.wording import from_stamp
from lab import Lab
from lab.slack import LocalSlack, Message
from ops.store.sqlite.driver import sqlite3

BLOCK = "127.210.2."
PORT = 3210
# Each drops once: what drops again within a minute flaps, and that is told otherwise.
DROPS = SERVERS = 10
EVERY_S, RETRY_S, DOWN_AFTER = 3.0, 0.5, 2
WATCH: dict[str, object] = {"every": "3s", "retry": "500ms", "timeout": "2s", "down_after": DOWN_AFTER, "up_after": 2}
MARGIN_S = 1.0
WAIT_S = 30.0
# Until all has been looked at once: a server that was never seen up has not dropped.
FIRST_LOOKS_S = 2 * EVERY_S


async def measure(folder: Path) -> list[Row]:
    """Kill servers at random moments, one after the other, and wait for each one's message."""
    config = write_fleet(folder / "app.yaml", BLOCK, sites=12, servers=SERVERS, watch=WATCH)
    slack = LocalSlack(folder / "slack", port=PORT, channel=CHANNEL, users=PEOPLE)
    with Lab(config, folder / ".lab") as lab, slack, running_bot(config, {**lab.env, **slack.env}) as bot:
        bot.wait_until_serving()
        slack.wait_for_bot()
        await asyncio.sleep(FIRST_LOOKS_S)
        store = config.with_suffix(".db")
        drops = [_drop_one(lab, slack, store, name) for name in server_names(SERVERS)]
    known, took = [one for one, _ in drops], [one for _, one in drops]
    confirming_s = (DOWN_AFTER - 1) * RETRY_S
    law_s, worst_s = EVERY_S / 2 + confirming_s, EVERY_S + confirming_s
    held = mean(took) <= law_s + MARGIN_S and max(took) <= worst_s + MARGIN_S
    return [
        Row(
            f"kill → alert in Slack (port refused, every {EVERY_S:.0f} s, retry {RETRY_S} s, {DOWN_AFTER} failures; "
            f"{DROPS} drops)",
            f"mean {seconds(mean(took))}, median {seconds(median(took))}, worst {seconds(max(took))}",
            f"the settings allow: mean {seconds(law_s)}, worst {seconds(worst_s)}; "
            f"until it was in the store: mean {seconds(mean(known))}, worst {seconds(max(known))}",
            f"that + {MARGIN_S:.0f} s",
            held,
        )
    ]


def _drop_one(lab: Lab, slack: LocalSlack, store: Path, name: str) -> tuple[float, float]:
    """Return the seconds until the alert was in the store, and until it was in Slack."""
    time.sleep(random.uniform(0, EVERY_S))  # noqa: S311 - a moment, not a secret
    known = {message["ts"] for message in slack.messages()}

    def says_so(message: Message) -> bool:
        return message["ts"] not in known and str(message["text"]).startswith(f"{name} is down")

    began, began_at = time.perf_counter(), datetime.now(UTC)
    lab.drop(name)
    alert = slack.wait_for_message(says_so, WAIT_S)
    took_s = time.perf_counter() - began
    stored_s = (_newest_card_at(store) - began_at).total_seconds()
    lab.back(name)
    # The same message says that it is back: only then is the next drop a first one.
    slack.wait_for_message(
        lambda message: message["ts"] == alert["ts"] and "is down" not in str(message["text"]), WAIT_S
    )
    return stored_s, took_s


def _newest_card_at(store: Path) -> datetime:
    with closing(sqlite3.connect(store)) as connection:
        return from_stamp(connection.execute("SELECT max(made_at) FROM cards").fetchone()[0])

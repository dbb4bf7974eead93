"""What an idle bot takes of memory and processor, and how late its event loop runs while it copies all sites."""

import json
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

from bench.bots import running_bot
from bench.fleets import CHANNEL, PEOPLE, write_fleet
from bench.processes import PROJECT
from bench.result import Row, seconds, share_at
from lab import Lab
from lab.slack import LocalSlack, Message

BLOCK = "127.210.5."
PORT = 3220
SITES = (12, 40)
# Memory is read so long after the start; the processor time is that of the last of it.
MEMORY_AFTER_S, IDLE_S = 30.0, 20.0
# Half of it passes first: the lag of the start is not what is measured.
LAG_S = 8.0
SYNC_S = 90.0
MOST_BYTES = 110_000_000
MOST_CPU = 0.01
MOST_LAG_S = 0.01
MEGABYTE = 1_000_000


async def measure(folder: Path) -> list[Row]:
    """Let two bots idle side by side on one lab, each with its own view of the fleet; then one copies all sites."""
    configs = {sites: write_fleet(folder / f"app-{sites}.yaml", BLOCK, sites=sites) for sites in SITES}
    largest = configs[max(SITES)]
    with Lab(largest, folder / ".lab") as lab:
        rows = _idle(configs, lab.env, folder)
        with LocalSlack(folder / "slack", port=PORT, channel=CHANNEL, users=PEOPLE) as slack:
            rows.append(_lag(largest, {**lab.env, **slack.env}, slack))
    return rows


def _idle(configs: dict[int, Path], environment: dict[str, str], folder: Path) -> list[Row]:
    with ExitStack() as stack:
        bots = {}
        for number, (sites, config) in enumerate(configs.items()):
            slack = LocalSlack(folder / f"slack-{sites}", port=PORT + number, channel=CHANNEL, users=PEOPLE)
            stack.enter_context(slack)
            bots[sites] = stack.enter_context(running_bot(config, {**environment, **slack.env}))
        for bot in bots.values():
            bot.wait_until_serving()
        time.sleep(MEMORY_AFTER_S - IDLE_S)
        before = {sites: bot.cpu_s for sites, bot in bots.items()}
        time.sleep(IDLE_S)
        rows = []
        for sites, bot in bots.items():
            cpu = (bot.cpu_s - before[sites]) / IDLE_S
            rss = bot.rss_bytes
            rows += [
                Row(
                    f"memory of an idle bot after {MEMORY_AFTER_S:.0f} s, {sites} sites, Slack connected",
                    f"{rss / MEGABYTE:.0f} MB",
                    target=f"< {MOST_BYTES / MEGABYTE:.0f} MB",
                    met=rss < MOST_BYTES,
                ),
                Row(
                    f"processor of that bot over {IDLE_S:.0f} s (all looked at every 30 s)",
                    f"{cpu:.2%} of a core",
                    target=f"< {MOST_CPU:.0%}",
                    met=cpu < MOST_CPU,
                ),
            ]
        return rows


def _lag(config: Path, environment: dict[str, str], slack: LocalSlack) -> Row:
    """Compare with an empty loop that runs at the same time: what both suffer is the machine's doing."""
    gauge = (sys.executable, "-m", "bench.gauge")
    ours, empty = config.with_suffix(".lag"), config.with_suffix(".empty-lag")
    beside = subprocess.Popen([*gauge, str(empty)], cwd=PROJECT, stdin=subprocess.DEVNULL)
    try:
        with running_bot(config, environment, (*gauge, str(ours), "run")) as bot:
            bot.wait_until_serving()
            slack.wait_for_bot()
            time.sleep(LAG_S / 2)
            began = time.monotonic()
            time.sleep(LAG_S)
            syncing = time.monotonic()
            slack.command(PEOPLE[0], "sync --all")
            slack.wait_for_message(_is_report, SYNC_S)
            ended = time.monotonic()
    finally:
        beside.terminate()
        beside.wait()
    idle, busy = (_p99(ours, span) for span in ((began, syncing), (syncing, ended)))
    empty_idle, empty_busy = (_p99(empty, span) for span in ((began, syncing), (syncing, ended)))
    return Row(
        f"event loop late, p99: idle; while it copies all {max(SITES)} sites ({seconds(ended - syncing)})",
        f"{seconds(idle)}; {seconds(busy)}",
        f"an empty loop at the same time: {seconds(empty_idle)}; {seconds(empty_busy)}",
        f"< {seconds(MOST_LAG_S)}",
        busy < MOST_LAG_S,
    )


def _is_report(message: Message) -> bool:
    return "are fresh" in str(message.get("text", ""))


def _p99(samples: Path, span: tuple[float, float]) -> float:
    since, until = span
    return share_at([late_s for at_s, late_s in json.loads(samples.read_text()) if since <= at_s <= until], 0.99)

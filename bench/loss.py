"""An hour on a line that loses packets: what the bot calls down meanwhile, of servers that are all up."""

import asyncio
import urllib.request
from pathlib import Path

from bench.bots import running_bot
from bench.fleets import CHANNEL, PEOPLE, write_fleet
from bench.processes import LOOPBACK, free_port
from bench.result import Row
from lab import Lab, faults
from lab.slack import LocalSlack

BLOCK = "127.211.2."
PORT = 3211
SERVERS, SITES = 10, 40
LOST_PERCENT = 5
HOUR_S = 3600.0
# Looked at more often than docs advise: there is more to be mistaken about.
WATCH: dict[str, object] = {"every": "10s", "retry": "1s", "timeout": "5s", "down_after": 3, "up_after": 2}
# Until all has been looked at once, and what is told of a start was told.
FIRST_LOOKS_S = 30.0
LOOKS = "sharpnet_looks_total "


async def measure(folder: Path) -> list[Row]:
    """Lose packets for an hour and count what the channel was told."""
    config = write_fleet(folder / "app.yaml", BLOCK, sites=SITES, servers=SERVERS, watch=WATCH)
    port = free_port()
    with config.open("a", encoding="utf-8") as lines:
        lines.write(f"web: {{address: {LOOPBACK}, port: {port}}}\n")
    slack = LocalSlack(folder / "slack", port=PORT, channel=CHANNEL, users=PEOPLE)
    with Lab(config, folder / ".lab") as lab, slack, running_bot(config, {**lab.env, **slack.env}) as bot:
        bot.wait_until_serving()
        slack.wait_for_bot()
        await asyncio.sleep(FIRST_LOOKS_S)
        known, before = len(slack.messages()), _looks(port)
        with faults.lossy(lab, LOST_PERCENT) as lost:
            await asyncio.sleep(HOUR_S)
            packets = lost()
        told, looks = slack.messages()[known:], _looks(port) - before
    said = "; ".join(str(message.get("text", "")) for message in told)
    return [
        Row(
            f"alerts in {HOUR_S / 60:.0f} minutes in which {LOST_PERCENT} % of all packets are lost, each way "
            f"({SERVERS} servers, {SITES} sites, 6 name servers, all up; every 10 s, 3 failures 1 s apart)",
            f"{len(told)}{said and f': {said}'}",
            f"{looks:,.0f} looks; {packets:,} packets were lost",
            "none",
            not told,
        )
    ]


def _looks(port: int) -> float:
    with urllib.request.urlopen(f"http://{LOOPBACK}:{port}/metrics", timeout=10) as answer:
        lines = answer.read().decode().splitlines()
    return next(float(line.removeprefix(LOOKS)) for line in lines if line.startswith(LOOKS))

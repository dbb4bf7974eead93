"""How long `/sharpnet status` takes inside the bot, from 10 sites to 10,000: it should not matter how many."""

import os
import time
from pathlib import Path
from statistics import median

from bench.fleets import fill_store, write_fleet
from bench.result import Row, seconds, share_at
from bench.start import ENVIRONMENT, make_key
from bot.settings import Settings
from bot.wiring import open_ports
from commands import answer, split_line
from core.people import Person, Role

BLOCK = "127.210.4."
SIZES = (10, 100, 1_000, 10_000)
CALLS = 200
P99_TARGET_S = 0.05
ALICE = Person("U01ALICE", "slack", frozenset(Role))


async def measure(folder: Path) -> list[Row]:
    """Ask 200 times in each fleet, one after the other."""
    os.environ.update(ENVIRONMENT)
    rows: list[Row] = []
    for sites in SIZES:
        config = write_fleet(folder / str(sites) / "app.yaml", BLOCK, sites=sites)
        make_key(config)
        store = config.with_suffix(".db")
        async with open_ports(Settings(config, store)) as ports:
            await fill_store(store, ports.fleet)
            took: list[float] = []
            for _ in range(CALLS):
                began = time.perf_counter()
                await answer(split_line("status"), ALICE, "slack", ports)
                took.append(time.perf_counter() - began)
        first, later = took[0], share_at(took, 0.99)
        rows.append(
            Row(
                f"`/sharpnet status` inside the bot, {sites:,} sites ({CALLS} calls)",
                f"p50 {seconds(median(took))}, p99 {seconds(later)}",
                f"the first {seconds(first)}",
                f"p99 < {seconds(P99_TARGET_S)}",
                later < P99_TARGET_S,
            )
        )
    return rows

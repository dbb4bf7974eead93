"""How long the bot takes to serve, and a `status` in the terminal, with few sites and with many."""

import time
from pathlib import Path
from statistics import median

from bench.bots import run_command, running_bot
from bench.fleets import fill_store, write_fleet
from bench.result import Row, seconds, spread
from ops.fleetfile import load_fleet

BLOCK = "127.210.3."
ENVIRONMENT = {"BENCH_TSIG": "YmVuY2ggYmVuY2ggYmVuY2ggYmVuY2ggYmVuY2ggYmU="}
SIZES = {10: 5, 10_000: 3}
START_TARGET_S = 2.0


async def measure(folder: Path) -> list[Row]:
    """Start bots and type `status`, each a process of its own; nothing of these fleets answers."""
    rows: list[Row] = []
    for sites, rounds in SIZES.items():
        config = write_fleet(folder / str(sites) / "app.yaml", BLOCK, sites=sites)
        make_key(config)
        load_s = [_timed_load(config) for _ in range(rounds)]
        start_s = [_timed_start(config) for _ in range(rounds)]
        fleet = load_fleet(config, ENVIRONMENT)
        status_s: list[float] = []
        for _ in range(rounds):
            # Afresh each time, or what was seen would be too old to answer with.
            await fill_store(config.with_suffix(".db"), fleet)
            status_s.append(run_command(config, ENVIRONMENT, "status"))
        share = median(load_s) / median(status_s)
        start = median(start_s)
        rows += [
            Row(
                f"`sharpnet run` → serving, {sites:,} sites",
                spread(start_s),
                f"of it reading the fleet file {seconds(median(load_s))}",
                f"< {START_TARGET_S:.0f} s",
                start < START_TARGET_S,
            ),
            Row(
                f"`sharpnet status`, whole process, {sites:,} sites",
                spread(status_s),
                f"of it reading the fleet file {seconds(median(load_s))} ({share:.0%})",
            ),
        ]
    help_s = [run_command(config, ENVIRONMENT, "help") for _ in range(max(SIZES.values()))]
    rows.append(Row("`sharpnet help`: Python and imports alone", spread(help_s)))
    return rows


def make_key(config: Path) -> None:
    """Put something where the fleet file says that the bot's key is: no server of these fleets will ask for it."""
    key = config.parent / "keys" / "bot"
    key.parent.mkdir(parents=True, exist_ok=True)
    key.touch(mode=0o600)
    (key.parent / "known_hosts").touch()


def _timed_load(config: Path) -> float:
    began = time.perf_counter()
    load_fleet(config, ENVIRONMENT)
    return time.perf_counter() - began


def _timed_start(config: Path) -> float:
    began = time.perf_counter()
    with running_bot(config, ENVIRONMENT) as bot:
        bot.wait_until_serving()
        return time.perf_counter() - began

"""How late an event loop runs: `python -m bench.gauge FILE [WORDS…]` notes it, in a bot where words are given.

Every hundredth of a second it asks to be woken a hundredth of a second later; at the end it writes a JSON list of
(monotonic seconds, seconds late).
"""

import asyncio
import contextlib
import json
import logging
import os
import signal
import sys
import time
from pathlib import Path

from bot.running import run_bot
from bot.settings import settings_from

STEP_S = 0.01


async def gauge(samples: list[tuple[float, float]]) -> None:
    """Add one sample after the other, until cancelled."""
    while True:
        due = time.monotonic() + STEP_S
        await asyncio.sleep(STEP_S)
        now = time.monotonic()
        samples.append((now, max(0.0, now - due)))


async def _gauged(samples: list[tuple[float, float]], *, with_bot: bool) -> None:
    measuring = asyncio.create_task(gauge(samples))
    try:
        if with_bot:
            await run_bot(settings_from(os.environ))
        else:
            stopped = asyncio.Event()
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
            await stopped.wait()
    finally:
        measuring.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await measuring


def main() -> None:
    """Measure until SIGTERM, then write what was measured."""
    file, *words = sys.argv[1:]
    logging.basicConfig()  # the bot says there when it serves
    samples: list[tuple[float, float]] = []
    asyncio.run(_gauged(samples, with_bot=bool(words)))
    Path(file).write_text(json.dumps(samples), encoding="utf-8")


if __name__ == "__main__":
    main()

"""How this very process does: what no store knows of it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Histogram, ProcessCollector

if TYPE_CHECKING:
    from collections.abc import Callable

LAG_EVERY_S = 0.25
LAG_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0)


class Vitals:
    """Measured here, read by /metrics and /readyz.

    looks: says how many looks have ended since the start. slack_up: whether Slack is connected; None: it is not used.
    """

    def __init__(self, looks: Callable[[], int], *, slack: bool) -> None:
        self.looks = looks
        self.slack_up: bool | None = False if slack else None
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._lag = Histogram(
            "sharpnet_event_loop_lag_seconds",
            "How much later than asked for the bot's event loop came round.",
            buckets=LAG_BUCKETS,
            registry=self.registry,
        )

    def slack_is(self, up: bool) -> None:
        """Take in whether Slack is connected."""
        self.slack_up = up

    async def measure_lag(self) -> None:
        """Measure until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            began_s = loop.time()
            await asyncio.sleep(LAG_EVERY_S)
            self._lag.observe(max(0.0, loop.time() - began_s - LAG_EVERY_S))

"""The bot's own HTTP on a store of its own: the clock and the fleet of the tests of telling."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from monitoring.harness import TOKEN
from notify.conftest import clock, db, empty_db, free_port, lease_clock, new_db, ports, store

from bot.web.server import web_served
from bot.web.vitals import Vitals
from core.fleet import SecretRef, Web

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from ops.ports import Ports


__all__ = ["clock", "db", "empty_db", "free_port", "lease_clock", "new_db", "ports", "store"]


@pytest.fixture
def vitals() -> Vitals:
    return Vitals(lambda: 42, slack=False)


@pytest.fixture
async def web(ports: Ports, vitals: Vitals, free_port: Callable[[], int]) -> AsyncIterator[str]:
    """Serve, and give the address."""
    port = free_port()
    settings = Web(port, alertmanager=SecretRef("env", "ALERTS"))
    async with web_served(ports, settings, vitals, lambda _secret: TOKEN):
        yield f"http://127.0.0.1:{port}"

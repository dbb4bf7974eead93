from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest
from monitoring.asking import TOKEN
from notify.receivers import ShiftedClock, ports_of

from bot.web.server import web_served
from bot.web.vitals import Vitals
from core.fleet import SecretRef, Web
from ops.store import Store

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from ops.ports import Ports


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    one = Store(tmp_path / "sharpnet.db")
    await one.open()
    yield one
    await one.close()


@pytest.fixture
def ports(store: Store) -> Ports:
    return ports_of(store)


@pytest.fixture
def clock(ports: Ports) -> ShiftedClock:
    assert isinstance(ports.clock, ShiftedClock)
    return ports.clock


@pytest.fixture
def free_port() -> Callable[[], int]:
    def find() -> int:
        with socket.socket() as one:
            one.bind(("127.0.0.1", 0))
            return int(one.getsockname()[1])

    return find


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

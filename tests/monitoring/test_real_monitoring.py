"""Debian's Prometheus and Alertmanager, started for real, beside the bot's own HTTP."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import quote

import aiohttp
import pytest
from monitoring.harness import TOKEN, Monitors, ask
from notify.harness import Receiver, listening, ports_of, until

from core.fleet.target import Target
from ops.store.monitor.states import ObservedState

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ops.ports import Ports
    from ops.store import Store


@pytest.fixture
def ports(store: Store) -> Ports:
    """Let one server of the fleet be this machine, which Prometheus looks at by its address."""
    ports = ports_of(store)
    oslo = replace(ports.fleet.servers["oslo"], ipv4="127.0.0.1")
    return replace(ports, fleet=replace(ports.fleet, servers={**ports.fleet.servers, "oslo": oslo}))


async def test_prometheus_reads_the_fleet_and_what_it_calls_down_is_reported_by_alertmanager_until_it_is_up(
    ports: Ports, web: str, tmp_path: Path, free_port: Callable[[], int]
) -> None:
    machine = Receiver(port=free_port())
    monitors = Monitors(
        tmp_path, free_port(), free_port(), f"127.0.0.1:{machine.port}", web.removeprefix("http://"), TOKEN
    )
    now = ports.clock.now()
    await ports.store.states.saw([ObservedState(Target.server("oslo"), "up", now, now)], gap=timedelta(minutes=1))

    async def reported() -> list[str]:
        reports = await ports.store.external_alerts.since(now)
        return [f"{target} {len(made)}" for target, made in reports.items()]

    async def is_down() -> bool:
        # One alert of two: that a disk is full does not say that the server is down.
        return await reported() == ["server:oslo 1"]

    async def is_over() -> bool:
        return await reported() == []

    async def is_read() -> bool:
        return await value(monitors.address, 'sharpnet_server_state{server="oslo",state="up"}') == "1"

    with monitors.running():
        await until(is_down)
        await until(is_read)
        async with listening(machine):
            await until(is_over)


async def value(prometheus: str, query: str) -> str | None:
    """Return what Prometheus has for a query; None: nothing, or it is not up yet."""
    try:
        _, said = await ask(f"{prometheus}/api/v1/query?query={quote(query)}")
    except aiohttp.ClientConnectorError:
        return None
    found = json.loads(said).get("data", {}).get("result", [])
    return str(found[0]["value"][1]) if found else None

"""What real servers say of themselves over SSH, and what the watch makes of it: each one message."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from checks.harness import LOOPBACK, name_server

from bot.settings import Settings
from bot.wiring import open_ports
from core.fleet import Endpoint, HostLimits, NameServer, ServerChecks
from core.fleet.target import Target
from core.monitor.host_checks import FACTS, HostMeasurement, host_command, paths_of, sections
from jobs.watch import Watcher
from lab import Lab
from lab.small_fleet import address_blocks, write_small_fleet
from ops.checks import all_checks
from ops.dns import open_dns
from ops.fleetfile import secret_reader
from ops.probe.prober import NetProbe
from ops.ssh.pool import SshPool

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from ops.ports import Ports

BLOCKS = address_blocks()
PATIENCE_S = 40.0


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_small_fleet(tmp_path_factory.mktemp("hosts"), next(BLOCKS))


@pytest.fixture(scope="module")
def lab(config: Path) -> Iterator[Lab]:
    """Bring up a lab that no test here breaks for the next one."""
    with Lab(config, config.parent / ".lab") as lab:
        yield lab


@pytest.fixture
async def ports(lab: Lab, config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Ports]:
    for name, secret in lab.env.items():
        monkeypatch.setenv(name, secret)
    async with open_ports(Settings(config, tmp_path / "sharpnet.db")) as opened:
        yield opened


def checked(ports: Ports, limits: HostLimits, within: timedelta | None = None) -> Ports:
    """Let oslo be asked how it is under these limits, and its sites answer within a time."""
    oslo = replace(ports.fleet.servers["oslo"], checks=ServerChecks(host=limits))
    sites = {name: replace(site, check=replace(site.check, within=within)) for name, site in ports.fleet.sites.items()}
    return replace(ports, fleet=replace(ports.fleet, servers={**ports.fleet.servers, "oslo": oslo}, sites=sites))


@contextlib.asynccontextmanager
async def watching(ports: Ports) -> AsyncIterator[None]:
    task = asyncio.create_task(Watcher(ports).run())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def titles(ports: Ports) -> list[str]:
    return [card.reply.title for card in await ports.store.cards.waiting() if card.key.startswith("outage:")]


async def told(ports: Ports, words: str) -> str:
    """Wait until there is one message, and it says `words`."""
    async with asyncio.timeout(PATIENCE_S):
        while not any(words in title for title in await titles(ports)):  # noqa: ASYNC110 - others change it
            await asyncio.sleep(0.1)
    (title,) = await titles(ports)
    return title


async def test_a_real_servers_answer_is_understood(ports: Ports) -> None:
    command = host_command(paths_of(ports.fleet, "oslo"))
    ran = await ports.ssh.run("oslo", command, timeout_s=20)
    parts = sections(ran.out.decode())
    measure = HostMeasurement(HostLimits(), 0.0, float("inf"))
    # A lab's server has no systemd.
    for fact in FACTS:
        if fact.name != "units":
            fact.remark(parts[fact.name], measure)


async def test_a_server_that_is_past_its_limits_is_one_message_with_the_figures(ports: Ports) -> None:
    ports = checked(ports, HostLimits(every=timedelta(seconds=1), disk=0.0, memory=0.0))
    async with watching(ports):
        title = await told(ports, "oslo is degraded: disk ")
        await asyncio.sleep(2)
        assert len(await titles(ports)) == 1
    assert " % full; " in title
    assert " % used" in title
    assert (await ports.store.states.states())[Target.server("oslo")].state == "degraded"


def pinned_at(file: str, port: int, other: int, folder: Path) -> str:
    """Return the path of the same pins, for another port of the same machines."""
    pins = folder / "known_hosts"
    pins.write_text(Path(file).read_text(encoding="utf-8").replace(f"]:{port} ", f"]:{other} "), encoding="utf-8")
    return str(pins)


async def test_a_server_that_cannot_be_asked_is_unknown_not_well(ports: Ports, tmp_path: Path) -> None:
    oslo = ports.fleet.servers["oslo"]
    pins = pinned_at(oslo.ssh.known_hosts, oslo.ssh.port, 1, tmp_path)
    nobody_there = replace(oslo.ssh, port=1, known_hosts=pins)
    gone = replace(ports.fleet, servers={"oslo": replace(oslo, ssh=nobody_there)})
    async with contextlib.AsyncExitStack() as ending:
        ssh = SshPool(gone, secret_reader(gone))
        ending.push_async_callback(ssh.close)
        assert await all_checks()["host"].look(replace(ports, ssh=ssh), "oslo") is None


async def test_a_server_that_refuses_the_bots_key_is_not_called_well(ports: Ports) -> None:
    oslo = ports.fleet.servers["oslo"]
    locked = replace(ports.fleet, servers={"oslo": replace(oslo, ssh=replace(oslo.ssh, user="nobody"))})
    async with contextlib.AsyncExitStack() as ending:
        ssh = SshPool(locked, secret_reader(locked))
        ending.push_async_callback(ssh.close)
        said = await all_checks()["host"].look(replace(ports, ssh=ssh), "oslo")
    assert said == ("it does not let the bot log in",)


async def test_a_server_whose_host_key_is_not_pinned_is_not_called_well(ports: Ports, tmp_path: Path) -> None:
    oslo = ports.fleet.servers["oslo"]
    pins = tmp_path / "known_hosts"
    pins.write_text("", encoding="utf-8")
    other = replace(ports.fleet, servers={"oslo": replace(oslo, ssh=replace(oslo.ssh, known_hosts=str(pins)))})
    async with contextlib.AsyncExitStack() as ending:
        ssh = SshPool(other, secret_reader(other))
        ending.push_async_callback(ssh.close)
        said = await all_checks()["host"].look(replace(ports, ssh=ssh), "oslo")
    assert said == ("its SSH host key cannot be confirmed",)


async def test_a_slow_server_is_one_message(lab: Lab, ports: Ports) -> None:
    ports = checked(ports, HostLimits(), within=timedelta(milliseconds=50))
    async with watching(ports):
        await asyncio.to_thread(lab.slow, "oslo")
        try:
            title = await told(ports, "degraded")
        finally:
            await asyncio.to_thread(lab.back, "oslo")
    assert "on oslo" in title
    assert "to answer, more than 0.05 s" in title


async def test_a_name_server_that_is_lame_does_not_count_as_one_that_answers(ports: Ports, tmp_path: Path) -> None:
    with name_server(tmp_path, transfers_to="none") as port:
        settings = replace(ports.fleet.dns, nameservers=(NameServer("ns1", Endpoint(LOOPBACK, port), "Oslo"),))
        fleet = replace(ports.fleet, dns=settings)
        probe = NetProbe(fleet, ports.ssh, open_dns(fleet, secret_reader(fleet)))
        assert (await probe.nameserver("ns1", "shop.test", timeout_s=2)).ok
        lame = await probe.nameserver("ns1", "ski.example", timeout_s=2)
    assert not lame.ok
    assert lame.why

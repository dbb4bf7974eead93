"""The composition root: every port's real adapter, in one place."""

from __future__ import annotations

import contextlib
import secrets
import socket
from functools import partial
from importlib.metadata import version
from typing import TYPE_CHECKING

from core.errors import SettingsError
from jobs import all_jobs
from ops.clock import SystemClock
from ops.databases import SshDatabases
from ops.dns import open_dns
from ops.durable.engine import StoreEngine
from ops.durable.fenced import FencedDns, FencedSsh
from ops.durable.standing import StoreStanding
from ops.durable.witnesses import witnesses_of
from ops.fleetfile import load_fleet, secret_reader
from ops.ports import Ports
from ops.probe.prober import NetProbe
from ops.restic.repository import ResticRepository
from ops.ssh.pool import SshPool
from ops.store import Store
from ops.store.sqlite.database import SqliteDb
from ops.writable import why_writable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from bot.settings import Settings
    from core.fleet import Fleet


class LiveFleet:
    """Reads the fleet file again where it is no longer what it was when it was last read."""

    def __init__(self, path: Path, fleet: Fleet) -> None:
        self._path = path
        self._fleet = fleet
        self._text = path.read_bytes()

    def __call__(self) -> Fleet:
        """Return the fleet as its file says now. Raises SettingsError where it cannot be used."""
        try:
            text = self._path.read_bytes()
        except OSError as error:
            raise SettingsError(f"{self._path.name} cannot be read any more: {error.strerror}.") from error
        if text != self._text:
            # Somebody may write it in between: then it is read once more.
            self._fleet, self._text = load_fleet(self._path), text
        return self._fleet


@contextlib.asynccontextmanager
async def open_ports(settings: Settings, *, make_store: bool = True, trusts_note: bool = True) -> AsyncIterator[Ports]:
    """Open everything for the fleet of `settings`; all of it is closed again at the end.

    make_store: a store that is not there is made at once; otherwise by the first thing that is kept. trusts_note: as
    `StoreStanding` has it.
    Raises SettingsError with every problem of the fleet file, StoreError where the store cannot be opened.
    """
    fleet = load_fleet(settings.config)
    writable = why_writable(str(settings.store))
    if writable is not None and writable.serious:
        raise SettingsError(f"The store {settings.store} {writable.message}.", hint=writable.hint)
    secret = secret_reader(fleet)
    clock = SystemClock()
    store = Store(SqliteDb(settings.store, make=make_store))
    await store.open()
    pool = SshPool(fleet, secret)
    ssh = FencedSsh(pool, store)
    witnesses = witnesses_of(fleet, pool, settings.store)
    standing = StoreStanding(store, clock, witnesses, fleet.timezone, trusts_note=trusts_note)
    engine = StoreEngine(store, clock, f"{socket.gethostname()}:{secrets.token_hex(4)}", standing)
    try:
        dns = FencedDns(open_dns(fleet, secret), store, standing)
        ports = Ports(
            fleet=fleet,
            clock=clock,
            store=store,
            ssh=ssh,
            dns=dns,
            probe=NetProbe(fleet, pool, dns),
            databases=SshDatabases(ssh, secret),
            engine=engine,
            live_fleet=LiveFleet(settings.config, fleet),
            version=version("sharpnet"),
            restic=ResticRepository(fleet, fleet.offsite, ssh, secret) if fleet.offsite is not None else None,
            standing=standing,
        )
        engine.carries({job.name: partial(job.run, ports) for job in all_jobs().values() if job.durable})
        yield ports
    finally:
        await engine.close()
        await ssh.close()
        await store.close()

"""Alerts sent by a bot with a store of its own to real receivers on loopback; nothing else is started."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest
from aiosmtpd.controller import Controller
from notify.harness import Mailbox, Receiver, ShiftedClock, listening, ports_of
from store.conftest import empty_db, lease_clock, new_db, store

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from ops.contracts import Db
    from ops.ports import Ports
    from ops.store import Store

__all__ = ["empty_db", "lease_clock", "new_db", "store"]


@pytest.fixture
def db(empty_db: Db) -> Db:
    """Give a database in which nobody has anything: these tests count what is sent and shown."""
    return empty_db


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with listening(Receiver()) as one:
        yield one


@pytest.fixture
def mailbox(free_port: Callable[[], int]) -> Iterator[Mailbox]:
    box = Mailbox(free_port())
    server = Controller(box, hostname="127.0.0.1", port=box.port)
    server.start()
    yield box
    server.stop()


@pytest.fixture
def free_port() -> Callable[[], int]:
    def find() -> int:
        with socket.socket() as one:
            one.bind(("127.0.0.1", 0))
            return int(one.getsockname()[1])

    return find


@pytest.fixture
def ports(store: Store) -> Ports:
    return ports_of(store)


@pytest.fixture
def clock(ports: Ports) -> ShiftedClock:
    assert isinstance(ports.clock, ShiftedClock)
    return ports.clock

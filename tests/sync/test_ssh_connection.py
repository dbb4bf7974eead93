"""A kept connection is shared by threads: what one of them thinks of it must not cut off the others."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

import pytest

from core.fleet import SecretRef, Server, SshLogin
from ops.ssh.connection import Connection

if TYPE_CHECKING:
    from collections.abc import Callable

    import paramiko

SERVER = Server("oslo", "Oslo", SshLogin("ops", 22, SecretRef("file", "/keys/bot"), "/keys/known_hosts"), "192.0.2.1")


@dataclass
class Channel:
    transport: Transport
    closed: bool = False

    def get_transport(self) -> Transport:
        return self.transport

    def close(self) -> None:
        self.closed = True


@dataclass(eq=False)
class Transport:
    """An SSH connection. meanwhile: what another thread does while a channel is opened."""

    closed: bool = False
    meanwhile: list[Callable[[], None]] = field(default_factory=list)

    def is_active(self) -> bool:
        return not self.closed

    def open_session(self, timeout: float) -> Channel:  # noqa: ARG002  as paramiko's
        while self.meanwhile:
            self.meanwhile.pop()()
        return Channel(self)

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def transports(monkeypatch: pytest.MonkeyPatch) -> list[Transport]:
    """Keep the connections that are made, none of which leaves this process."""
    made: list[Transport] = []

    def connect(_self: Connection, _stage_s: float) -> Transport:
        made.append(Transport())
        return made[-1]

    monkeypatch.setattr(Connection, "_connect", connect)
    return made


def opened(connection: Connection) -> Channel:
    return cast("Channel", connection.open_channel(1))


def gives_back(connection: Connection, channel: Channel, *, suspect: bool) -> None:
    connection.give_back(cast("paramiko.Channel", channel), suspect=suspect)


def test_a_connection_over_which_another_begins_is_not_closed_by_who_thinks_it_dead(
    transports: list[Transport],
) -> None:
    connection = Connection(SERVER, str)
    first = opened(connection)
    transports[0].meanwhile.append(lambda: gives_back(connection, first, suspect=True))
    second = opened(connection)
    assert not transports[0].closed
    gives_back(connection, second, suspect=False)
    assert transports[0].closed


def test_what_is_thought_dead_carries_nothing_new(transports: list[Transport]) -> None:
    connection = Connection(SERVER, str)
    first, second = opened(connection), opened(connection)
    gives_back(connection, first, suspect=True)
    assert opened(connection).transport is transports[1]
    assert not transports[0].closed
    gives_back(connection, second, suspect=False)
    assert [transport.closed for transport in transports] == [True, False]


def test_a_connection_that_is_well_is_kept_for_the_next(transports: list[Transport]) -> None:
    connection = Connection(SERVER, str)
    gives_back(connection, opened(connection), suspect=False)
    gives_back(connection, opened(connection), suspect=False)
    assert [transport.closed for transport in transports] == [False]

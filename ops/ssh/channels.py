"""What the pool's threads do over channels that they open: each is given back, however it ends."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from core.errors import RefusedError, UnreachableError
from ops.contracts import HERE
from ops.limits import Allowance
from ops.own_lack import own_lack
from ops.ssh.connection import MOST_HELD_BYTES
from ops.ssh.local import LocalChannel

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import paramiko

    from core.backup.host_limits import Owner
    from ops.contracts import Ran
    from ops.ssh.command import RemoteCommand
    from ops.ssh.connection import Connection
    from ops.ssh.files import Upload
    from ops.ssh.owners import OwnerLook
    from ops.ssh.stream import JoinedStream, StreamSide


def carry_out(connections: Sequence[Connection], command: RemoteCommand, timeout_s: float) -> Ran:
    """Run a command over the one connection."""
    (connection,) = connections
    channel = connection.open_channel(timeout_s)
    try:
        return command.over(channel, connection.allowance)
    finally:
        connection.give_back(channel, suspect=not channel.eof_received)


def put(connections: Sequence[Connection], putting: Upload, timeout_s: float) -> None:
    """Put files over the one connection."""
    (connection,) = connections
    channel = connection.open_channel(timeout_s)
    broken = True
    try:
        putting.over(channel)
        broken = False
    except RefusedError:
        broken = False
        raise
    finally:
        connection.give_back(channel, suspect=broken)


def look(connections: Sequence[Connection], looking: OwnerLook, timeout_s: float) -> dict[str, Owner]:
    """Ask for owners of files over the one connection."""
    (connection,) = connections
    channel = connection.open_channel(timeout_s)
    try:
        return looking.over(channel)
    finally:
        _give_back(connection, channel)


def carry_across(connections: Sequence[Connection], joined: JoinedStream, timeout_s: float) -> tuple[Ran, Ran]:
    """Join the two connections; where there is one, what the source says is run here."""
    with contextlib.ExitStack() as channels:
        opened = []
        for connection in connections:
            channel = connection.open_channel(timeout_s)
            channels.callback(_give_back, connection, channel)
            opened.append(channel)
        for side, connection in zip((joined.sink, joined.source), reversed(connections), strict=False):
            side.allowance = connection.allowance
        if len(opened) > 1:
            return joined.over(opened[0], opened[1])
        joined.source.allowance = Allowance(HERE, MOST_HELD_BYTES)
        source = channels.enter_context(_started_here(joined.source))
        return joined.over(source, opened[0])


@contextlib.contextmanager
def _started_here(source: StreamSide) -> Iterator[LocalChannel]:
    try:
        channel = LocalChannel(source.line or "")
    except OSError as error:
        why = f"{HERE} could start no command: {error.strerror}."
        raise own_lack(error, starting=True) or UnreachableError(why) from error
    try:
        yield channel
    finally:
        channel.close()


def _give_back(connection: Connection, channel: paramiko.Channel) -> None:
    # An SFTP server is left while it runs, which says nothing against its connection.
    connection.give_back(channel, suspect=not channel.get_transport().is_active())

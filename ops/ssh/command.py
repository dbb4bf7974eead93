"""One command over one SSH channel: what goes in, what comes out, and when it has ended."""

from __future__ import annotations

import select
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import paramiko

from core.errors import TimedOutError, UnreachableError
from ops.contracts import Ran
from ops.limits import too_much
from ops.own_lack import own_lack

if TYPE_CHECKING:
    from collections.abc import Callable

    from ops.limits import Allowance
    from ops.ssh.local import LocalChannel

PIECE_BYTES = 32_768
LOOK_S = 0.25
EAGER_S = 0.01
# A server that stands still keeps its TCP connection: after so long without a word, ask whether anybody is there.
SILENCE_S = 20.0
ANSWER_S = 15.0
# Of what is read as it comes: the names of some millions of files.
MOST_TOLD_BYTES = 1_000_000_000
WRITTEN = "what a command there wrote"


@dataclass(slots=True)
class RemoteCommand:
    """A command line, carried out by `over` in a thread, and given up from another one by `give_up`.

    name: the server as messages name it. line: what the server's shell gets. deadline_s: seconds from its
    start until it is given up. took_s: how long it ran.
    """

    name: str
    line: str
    stdin: bytes
    deadline_s: float
    on_output: Callable[[bytes], None] | None = None
    took_s: float = 0.0
    _out: bytearray = field(default_factory=bytearray)
    _err: bytearray = field(default_factory=bytearray)
    _told_bytes: int = 0
    _given_up: threading.Event = field(default_factory=threading.Event)
    _channel: paramiko.Channel | None = None
    _started: bool = False

    def give_up(self) -> None:
        """Stop waiting for it, whatever it does; `over` then raises soon. May block for a moment."""
        self._given_up.set()
        channel = self._channel
        if channel is not None and not self._started:
            # Starting waits without a time limit, and only closing the channel ends that.
            channel.close()

    def over(self, channel: paramiko.Channel, allowance: Allowance) -> Ran:
        """Start it, and return when its exit status and the end of its output are both there.

        allowance: of what the server has said and nobody has taken yet.
        Raises TimedOutError, UnreachableError, OwnLackError, TooMuchError.
        """
        self._channel = channel
        began = time.monotonic()
        try:
            if self._given_up.is_set():
                raise too_late(self.name, self.deadline_s)
            channel.exec_command(self.line)
            self._started = True
            return self._attend(channel, allowance, began + self.deadline_s)
        except (paramiko.SSHException, EOFError, OSError) as error:
            given_up = self._given_up.is_set()
            why = too_late(self.name, self.deadline_s) if given_up else broken(self.name)
            raise own_lack(error) or why from error
        finally:
            allowance.give_back(len(self._out) + len(self._err))
            self.took_s = time.monotonic() - began

    def _attend(self, channel: paramiko.Channel, allowance: Allowance, ends_at: float) -> Ran:
        poller = select.poll()
        poller.register(channel.fileno(), select.POLLIN)
        to_send = memoryview(self.stdin)
        quiet_since = time.monotonic()
        while True:
            to_send = self._send(channel, to_send)
            # Asked before the last look for output, which is complete once this is true.
            ended = channel.closed or (channel.eof_received and channel.exit_status_ready())
            some = self._drain(channel, allowance)
            if ended and not some:
                return self._ended(channel)
            now = time.monotonic()
            if self._given_up.is_set() or now > ends_at:
                raise too_late(self.name, self.deadline_s)
            if some:
                quiet_since = now
                continue
            if now - quiet_since > SILENCE_S:
                ask_for_life(channel, self.name)
                quiet_since = time.monotonic()
            if channel.eof_received:
                # From here on the descriptor is always readable.
                channel.status_event.wait(LOOK_S)
            else:
                poller.poll((EAGER_S if to_send else LOOK_S) * 1000)

    def _send(self, channel: paramiko.Channel, rest: memoryview) -> memoryview:
        if rest and channel.send_ready():
            try:
                rest = rest[channel.send(rest[:PIECE_BYTES].tobytes()) :]
            except OSError:
                # It has ended without reading all of its input, as any command may.
                rest = rest[len(rest) :]
        # At once, since many a command begins when it has all of its input.
        if self.stdin and not rest and not channel.eof_sent:
            end_input(channel)
        return rest

    def _drain(self, channel: paramiko.Channel, allowance: Allowance) -> bool:
        """Take a piece of what is there: who takes all never gives up one that writes without end."""
        some = False
        if channel.recv_ready():
            piece = channel.recv(PIECE_BYTES)
            some = True
            if self.on_output is None:
                allowance.take(len(piece), WRITTEN)
                self._out += piece
            else:
                self._told_bytes += len(piece)
                if self._told_bytes > MOST_TOLD_BYTES:
                    raise too_much(self.name, WRITTEN, MOST_TOLD_BYTES)
                self.on_output(piece)
        if channel.recv_stderr_ready():
            piece = channel.recv_stderr(PIECE_BYTES)
            some = True
            allowance.take(len(piece), WRITTEN)
            self._err += piece
        return some

    def _ended(self, channel: paramiko.Channel) -> Ran:
        if channel.exit_status < 0 or not channel.eof_received:
            raise broken(self.name)
        return Ran(channel.exit_status, bytes(self._out), bytes(self._err))


def end_input(channel: paramiko.Channel | LocalChannel) -> None:
    """Let a command see the end of its input, unless it has ended without that; see `ops.ssh.pool.bounded` for why."""
    if not channel.exit_status_ready():
        channel.shutdown_write()


def ask_for_life(channel: paramiko.Channel, name: str) -> None:
    """Open and close a session: a server that stands still cannot answer. One that refuses has answered.

    Raises UnreachableError where nobody does.
    """
    try:
        channel.get_transport().open_session(timeout=ANSWER_S).close()
    except paramiko.ChannelException:
        return
    except (paramiko.SSHException, EOFError, OSError) as error:
        raise UnreachableError(
            f"{name} has fallen silent while a command ran there.",
            hint="The command may still run there; it ends by itself.",
        ) from error


def too_late(name: str, deadline_s: float) -> TimedOutError:
    """Return what to raise when `name` has not said in time how a command ended."""
    return TimedOutError(
        f"{name} did not say within {deadline_s:.3g} s how a command ended.",
        hint="It may still run there; it ends by itself.",
    )


def broken(name: str) -> UnreachableError:
    """Return what to raise when `name` ended a command without an exit status."""
    return UnreachableError(
        f"{name} ended a command without saying how: the connection broke, or it was killed there.",
        hint="Look at what it was to do before asking again.",
    )

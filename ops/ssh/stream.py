"""Two channels whose bytes one thread hands across: a dump into a database, a backup into its repository."""

from __future__ import annotations

import select
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import paramiko

from core.backup.sftp_packets import MalformedPacketError
from core.errors import RefusedError
from ops.contracts import Ran
from ops.limits import too_much
from ops.own_lack import own_lack
from ops.ssh.command import EAGER_S, LOOK_S, PIECE_BYTES, SILENCE_S, WRITTEN, ask_for_life, broken, end_input, too_late
from ops.ssh.local import LocalChannel

if TYPE_CHECKING:
    from collections.abc import Callable

    from core.backup.sftp_filter import RepositoryFilter
    from ops.limits import Allowance

SFTP = "sftp"
# What is held here when one end is slower than the other.
MOST_HELD = 1 << 20
# Twice what paramiko allows the other side to send ahead (RFC 4254, section 5.2), and does not hold it to.
MOST_UNASKED = 4 << 20
# The end of a stream that was left alone because the other one had ended: what it did does not count.
CUT_OFF = 255


@dataclass(slots=True)
class StreamSide:
    """One end. line: what the server's shell gets; None: the SFTP subsystem instead. first: what it is sent first.

    fed: it gets input. allowance: of what it has written and nobody has taken yet.
    """

    name: str
    line: str | None
    first: bytes = b""
    fed: bool = True
    channel: paramiko.Channel | LocalChannel | None = None
    to_send: bytearray = field(default_factory=bytearray)
    out: bytearray = field(default_factory=bytearray)
    err: bytearray = field(default_factory=bytearray)
    allowance: Allowance | None = None
    started: bool = False

    def start(self, channel: paramiko.Channel | LocalChannel) -> None:
        """Start what runs at this end; on the bot's own machine it does already."""
        self.channel = channel
        self.to_send += self.first
        if isinstance(channel, LocalChannel):
            self.started = True
            return
        if self.line is None:
            channel.invoke_subsystem(SFTP)
        else:
            channel.exec_command(self.line)
        self.started = True

    @property
    def open(self) -> paramiko.Channel | LocalChannel:
        """The channel of an end that was started."""
        if self.channel is None:
            raise ValueError(self.name)
        return self.channel

    @property
    def said_all(self) -> bool:
        """Whether nothing more comes from it."""
        return bool(self.open.closed or self.open.eof_received) and not self.open.recv_ready()

    @property
    def ended(self) -> bool:
        """Whether it is over, with everything that it has written here."""
        over = bool(self.open.closed or (self.open.eof_received and self.open.exit_status_ready()))
        return over and not self.open.recv_ready() and not self.open.recv_stderr_ready()

    def ran(self) -> Ran:
        """Return how it ended. Raises UnreachableError where it did not say so."""
        if self.open.exit_status < 0 or not self.open.eof_received:
            raise broken(self.name)
        return Ran(self.open.exit_status, bytes(self.out), bytes(self.err))

    def cut_off(self) -> Ran:
        """Return what it has said so far, as of an end that nobody waits for."""
        return Ran(CUT_OFF, bytes(self.out), bytes(self.err))

    def keep(self, held: bytearray, piece: bytes) -> None:
        """Keep a piece of what it wrote. Raises TooMuchError."""
        if self.allowance is not None:
            self.allowance.take(len(piece), WRITTEN)
        held += piece

    def let_go(self) -> None:
        """Hold nothing more of what it wrote."""
        if self.allowance is not None:
            self.allowance.give_back(len(self.out) + len(self.err))

    def send(self) -> bool:
        """Send what the other side takes now; return whether any of it went. UnreachableError: the connection broke."""
        if not self.to_send or not self.open.send_ready():
            return False
        try:
            sent = self.open.send(bytes(self.to_send[:PIECE_BYTES]))
        except OSError:
            # It has ended without reading all of its input, as any command may.
            self.to_send.clear()
            return False
        except (paramiko.SSHException, EOFError) as error:
            raise broken(self.name) from error
        del self.to_send[:sent]
        return True

    def end_input(self) -> None:
        """Let it see the end of its input, once all of that is sent. UnreachableError: the connection broke."""
        if not self.fed or self.to_send or self.open.eof_sent:
            return
        try:
            end_input(self.open)
        except (paramiko.SSHException, EOFError, OSError) as error:
            raise broken(self.name) from error

    def ask_for_life(self) -> None:
        """Return where somebody is there. Raises UnreachableError where nobody is."""
        if not self.ended and not isinstance(self.open, LocalChannel):
            ask_for_life(self.open, self.name)


@dataclass(slots=True)
class JoinedStream:
    """Hands bytes from `source` to `sink`, and back as well where `both_ways`; given up from another thread.

    Both ways, the source is a command that ends, and the sink an SFTP server that is left then, or, with `both_end`, a
    command whose end is waited for too. filtered: what the source may ask of it; None: whatever it likes.
    """

    source: StreamSide
    sink: StreamSide
    both_ways: bool
    deadline_s: float
    both_end: bool = False
    filtered: RepositoryFilter | None = None
    on_bytes: Callable[[int], None] | None = None
    handed: int = 0
    _given_up: threading.Event = field(default_factory=threading.Event)

    def give_up(self) -> None:
        """Stop, whatever the two do. May block for a moment."""
        self._given_up.set()
        for side in (self.source, self.sink):
            if side.channel is not None and not side.started:
                # Starting waits without a time limit, and only closing the channel ends that.
                side.channel.close()

    def over(self, source: paramiko.Channel | LocalChannel, sink: paramiko.Channel) -> tuple[Ran, Ran]:
        """Start both and return when both have ended.

        Raises TimedOutError, UnreachableError, OwnLackError, TooMuchError, RefusedError.
        """
        try:
            return self._attend(source, sink)
        finally:
            for side in (self.source, self.sink):
                side.let_go()

    def _attend(self, source: paramiko.Channel | LocalChannel, sink: paramiko.Channel) -> tuple[Ran, Ran]:
        ends_at = time.monotonic() + self.deadline_s
        poller = select.poll()
        for side, channel in ((self.sink, sink), (self.source, source)):
            try:
                side.start(channel)
                poller.register(channel.fileno(), select.POLLIN)
            except (paramiko.SSHException, EOFError, OSError) as error:
                given_up = self._given_up.is_set()
                why = too_late(side.name, self.deadline_s) if given_up else broken(side.name)
                raise own_lack(error) or why from error
        quiet_since = time.monotonic()
        while not self._is_over():
            some, now = self._move(), time.monotonic()
            if self._given_up.is_set() or now > ends_at:
                late = self.sink if self.source.ended else self.source
                raise too_late(late.name, self.deadline_s)
            if some:
                quiet_since = now
                continue
            if now - quiet_since > SILENCE_S:
                for side in (self.source, self.sink):
                    side.ask_for_life()
                quiet_since = time.monotonic()
            self._wait(poller)
        return self._ended()

    def _is_over(self) -> bool:
        if self.both_end:
            return self.source.ended and self.sink.ended
        if self.both_ways or (self.source.ended and self.source.open.exit_status != 0):
            return self.source.ended
        return self.sink.ended

    def _ended(self) -> tuple[Ran, Ran]:
        source = self.source.ran() if self.source.ended else self.source.cut_off()
        if self.both_end:
            return source, self.sink.ran()
        if self.both_ways or (self.source.ended and source.exit_code != 0):
            return source, self.sink.cut_off()
        return source, self.sink.ran()

    def _move(self) -> bool:
        some = self._hand(self.source, self.sink)
        if self.both_ways:
            some = self._hand(self.sink, self.source) or some
        if not self.both_ways and self.sink.open.recv_ready():
            self.sink.keep(self.sink.out, self.sink.open.recv(PIECE_BYTES))
            some = True
        for side in (self.source, self.sink):
            if side.open.recv_stderr_ready():
                side.keep(side.err, side.open.recv_stderr(PIECE_BYTES))
                some = True
        sent = [side.send() for side in (self.source, self.sink)]
        self._end_inputs()
        return some or any(sent)

    def _hand(self, giver: StreamSide, taker: StreamSide) -> bool:
        if not isinstance(giver.open, LocalChannel) and len(giver.open.in_buffer) > MOST_UNASKED:
            raise too_much(giver.name, "what it sent before it was asked for", MOST_UNASKED)
        # What the filter answers itself is held as well.
        held = max(len(taker.to_send), len(giver.to_send) if self.filtered is not None else 0)
        if held >= MOST_HELD or not giver.open.recv_ready():
            return False
        piece = giver.open.recv(PIECE_BYTES)
        if self.filtered is not None:
            self._filter(self.filtered, giver, piece)
        elif not taker.open.closed:
            taker.to_send += piece
        if giver is self.source:
            self.handed += len(piece)
            if self.on_bytes is not None:
                self.on_bytes(self.handed)
        return True

    def _filter(self, through: RepositoryFilter, giver: StreamSide, piece: bytes) -> None:
        try:
            if giver is self.source:
                through.take_from_client(piece)
            else:
                through.take_from_host(piece)
        except MalformedPacketError as error:
            raise RefusedError(
                f"{giver.name} does not speak SFTP as restic does: {error}.",
                hint="Nothing that was in the repository is changed. What runs there as restic?",
            ) from error
        for side, waiting in ((self.sink, through.to_host), (self.source, through.to_client)):
            if not side.open.closed:
                side.to_send += waiting
            waiting.clear()

    def _end_inputs(self) -> None:
        if self.both_ways:
            if self.sink.said_all:
                self.source.end_input()
            if self.source.said_all:
                self.sink.end_input()
            return
        self.source.end_input()
        if self.source.ended and self.source.open.exit_status == 0:
            self.sink.end_input()

    def _wait(self, poller: select.poll) -> None:
        # A descriptor whose channel has ended is always readable, and so is one whose bytes nobody can take yet.
        held_up = any(len(side.to_send) > 0 for side in (self.source, self.sink))
        some_ended = any(side.open.eof_received or side.open.closed for side in (self.source, self.sink))
        if held_up or some_ended:
            time.sleep(EAGER_S)
        else:
            poller.poll(LOOK_S * 1000)

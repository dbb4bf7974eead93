"""A command on the bot's own machine, with the face of an SSH channel: it can be joined to the off-site host."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
from pathlib import Path

from ops.child_environment import child_environment

SIGNALLED = 128


class LocalChannel:
    """Has of `paramiko.Channel` what `ops.ssh.stream` uses. Closing it kills the command with all that it started."""

    def __init__(self, line: str) -> None:
        """Start a shell line. Raises OSError."""
        self.closed = False
        self.eof_sent = False
        self._process = subprocess.Popen(
            ["/bin/sh", "-c", line],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            env=child_environment(os.environ) | {"HOME": str(Path.home())},
            start_new_session=True,
        )
        pipes = (self._process.stdin, self._process.stdout, self._process.stderr)
        self._pipes = tuple(pipe for pipe in pipes if pipe is not None)
        self._in, self._out, self._err = (pipe.fileno() for pipe in self._pipes)
        self._outputs = {self._out, self._err}
        self._readable = select.epoll()
        for descriptor in self._outputs:
            self._readable.register(descriptor, select.EPOLLIN)
        os.set_blocking(self._in, False)

    def fileno(self) -> int:
        """Return a descriptor that is readable when there is something to receive."""
        return self._readable.fileno()

    def send_ready(self) -> bool:
        """Return whether something can be sent, or sending would fail at once."""
        return _events(self._in, select.POLLOUT) != 0

    def send(self, piece: bytes) -> int:
        """Send what is taken now, and return how much. Raises OSError where the command reads no more."""
        try:
            return os.write(self._in, piece)
        except BlockingIOError:
            return 0

    def recv_ready(self) -> bool:
        """Return whether there is output."""
        return self._has_some(self._out)

    def recv_stderr_ready(self) -> bool:
        """Return whether there is something on standard error."""
        return self._has_some(self._err)

    def recv(self, most: int) -> bytes:
        """Return output that is there."""
        return os.read(self._out, most)

    def recv_stderr(self, most: int) -> bytes:
        """Return what is there on standard error."""
        return os.read(self._err, most)

    @property
    def eof_received(self) -> bool:
        """Whether it says nothing more."""
        return not (self.recv_ready() or self.recv_stderr_ready() or self._outputs)

    def exit_status_ready(self) -> bool:
        """Return whether it has ended."""
        return self._process.poll() is not None

    @property
    def exit_status(self) -> int:
        """How it ended, as a shell says it; -1: it has not."""
        status = self._process.poll()
        if status is None:
            return -1
        return status if status >= 0 else SIGNALLED - status

    def shutdown_write(self) -> None:
        """Let it see the end of its input."""
        self.eof_sent = True
        self._pipes[0].close()

    def close(self) -> None:
        """Kill it, and let go of all that it used."""
        self.closed = True
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._readable.close()
        for pipe in self._pipes:
            pipe.close()

    def _has_some(self, descriptor: int) -> bool:
        if descriptor not in self._outputs:
            return False
        events = _events(descriptor, select.POLLIN)
        if events and not events & select.POLLIN:
            # It has been closed at the other end, and all of it was read.
            self._outputs.discard(descriptor)
            self._readable.unregister(descriptor)
        return bool(events & select.POLLIN)


def _events(descriptor: int, wanted: int) -> int:
    """Return what a descriptor is ready for now."""
    poller = select.poll()
    poller.register(descriptor, wanted)
    return next((events for _, events in poller.poll(0)), 0)

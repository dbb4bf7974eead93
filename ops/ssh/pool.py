"""Commands on the fleet's servers over kept SSH connections, shared by all who ask.

paramiko blocks, so it has threads of its own; the event loop only waits. Host keys are pinned, and only the bot's own
key is offered.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
import shlex
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

from core.backup.sftp_filter import RepositoryFilter
from core.errors import NotInFleetError, TimedOutError, UnreachableError
from core.fleet import Server
from ops.contracts import HERE, RanOffsite
from ops.own_lack import own_lack
from ops.ssh.channels import carry_across, carry_out, look, put
from ops.ssh.command import RemoteCommand
from ops.ssh.connection import STAGE_S, Connection
from ops.ssh.files import Upload
from ops.ssh.keys import known_name
from ops.ssh.owners import OwnerLook
from ops.ssh.stream import JoinedStream, StreamSide

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from core.backup.host_limits import Owner
    from core.backup.repository_access import RepositoryAccess
    from core.fleet import Fleet, SecretRef
    from ops.contracts import End, Ran

log = logging.getLogger(__name__)
_Piece = TypeVar("_Piece", bytes, int)
_Work = TypeVar("_Work", RemoteCommand, JoinedStream, OwnerLook, Upload)
_Done = TypeVar("_Done")
OFFSITE = "off-site host"
# sshd's MaxSessions is 10 unless set otherwise; one is for asking whether the server still lives.
SESSIONS = 8
# Copies may run for hours; a look at the server must still find a place.
LONG_SESSIONS = 6
LONG_S = 60.0
KILL_AFTER_S = 5
GRACE_S = 5.0
# What was read of a command's output and the loop has not seen yet.
PIECES_UNDER_WAY = 2
PIECE_S = 5.0
# TCP, key exchange, login, channel; and again where a kept connection was dead.
CONNECT_STAGES = 8
# GNU timeout(1): ended at its time, or killed some seconds after it.
ENDED_BY_TIMEOUT = frozenset({124, 137})


class SshPool:
    """Implements `ops.contracts.Ssh`. `secret` reads the private key's text and refuses loose modes."""

    def __init__(self, fleet: Fleet, secret: Callable[[SecretRef], str]) -> None:
        self._servers = {**fleet.servers, **_offsite_host(fleet)}
        self._connections = {name: Connection(server, secret) for name, server in self._servers.items()}
        self._gates = {name: asyncio.Semaphore(SESSIONS) for name in self._servers}
        self._long_gates = {name: asyncio.Semaphore(LONG_SESSIONS) for name in self._servers}
        # So that no two processes write into the same unfinished file.
        self._token = secrets.token_hex(4)
        # As many threads as can ever be busy, so that a server that hangs never keeps the others waiting.
        self._threads = ThreadPoolExecutor(SESSIONS * len(self._servers) + 1, thread_name_prefix="ssh")
        self._closers = ThreadPoolExecutor(2, thread_name_prefix="ssh-close")
        # It logs tracebacks of what is said here as errors.
        logging.getLogger("paramiko").setLevel(logging.CRITICAL)

    async def run(
        self,
        server: str,
        command: str,
        *,
        timeout_s: float,
        stdin: bytes = b"",
        on_output: Callable[[bytes], None] | None = None,
    ) -> Ran:
        """Run `command` on `server` (`ops.contracts.Ssh.run`). Cancelling it gives the command up here, not there."""
        loop = asyncio.get_running_loop()
        asked = RemoteCommand(
            name=known_name(self._server(server)),
            line=bounded(command, timeout_s, fed=bool(stdin)),
            stdin=stdin,
            deadline_s=timeout_s + KILL_AFTER_S + GRACE_S,
            on_output=_Teller(loop, on_output) if on_output is not None else None,
        )
        async with contextlib.AsyncExitStack() as places:
            await self._take_place(server, timeout_s, places)
            try:
                ran = await self._in_thread(carry_out, asked, timeout_s, server)
            except TimedOutError:
                raise
            except UnreachableError as error:
                # What does not end at SIGTERM is killed, `timeout` with it, and then nobody says how it ended.
                if asked.took_s >= timeout_s:
                    raise _ended_there(asked.name, timeout_s) from error
                raise
        if ran.exit_code in ENDED_BY_TIMEOUT and asked.took_s >= timeout_s:
            raise _ended_there(asked.name, timeout_s)
        return ran

    async def stream(
        self, source: End, sink: End, *, timeout_s: float, on_bytes: Callable[[int], None] | None = None
    ) -> tuple[Ran, Ran]:
        """Hand what `source` writes to `sink`; see `ops.contracts.Ssh.stream`."""
        loop = asyncio.get_running_loop()
        joined = JoinedStream(
            source=self._side(source, timeout_s, fed=False),
            sink=self._side(sink, timeout_s, fed=True),
            both_ways=False,
            deadline_s=timeout_s + KILL_AFTER_S + GRACE_S,
            on_bytes=(lambda handed: _tell(loop, on_bytes, handed)) if on_bytes is not None else None,
        )
        return await self._join(joined, source.server, sink.server, timeout_s)

    async def converse(self, one: End, other: End, *, timeout_s: float) -> tuple[Ran, Ran]:
        """Have two commands talk with one another; see `ops.contracts.Ssh.converse`."""
        joined = JoinedStream(
            source=self._side(one, timeout_s, fed=True),
            sink=self._side(other, timeout_s, fed=True),
            both_ways=True,
            deadline_s=timeout_s + KILL_AFTER_S + GRACE_S,
            both_end=True,
        )
        return await self._join(joined, one.server, other.server, timeout_s)

    async def with_offsite(self, end: End, allowed: RepositoryAccess, *, timeout_s: float) -> RanOffsite:
        """Join a command to the off-site host's SFTP server; see `ops.contracts.Ssh.with_offsite`."""
        joined = self._to_offsite(self._side(end, timeout_s, fed=True), timeout_s)
        joined.filtered = passing = RepositoryFilter(allowed)
        try:
            ran = (await self._join(joined, end.server, OFFSITE, timeout_s))[0]
        finally:
            for what in passing.refused:
                log.warning("offsite=refused server=%s asked=%r", end.server, what)
        return RanOffsite(ran.exit_code, ran.out, ran.err, tuple(passing.added))

    async def from_here(self, command: str, first: bytes, *, timeout_s: float) -> Ran:
        """Join a command on this machine to the off-site host; see `ops.contracts.Ssh.from_here`."""
        here = StreamSide(HERE, bounded(command, timeout_s, fed=True), first)
        return (await self._join(self._to_offsite(here, timeout_s), HERE, OFFSITE, timeout_s))[0]

    async def put(self, server: str, files: Mapping[str, bytes], *, timeout_s: float) -> None:
        """Put files on `server`, each whole or not at all; see `ops.contracts.Ssh.put`."""
        putting = Upload(known_name(self._server(server)), files, self._token, timeout_s)
        async with contextlib.AsyncExitStack() as places:
            await self._take_place(server, timeout_s, places)
            await self._in_thread(put, putting, timeout_s, server)

    async def owners(self, server: str, paths: Sequence[str], *, timeout_s: float) -> Mapping[str, Owner]:
        """Return whose these paths are; see `ops.contracts.Ssh.owners`."""
        looking = OwnerLook(known_name(self._server(server)), paths, timeout_s)
        async with contextlib.AsyncExitStack() as places:
            await self._take_place(server, timeout_s, places)
            return await self._in_thread(look, looking, timeout_s, server)

    async def _in_thread(
        self, do: Callable[[Sequence[Connection], _Work, float], _Done], work: _Work, timeout_s: float, *servers: str
    ) -> _Done:
        """Have `work` done in a thread; it is given up there when it takes too long, or whoever waits is cancelled."""
        loop = asyncio.get_running_loop()
        patience_s = work.deadline_s + len(servers) * CONNECT_STAGES * min(STAGE_S, timeout_s)
        patience = loop.call_later(patience_s, self._closers.submit, work.give_up)
        connections = [self._connections[one] for one in servers]
        try:
            working = loop.run_in_executor(self._threads, do, connections, work, timeout_s)
            return await asyncio.shield(working)
        except (MemoryError, RuntimeError) as error:
            # No thread can be had, here or for paramiko.
            raise own_lack(error) or error from error
        except asyncio.CancelledError:
            self._closers.submit(work.give_up)
            # Nobody asks how it ended; asking keeps the loop from complaining.
            working.add_done_callback(lambda done: done.cancelled() or done.exception())
            raise
        finally:
            patience.cancel()

    def _to_offsite(self, source: StreamSide, timeout_s: float) -> JoinedStream:
        sink = StreamSide(known_name(self._server(OFFSITE)), None)
        return JoinedStream(source, sink, both_ways=True, deadline_s=timeout_s + KILL_AFTER_S + GRACE_S)

    def _side(self, end: End, timeout_s: float, *, fed: bool) -> StreamSide:
        fed = fed or bool(end.first)
        return StreamSide(
            known_name(self._server(end.server)), bounded(end.command, timeout_s, fed=fed), end.first, fed
        )

    async def _join(self, joined: JoinedStream, source: str, sink: str, timeout_s: float) -> tuple[Ran, Ran]:
        loop = asyncio.get_running_loop()
        async with contextlib.AsyncExitStack() as places:
            # Always in the same order, so that two streams never wait for one another.
            for server in sorted({source, sink} - {HERE}):
                await self._take_place(server, timeout_s, places)
            began_s = loop.time()
            over = [server for server in (source, sink) if server != HERE]
            both = await self._in_thread(carry_across, joined, timeout_s, *over)
        for side, ran in zip((joined.source, joined.sink), both, strict=True):
            if ran.exit_code in ENDED_BY_TIMEOUT and loop.time() - began_s >= timeout_s:
                raise _ended_there(side.name, timeout_s)
        return both

    async def _take_place(self, server: str, timeout_s: float, places: contextlib.AsyncExitStack) -> None:
        """Wait for one of the server's sessions; `places` gives it back."""
        gates = [self._gates[server]] if timeout_s <= LONG_S else [self._long_gates[server], self._gates[server]]
        try:
            async with asyncio.timeout(timeout_s):
                for gate in gates:
                    await places.enter_async_context(gate)
        except TimeoutError:
            raise TimedOutError(
                f"{known_name(self._server(server))} was busy with other commands of the bot for {timeout_s:g} s.",
                hint="Try again when they have ended; `status` says what runs.",
            ) from None

    def _server(self, name: str) -> Server:
        """Return one of the servers. Raises NotInFleetError for a name that the fleet file does not have."""
        if name not in self._servers:
            raise NotInFleetError(name)
        return self._servers[name]

    async def close(self) -> None:
        """Close every connection; what still runs ends with an error."""
        loop = asyncio.get_running_loop()
        await asyncio.gather(
            *(loop.run_in_executor(self._threads, connection.close) for connection in self._connections.values())
        )
        self._threads.shutdown(wait=False)
        self._closers.shutdown(wait=False)


def _offsite_host(fleet: Fleet) -> dict[str, Server]:
    """Return the off-site host as a server that only this pool knows, by a name that no server can have."""
    if fleet.offsite is None:
        return {}
    return {OFFSITE: Server(OFFSITE, OFFSITE, fleet.offsite.server.ssh, ipv4=fleet.offsite.server.address)}


def bounded(command: str, timeout_s: float, *, fed: bool) -> str:
    """Return a shell line that runs `command` with POSIX sh and ends it at `timeout_s` (GNU timeout(1)).

    fed: it gets input. What gets none must not be told over its channel that it has all of it: where a command ends in
    that moment, paramiko says so after it has closed the channel, and OpenSSH then ends the whole connection
    (github.com/paramiko/paramiko/issues/1115).
    """
    # In the place of the server's shell, which would report a command that was killed as one that exited with 137.
    line = f"exec timeout -k {KILL_AFTER_S} {timeout_s:.3f} sh -c {shlex.quote(command)}"
    return line if fed else f"{line} </dev/null"


def _tell(loop: asyncio.AbstractEventLoop, on_output: Callable[[_Piece], None], piece: _Piece) -> None:
    # A loop that is closing has nobody left to tell.
    if not loop.is_closed():
        loop.call_soon_threadsafe(on_output, piece)


class _Teller:
    """Has the loop told of pieces, and waits where it does not keep up: nothing piles up in between."""

    def __init__(self, loop: asyncio.AbstractEventLoop, on_output: Callable[[bytes], None]) -> None:
        self._loop = loop
        self._on_output = on_output
        self._room = threading.Semaphore(PIECES_UNDER_WAY)

    def __call__(self, piece: bytes) -> None:
        """Tell of one, from a thread."""
        # A loop that takes nothing for so long is closing or stands still; what it is told then does not count.
        self._room.acquire(timeout=PIECE_S)
        _tell(self._loop, self._take, piece)

    def _take(self, piece: bytes) -> None:
        self._room.release()
        self._on_output(piece)


def _ended_there(name: str, timeout_s: float) -> TimedOutError:
    return TimedOutError(
        f"A command on {name} took longer than {timeout_s:g} s and was ended there.",
        hint="The server may be overloaded.",
    )

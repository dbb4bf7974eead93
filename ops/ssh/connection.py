"""One kept SSH connection to one server: made when it is needed, and replaced once by itself when it turns out dead."""

from __future__ import annotations

import copy
import socket
import threading
import time
from collections import Counter
from typing import TYPE_CHECKING

import paramiko
from paramiko.ssh_exception import IncompatiblePeer

from core.errors import LoginRefusedError, SharpnetError, TimedOutError, UnreachableError
from core.wording import foreign
from ops.limits import Allowance
from ops.own_lack import own_lack
from ops.ssh.keys import known_name, pinned_keys, read_key, wrong_key
from ops.ssh.packets import BoundedPacketizer

if TYPE_CHECKING:
    from collections.abc import Callable

    from core.fleet import SecretRef, Server

# What each stage may take: TCP, the banner, the key exchange, the login, opening a channel.
STAGE_S = 10.0
# A peer that acknowledges nothing for this long is gone (tcp(7), TCP_USER_TIMEOUT).
SILENCE_MS = 30_000
KEEPALIVE_S = 15
# So much of what all commands on one server have written is held at once; what is read as it comes does not count.
MOST_HELD_BYTES = 64_000_000
_RSA_NAMES = ("rsa-sha2-512", "rsa-sha2-256")


class Connection:
    """The way to one server. Every method may be called from any thread; at most one connects at a time.

    allowance: how much of what its commands write is held at once.
    """

    def __init__(self, server: Server, secret: Callable[[SecretRef], str]) -> None:
        self._server = server
        self._secret = secret
        self._lock = threading.Lock()
        self._transport: paramiko.Transport | None = None
        self._busy: Counter[paramiko.Transport] = Counter()
        self._failed_at = 0.0
        self.allowance = Allowance(known_name(server), MOST_HELD_BYTES)
        self._failure: SharpnetError | None = None

    def open_channel(self, within_s: float) -> paramiko.Channel:
        """Open a channel, over a new connection where there is none or the kept one is dead; give it back afterwards.

        Raises UnreachableError, TimedOutError, HostKeyError, LoginRefusedError, OwnLackError, SettingsError.
        """
        stage_s = min(STAGE_S, within_s)
        kept, transport = self._connected(stage_s)
        try:
            # Half the time for a kept connection, so that a new one still fits in.
            return self._open_over(transport, stage_s / 2 if kept else stage_s)
        except UnreachableError:
            if not kept:
                raise
        return self._open_over(self._connected(stage_s / 2)[1], stage_s / 2)

    def give_back(self, channel: paramiko.Channel, *, suspect: bool) -> None:
        """Close a channel. `suspect`: the connection may be dead without knowing it; the next command gets another."""
        transport = channel.get_transport()
        try:
            channel.close()
        except (paramiko.SSHException, EOFError, OSError):
            # It broke in this very moment: nothing is left to be closed.
            suspect = True
        self._leave(transport, suspect=suspect or not transport.is_active())

    def close(self) -> None:
        """Close what is kept."""
        with self._lock:
            transports = {*self._busy, *([self._transport] if self._transport is not None else [])}
            self._transport = None
        for transport in transports:
            transport.close()

    def _open_over(self, transport: paramiko.Transport, stage_s: float) -> paramiko.Channel:
        try:
            return transport.open_session(timeout=stage_s)
        except paramiko.ChannelException as error:
            self._leave(transport, suspect=True)
            raise self._too_many(error) from error
        except (paramiko.SSHException, EOFError, OSError) as error:
            self._leave(transport, suspect=True)
            raise own_lack(error) or self._lost(error, stage_s) from error

    def _leave(self, transport: paramiko.Transport, *, suspect: bool) -> None:
        """Have no more to do with this connection; `suspect`: nobody begins anything over it any more.

        The last one that leaves closes it then: commands that still run over it are not cut off.
        """
        with self._lock:
            if suspect and self._transport is transport:
                self._transport = None
            self._busy[transport] -= 1
            left = self._busy[transport] <= 0
            if left:
                del self._busy[transport]
            over = left and transport is not self._transport
        if over:
            transport.close()

    def _connected(self, stage_s: float) -> tuple[bool, paramiko.Transport]:
        """Return (whether it was there already, the connection); it stays open until `_leave`."""
        waiting_since = time.monotonic()
        with self._lock:
            if self._transport is not None and self._transport.is_active():
                self._busy[self._transport] += 1
                return True, self._transport
            if self._failure is not None and self._failed_at > waiting_since:
                # Whoever waited while another tried need not try in turn: a dead server would cost each a time-out.
                raise copy.copy(self._failure) from self._failure
            try:
                self._transport = self._connect(stage_s)
            except SharpnetError as error:
                self._failed_at, self._failure = time.monotonic(), error
                raise
            self._busy[self._transport] += 1
            return False, self._transport

    def _connect(self, stage_s: float) -> paramiko.Transport:
        server = self._server
        pinned = pinned_keys(server)
        key = read_key(self._secret(server.ssh.key), server.ssh.key)
        transport, connected = None, False
        began = time.monotonic()
        connection = self._reach(stage_s)
        try:
            transport = paramiko.Transport(connection, packetizer_class=BoundedPacketizer)
            _prefer(transport, pinned)
            transport.banner_timeout = transport.handshake_timeout = transport.auth_timeout = stage_s
            transport.channel_timeout = stage_s
            transport.start_client(timeout=2 * stage_s)
            shown = transport.get_remote_server_key()
            if shown not in pinned:
                raise wrong_key(server, shown, pinned)
            refused = transport.auth_publickey(server.ssh.user, key)
            if refused or not transport.is_authenticated():
                raise self._login_refused()
            transport.set_keepalive(KEEPALIVE_S)
            connected = True
        except (paramiko.SSHException, EOFError, OSError, SharpnetError) as error:
            raise self._why(error, stage_s, time.monotonic() - began) from error
        finally:
            if not connected:
                if transport is not None:
                    transport.close()
                connection.close()
        return transport

    def _reach(self, stage_s: float) -> socket.socket:
        address, port = self._server.address, self._server.ssh.port
        try:
            reached = socket.create_connection((address, port), timeout=stage_s)
        except TimeoutError as error:
            raise self._silent(stage_s) from error
        except OSError as error:
            raise own_lack(error, address) or UnreachableError(
                f"{known_name(self._server)} cannot be reached: {error.strerror or error}.",
                hint=f"Is it up, does sshd run, and is port {port} open to the bot?",
            ) from error
        # A command is a few small packets each way: Nagle's algorithm would add 40 ms.
        reached.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        reached.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            reached.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, SILENCE_MS)
        return reached

    def _why(self, error: Exception, stage_s: float, took_s: float) -> SharpnetError:
        if isinstance(error, SharpnetError):
            return error
        if lack := own_lack(error, self._server.address):
            return lack
        said = foreign(str(error))
        if isinstance(error, TimeoutError) or "timeout" in said.lower() or took_s >= stage_s:
            return self._silent(took_s)
        # Only a login that the server has answered is refused; one during which it went away is not.
        if isinstance(error, paramiko.AuthenticationException) and "transport shut down" not in said:
            return self._login_refused()
        if isinstance(error, IncompatiblePeer):
            return UnreachableError(
                f"{known_name(self._server)} and the bot have no way of encrypting in common: {said}.",
                hint="Update sshd there.",
            )
        return UnreachableError(
            f"{known_name(self._server)} answers, but not as an SSH server: {said or type(error).__name__}.",
            hint=f"Is sshd what listens on port {self._server.ssh.port}, and does it take more connections?",
        )

    def _silent(self, took_s: float) -> TimedOutError:
        return TimedOutError(
            f"{known_name(self._server)} did not answer within {took_s:.3g} s.",
            hint="It may be down, or the way to it.",
        )

    def _lost(self, error: Exception, stage_s: float) -> UnreachableError:
        if "timeout" in str(error).lower():
            return self._silent(stage_s)
        return UnreachableError(
            f"{known_name(self._server)} closed the connection: {foreign(str(error)) or type(error).__name__}.",
            hint="It may be going down or up; try again.",
        )

    def _too_many(self, error: paramiko.ChannelException) -> UnreachableError:
        return UnreachableError(
            f"{known_name(self._server)} opens no more sessions: {foreign(error.text)}.",
            hint="Raise MaxSessions in its sshd_config (10 is enough for the bot).",
        )

    def _login_refused(self) -> LoginRefusedError:
        ssh = self._server.ssh
        return LoginRefusedError(
            f"{known_name(self._server)} does not take the key {ssh.key} for the user {ssh.user}.",
            hint=f"Put its public key into ~{ssh.user}/.ssh/authorized_keys there (modes 700 and 600).",
        )


def _prefer(transport: paramiko.Transport, pinned: list[paramiko.PKey]) -> None:
    """Ask the server for a kind of host key that is pinned, where it has several."""
    options = transport.get_security_options()
    names = [name for key in pinned for name in (_RSA_NAMES if key.get_name() == "ssh-rsa" else (key.get_name(),))]
    wanted = [name for name in dict.fromkeys(names) if name in options.key_types]
    options.key_types = (*wanted, *(name for name in options.key_types if name not in wanted))

"""One short conversation over TCP: connect, say something, listen until it is known enough; always within a time.

Protocols instead of streams: thousands of checks run in one process, and a stream costs twice as much.
"""

from __future__ import annotations

import asyncio
import ssl
from datetime import UTC, datetime, timedelta
from typing import cast

from core.wording import duration
from ops.contracts import Look
from ops.own_lack import own_lack, within
from ops.probe.lines import Dialogue, Listener

CERTIFICATE_TROUBLE = {
    10: "its certificate has expired",
    9: "its certificate is not valid yet",
    18: "its certificate is self-signed",
    19: "its certificate is signed by an authority that this machine does not trust",
    20: "its certificate is signed by an authority that this machine does not trust",
    62: "its certificate is for another name",
}


async def talk(
    address: str,
    port: int,
    listener: Listener,
    *,
    timeout_s: float,
    tls: tuple[ssl.SSLContext, str] | None = None,
    starttls: tuple[ssl.SSLContext, str | None] | None = None,
) -> Look:
    """Return what `listener` found at `address`; trouble of the connection is a look as well.

    Raises OwnLackError where it was this machine's own trouble: nothing was found then.
    tls: the context and the name to ask for and verify. starttls: the same, for TLS that begins once `listener` has
    found all well; without a name none is asked for.
    """
    loop = asyncio.get_running_loop()
    begun = loop.time()
    conversation = _Conversation(listener, loop.create_future())
    context, name = tls or (None, None)
    awaited = "TLS connection" if tls else "connection"
    try:
        async with within(timeout_s):
            await loop.create_connection(lambda: conversation, address, port, ssl=context, server_hostname=name)
            awaited = "answer"
            found = await conversation.outcome
            if found.ok and starttls is not None:
                awaited = "TLS connection"
                await conversation.shake_hands(*starttls)
    except TimeoutError:
        found = Look(ok=False, why=f"no {awaited} within {duration(timedelta(seconds=timeout_s))}")
    except OSError as error:
        if lack := own_lack(error, address):
            raise lack from error
        found = Look(ok=False, why=trouble_of(error, port))
    finally:
        conversation.close()
    return Look(found.ok, found.why, loop.time() - begun, conversation.certificate_ends_at)


def trouble_of(error: OSError, port: int) -> str:
    """Say what is wrong with a connection, or with TLS on it, that is no time-out and no lack of this machine."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return CERTIFICATE_TROUBLE.get(error.verify_code, f"its certificate is not valid: {error.verify_message}")
    if isinstance(error, ssl.SSLError):
        return f"TLS failed: {(error.reason or 'no reason given').lower().replace('_', ' ')}"
    if isinstance(error, ConnectionRefusedError):
        return f"connection refused at port {port}"
    if isinstance(error, ConnectionError):
        return "it broke the connection off"
    return (error.strerror or str(error)).lower()


class _Conversation(asyncio.Protocol):
    def __init__(self, listener: Listener, outcome: asyncio.Future[Look]) -> None:
        self.outcome = outcome
        self.certificate_ends_at: datetime | None = None
        self._listener = listener
        self._transport: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # Not asked for its class: another event loop's is none of asyncio's, and does the same.
        self._transport = writable = cast("asyncio.WriteTransport", transport)
        self._keep_end_of_certificate()
        if isinstance(self._listener, Dialogue):
            self._listener.say = writable.write
        opening = self._listener.opening()
        if opening:
            writable.write(opening)
        # For some it is enough that it is connected.
        self.data_received(b"")

    def data_received(self, data: bytes) -> None:
        if not self.outcome.done():
            found = self._listener.heard(data)
            if found is not None:
                self.outcome.set_result(found)

    def eof_received(self) -> None:
        if not self.outcome.done():
            self.outcome.set_result(self._listener.ended())

    def connection_lost(self, exc: Exception | None) -> None:
        if self.outcome.done():
            return
        if exc is not None:
            self.outcome.set_exception(exc)
        else:
            self.outcome.set_result(self._listener.ended())

    async def shake_hands(self, context: ssl.SSLContext, name: str | None) -> None:
        """Go on in TLS; whatever goes wrong is raised as for a connection that begins with it."""
        plain, loop = self._transport, asyncio.get_running_loop()
        # On a transport that is closed already a handshake would wait for ever.
        if plain is None or plain.is_closing():
            raise ConnectionResetError
        self._transport = await loop.start_tls(plain, self, context, server_hostname=name)
        self._keep_end_of_certificate()

    def _keep_end_of_certificate(self) -> None:
        tls = self._transport.get_extra_info("ssl_object") if self._transport is not None else None
        # Of a certificate that was not verified, nothing is known: getpeercert() gives an empty one.
        if tls is not None and (certificate := tls.getpeercert()):
            ends_s = ssl.cert_time_to_seconds(str(certificate["notAfter"]))
            self.certificate_ends_at = datetime.fromtimestamp(ends_s, UTC)

    def close(self) -> None:
        """Let go at once: a look leaves nothing behind that waits for the other side's goodbye."""
        if self._transport is not None:
            # Closing TLS properly means to wait for the other side; closing TCP does not.
            if self._transport.get_extra_info("sslcontext"):
                self._transport.abort()
            else:
                self._transport.close()
        if not self.outcome.cancel() and not self.outcome.cancelled():
            # Trouble that came when nobody waited any more is asked for, so that the loop does not complain of it.
            self.outcome.exception()

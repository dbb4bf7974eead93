"""Checks against small servers on loopback, each real where there is one to be had."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import subprocess
import time
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

import dns.exception
import dns.message
import dns.query
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from given_ports import ports_with

from core.fleet import DnsSettings, Endpoint, Fleet, NameServer, SecretRef, Server, ServerChecks, SshLogin, Watch

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
    from pathlib import Path

    from ops.ports import Ports

    AfterStartTls = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

LOOPBACK = "127.0.0.1"
PATIENCE_S = 20.0


def ports_at(
    checks: ServerChecks, *, dns_port: int = 53, zones: tuple[str, ...] = ("shop.test",), timeout_s: float = PATIENCE_S
) -> Ports:
    """Return what a check may ask, of a fleet with the one server `one` on loopback."""
    login = SshLogin("ops", 22, SecretRef("file", "/keys/bot"), "/keys/known_hosts")
    dns = DnsSettings((), (NameServer("ns1", Endpoint(LOOPBACK, dns_port), "Oslo"),), zones, open_transfers=False)
    server = Server("one", "Oslo", login, ipv4=LOOPBACK, checks=checks)
    fleet = Fleet("test", "UTC", {"one": server}, {}, dns, watch=replace(Watch(), timeout=timedelta(seconds=timeout_s)))
    return ports_with(fleet)


def free_port() -> int:
    """Return a port of loopback where nothing listens."""
    with socket.socket() as free:
        free.bind((LOOPBACK, 0))
        return int(free.getsockname()[1])


def server_tls(folder: Path) -> ssl.SSLContext:
    """Return a mail server's context, with a certificate that signs itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mail.test")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(now).not_valid_after(now + timedelta(days=1))
    pem = builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    pem += key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "mail.pem").write_bytes(pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "mail.pem")
    return context


@asynccontextmanager
async def line_server(
    greeting: bytes, answers: dict[bytes, bytes], after_starttls: AfterStartTls | None = None
) -> AsyncIterator[int]:
    """Say `greeting`, and to each line that begins with a key its answer; hang up on any other. Gives the port.

    after_starttls: what it does instead of reading on, once it has answered STARTTLS.
    """
    conversations: set[asyncio.Task[Any]] = set()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        conversations.add(cast("asyncio.Task[Any]", asyncio.current_task()))
        writer.write(greeting)
        with contextlib.suppress(ConnectionError):
            while line := await reader.readline():
                answer = next((said for begin, said in answers.items() if line.startswith(begin)), None)
                if answer is None:
                    break
                writer.write(answer)
                if after_starttls is not None and b"STARTTLS" in line:
                    await after_starttls(reader, writer)
                    break
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()

    server = await asyncio.start_server(talk, LOOPBACK, 0)
    async with server:
        yield server.sockets[0].getsockname()[1]
        if conversations:
            await asyncio.wait(conversations, timeout=PATIENCE_S)


@contextmanager
def name_server(folder: Path, *, transfers_to: str) -> Iterator[int]:
    """Run BIND with the zone shop.test, of which `transfers_to` may have the whole; gives its port."""
    port = free_port()
    (folder / "shop.test.db").write_text(
        "$TTL 60\n@ SOA ns1 hostmaster 7 3600 600 86400 60\n@ NS ns1\nns1 A 127.0.0.1\n", encoding="ascii"
    )
    (folder / "named.conf").write_text(
        f'options {{ directory "{folder}"; listen-on port {port} {{ {LOOPBACK}; }}; listen-on-v6 {{ none; }}; '
        f"pid-file none; session-keyfile none; recursion no; allow-transfer {{ {transfers_to}; }}; }};\n"
        f'controls {{ }};\nzone "shop.test" {{ type primary; file "{folder}/shop.test.db"; }};\n',
        encoding="ascii",
    )
    log = (folder / "named.log").open("wb")
    with log, subprocess.Popen(["named", "-g", "-c", str(folder / "named.conf")], stderr=log) as named:
        try:
            _wait_for(port)
            yield port
        finally:
            named.terminate()


def _wait_for(port: int) -> None:
    """Wait until the name server answers for its zone: it listens before it has read it."""
    query = dns.message.make_query("shop.test", "SOA")
    for _ in range(int(PATIENCE_S / 0.05)):
        with contextlib.suppress(OSError, dns.exception.DNSException):
            if dns.query.tcp(query, LOOPBACK, timeout=1, port=port).answer:
                return
        time.sleep(0.05)
    raise TimeoutError(port)

"""Asks hosts whether they serve, until they do."""

import socket
import time
from collections.abc import Callable, Iterable

import dns.exception
import dns.flags
import dns.message
import dns.query
import dns.rcode
import dns.rdatatype

from lab.fleet import EndpointSpec, ServerSpec

Probe = Callable[[], bool]
_ONE_TRY_S = 0.5
_BETWEEN_S = 0.02
_SOME_BYTES = 4096


def wait_until(probes: Iterable[Probe], timeout_s: float, alarm: Callable[[], None]) -> bool:
    """Repeat each probe until it holds; False where some still does not in time. `alarm` may raise after any round."""
    deadline = time.monotonic() + timeout_s
    pending = list(probes)
    while pending:
        pending = [probe for probe in pending if not probe()]
        alarm()
        if not pending:
            break
        if time.monotonic() > deadline:
            return False
        time.sleep(_BETWEEN_S)
    return True


def ssh_greets(address: str, port: int) -> Probe:
    """Tell whether sshd sends its banner."""
    return _greets(address, port, b"SSH-")


def http_answers(address: str, port: int, name: str) -> Probe:
    """Tell whether this server's web server answers, whatever it answers."""
    own = f"\r\nX-Served-By: {name}\r\n".encode()
    return lambda: own in _talk(address, port, b"HEAD / HTTP/1.0\r\n\r\n")


def server_probes(server: ServerSpec) -> list[Probe]:
    """List what must hold before a web server counts as up."""
    probes = []
    for address in server.addresses:
        probes += [ssh_greets(address, server.ssh_port), http_answers(address, server.http_port, server.name)]
        if server.https_port:
            probes.append(http_port_open(address, server.https_port))
        probes += [smtp_greets(address, port) for port in server.mail.smtp]
        probes += [_greets(address, port, b"* OK ") for port in server.mail.imap]
    return probes


def smtp_greets(address: str, port: int) -> Probe:
    """Tell whether a mail server sends its banner."""
    return _greets(address, port, b"220 ")


def http_port_open(address: str, port: int) -> Probe:
    """Tell whether a port takes connections; the certificate is not looked at."""
    return lambda: _talk(address, port, None) == b"connected"


def zone_served(at: EndpointSpec, zone: str) -> Probe:
    """Tell whether a name server has the zone."""

    def served() -> bool:
        answer = ask(at, zone, "SOA")
        return answer is not None and answer.rcode() == dns.rcode.NOERROR and bool(answer.flags & dns.flags.AA)

    return served


def anything_answered(at: EndpointSpec) -> Probe:
    """Tell whether a name server answers at all, be it with an error."""
    return lambda: ask(at, ".", "SOA") is not None


def ask(at: EndpointSpec, name: str, kind: str, timeout_s: float = _ONE_TRY_S) -> dns.message.Message | None:
    """Ask a name server over UDP; None where no answer comes."""
    query = dns.message.make_query(name, dns.rdatatype.from_text(kind))
    query.flags &= ~dns.flags.RD
    try:
        return dns.query.udp(query, at.address, timeout=timeout_s, port=at.port)
    except (OSError, dns.exception.DNSException):
        return None


def _greets(address: str, port: int, greeting: bytes) -> Probe:
    return lambda: _talk(address, port, b"").startswith(greeting)


def _talk(address: str, port: int, request: bytes | None) -> bytes:
    try:
        with socket.create_connection((address, port), timeout=_ONE_TRY_S) as connection:
            if request is None:
                return b"connected"
            connection.sendall(request)
            return connection.recv(_SOME_BYTES)
    except OSError:
        return b""
